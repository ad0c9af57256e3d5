"""A broken feed is called by its fault; what merely moved is not called broken."""

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.monitoring import profile
from jupyter_mlops.monitoring.quality import broken
from jupyter_mlops.project import Quality

RANDOM = np.random.default_rng(0)
N = 3000
CELSIUS = RANDOM.normal(20, 4, N)


def _said(before: object, now: object) -> list[str]:
    one, two = (profile(pd.DataFrame({"x": x})) for x in (before, now))
    return [v.sentence for v in broken(one, two, ["x"], Quality())]


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (CELSIUS, RANDOM.normal(20, 4, 800) * 1.8 + 32, "in Fahrenheit where it was in Celsius"),
        (CELSIUS, RANDOM.normal(20, 4, 800) + 273.15, "in Kelvin where it was in Celsius"),
        (RANDOM.lognormal(0, 1, N), RANDOM.lognormal(0, 1, 800) * 10, "multiplied by 10:"),
        (RANDOM.lognormal(0, 1, N), RANDOM.lognormal(0, 1, 800) / 1000, "multiplied by 0.001"),
        (RANDOM.gamma(9, 1, N), -RANDOM.gamma(9, 1, 800), "of the other sign"),
        (
            CELSIUS,
            np.where(np.arange(800) > 500, 21.5, RANDOM.normal(20, 4, 800)),
            "is stuck at 21.5 in 37% of the rows",
        ),
        (CELSIUS, np.full(200, 21.5), "is stuck at 21.5"),
        (
            CELSIUS,
            np.where(np.arange(800) % 4 == 0, np.nan, 20 + RANDOM.normal(0, 4, 800)),
            "is empty in 25% of the rows",
        ),
        (CELSIUS, np.where(np.arange(800) % 4 == 0, np.inf, 20 + RANDOM.normal(0, 4, 800)), "is infinite in 25%"),
        (list("abc") * 1000, list("abd") * 300, "has values it never had, 'd' above all, in 33% of the rows"),
        (list("abc") * 1000, list("ABC") * 300, "has values it never had"),
    ],
)
def test_each_fault_is_named(before: object, now: object, said: str):
    [sentence] = _said(before, now)
    assert said in sentence


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (CELSIUS, RANDOM.normal(20, 4, 800)),
        (CELSIUS, RANDOM.normal(21, 4, 800)),
        (CELSIUS, RANDOM.normal(28, 5, 800)),
        (RANDOM.lognormal(0, 1, N), RANDOM.lognormal(0.7, 1, 800)),
        (RANDOM.poisson(3, N), RANDOM.poisson(5, 800)),
        (np.full(N, 3.0), np.full(800, 3.0)),
        (np.where(RANDOM.random(N) < 0.5, 0, CELSIUS), np.where(RANDOM.random(N) < 0.8, 0, CELSIUS)),
        ([f"item {i % 900}" for i in range(N)], [f"item {i % 1500}" for i in range(N)]),
    ],
)
def test_what_merely_moved_is_not_broken(before: object, now: object):
    assert _said(before, now) == []
