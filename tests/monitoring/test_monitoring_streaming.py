"""Looking after every batch costs nothing: false alarms stay within the budget, changes are found within a few hundred rows."""

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring import DriftStream, profile
from jupyter_mlops.stats import e_benjamini_hochberg, log_evidence


def _batch(random: np.random.Generator, rows: int, shift: float = 0.0, extra: float = 0.0) -> pd.DataFrame:
    shares = np.full(10, (1 - 0.1 - extra) / 9)
    shares[0] = 0.1 + extra
    return pd.DataFrame({"x": random.normal(shift, 1, rows), "c": random.choice(list("abcdefghij"), rows, p=shares)})


def test_a_stream_that_does_not_change_raises_no_alarm_however_often_it_is_looked_at():
    random = np.random.default_rng(0)
    alarms = 0
    for _ in range(40):
        stream = DriftStream(_batch(random, 2000))
        looks = []
        for _ in range(40):
            stream.update(_batch(random, 50))
            looks.append(bool(stream.drifted_columns))
        alarms += any(looks)
    assert alarms <= 4


def test_the_evidence_hardly_ever_rises_without_a_change():
    random = np.random.default_rng(1)
    shares = np.full(10, 0.1)
    ever = [
        max(
            log_evidence(reference, steps)
            for steps in np.cumsum(random.multinomial(5, shares, size=60), axis=0).astype(float)
        )
        for reference in random.multinomial(500, shares, size=300).astype(float)
    ]
    assert np.mean(np.array(ever) >= np.log(20)) <= 0.05


@pytest.mark.parametrize(("moved", "name"), [({"shift": 0.2}, "x"), ({"extra": 0.1}, "c"), ({"shift": 1.0}, "x")])
def test_a_change_is_found(moved: dict[str, float], name: str):
    random = np.random.default_rng(2)
    stream = DriftStream(profile(_batch(random, 50_000)))
    for _ in range(60):
        stream.update(_batch(random, 50, **moved))
        if stream.drifted_columns:
            break
    assert stream.drifted_columns == [name]


def test_rows_one_by_one_are_the_batch():
    frame = _batch(np.random.default_rng(3), 5000)
    stream = DriftStream(frame)
    for row in frame.to_dict("records"):
        stream.add(row)
    assert stream.seen.to_bytes() == profile(frame).to_bytes()
    assert stream.drifted_columns == []
    assert max(stream.evidence.values()) < 0
    stream.add({"x": 1.0, "c": "a"})
    stream.add({"x": "one", "c": "a"})
    with pytest.raises(BadInput, match="no common type"):
        _ = stream.seen


def test_discoveries_by_evidence_are_the_largest_that_suffice():
    found = e_benjamini_hochberg(np.log([1000.0, 0.5, 45.0, 30.0]), 0.1)
    assert found.tolist() == [True, False, True, True]
    assert not e_benjamini_hochberg(np.log([39.0, 1.0, 1.0, 1.0]), 0.1).any()
    assert e_benjamini_hochberg(np.empty(0), 0.1).tolist() == []
