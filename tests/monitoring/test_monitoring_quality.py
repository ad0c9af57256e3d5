"""A broken feed is called by its fault; what merely moved is not called broken."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.monitoring import Profile, drift, profile
from jupyter_mlops.monitoring.quality import Undeclared, broken
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


def _frames(now: dict[str, object]) -> tuple[pd.DataFrame, pd.DataFrame]:
    before = {name: RANDOM.normal(size=N) for name in "abcd"}
    return pd.DataFrame(before), pd.DataFrame({name: RANDOM.normal(size=800) for name in "abcd"} | now)


def test_columns_that_are_empty_together_are_one_broken_join():
    gone = np.where(np.arange(800) % 3 == 0, np.nan, 0.5 + RANDOM.normal(size=800))
    alone = np.where(np.arange(800) % 4 == 0, np.nan, RANDOM.normal(size=800))
    before, now = _frames({"a": gone, "c": gone, "d": alone})
    said = [v.sentence for v in broken(profile(before), profile(now), list("abcd"), Quality())]
    assert said[0] == "columns a, c are empty together, in 33% of the rows: a join found nothing"
    assert [s.split()[1] for s in said[1:]] == ["d"]


def test_drift_says_what_is_broken_and_time_that_goes_on_is_not():
    before, now = _frames({"a": np.full(800, np.nan)})
    at = pd.date_range("2026-01-01", periods=N, freq="h")
    report = drift(before.assign(t=at), now.assign(t=at[:800] + pd.Timedelta("900D")))
    assert list(report.broken) == ["a"]
    assert report.as_dict()["broken_columns"]["a"].startswith("column a is empty in 100%")
    assert "BROKEN" in str(report)
    assert "broken rather than drifted" in report._repr_html_()


def test_how_text_is_written_merges_exactly_and_is_saved():
    words = pd.DataFrame({"x": ["pump 7 läuft", "ポンプ 7!", "", None, "pump stopped"]})
    whole = profile(words)
    parts = profile(words.iloc[:2]).merge(profile(words.iloc[2:]))
    assert parts.to_bytes() == whole.to_bytes() == Profile.from_bytes(whole.to_bytes()).to_bytes()
    [line] = whole.as_dict()["columns"]
    text = line["text"]
    written = [len(x) for x in words["x"].dropna()]
    assert text["length"] == {"min": 0.0, "mean": sum(written) / 4, "max": float(max(written))}
    assert text["characters"]["digits"] == 2 / sum(written)
    assert text["characters"]["letters"] == pytest.approx((9 + 3 + 11) / sum(written))
    assert text["words"]["top"][0] == ["pump", 2]


def test_what_holds_without_a_project_is_what_an_undeclared_rule_means():
    assert Undeclared() == (Quality().nulls, Quality().out_of_range)


def test_comparing_loads_nothing_that_reads_a_project():
    code = (
        "import sys, jupyter_mlops; jupyter_mlops.drift; sys.exit('pydantic' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
