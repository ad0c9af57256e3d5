"""Rows that stop, are too few or too many, or come twice, are a fault of the feed; too little to say is said by nothing."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.monitoring.arriving import Arrivals, arrived, repeated, same_ids
from jupyter_mlops.project import Quality

START = datetime(2026, 3, 9, tzinfo=UTC)
DAY = timedelta(days=1)
RANDOM = np.random.default_rng(0)


def _found(
    rows: float = 200,
    quiet: timedelta = timedelta(minutes=7),
    earlier: list[float] | None = None,
    so_far: timedelta = DAY,
    old: timedelta = timedelta(0),
) -> Arrivals:
    """A day's window, looked at `so_far` after it began, whose newest row came `quiet` before."""
    until = START + so_far
    usual = [190.0, 200.0, 210.0, 205.0, 195.0, 200.0, 200.0] if earlier is None else earlier
    pause = timedelta(minutes=15)
    return Arrivals(rows, START, START + DAY, until, until - quiet, until + old, pause, usual)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (_found(rows=90), "only 90 rows arrived in this window; the 7 windows before had 190 to 210"),
        (_found(rows=430), "430 rows arrived in this window; the 7 windows before had 190 to 210"),
        (
            _found(quiet=timedelta(hours=7)),
            "rows stopped: the newest row is of 2026-03-09 17:00 UTC, and then none for 7.0",
        ),
    ],
)
def test_a_feed_that_stops_thins_or_swells_is_named(found: Arrivals, said: str):
    [violation] = arrived(found, Quality())
    assert violation.sentence.startswith(said)
    assert (violation.kind, violation.severity) == ("data-quality", "critical")


@pytest.mark.parametrize(
    "found",
    [
        _found(),
        _found(rows=120),
        _found(rows=90, earlier=[200.0] * 6),  # no week of days was seen
        _found(rows=4, earlier=[10.0] * 9),
        _found(rows=90, so_far=timedelta(hours=11)),  # the window is not over
        _found(quiet=timedelta(hours=5)),
        _found(quiet=timedelta(hours=20), earlier=[200.0] * 2),
        _found(rows=90, earlier=[80.0, 200.0, 200.0, 200.0, 200.0, 200.0, 200.0]),
    ],
)
def test_what_is_usual_or_cannot_be_told_is_not(found: Arrivals):
    assert arrived(found, Quality()) == []


def test_a_declared_age_needs_no_earlier_windows():
    rule = Quality(stale="2h")
    [violation] = arrived(_found(old=timedelta(hours=3), earlier=[]), rule)
    assert violation.what == "staleness"
    assert "at most 2.0 hours are allowed" in violation.sentence
    assert arrived(_found(old=timedelta(hours=1), earlier=[]), rule) == []


def _rows(n: int) -> pd.DataFrame:
    return pd.DataFrame({"a": RANDOM.normal(size=n), "b": RANDOM.choice(["x", "y"], n), "tags": [[1]] * n})


def test_rows_that_come_twice_are_a_fault_where_they_never_did():
    columns = ["a", "b", "tags"]
    before, now = _rows(500), _rows(300)
    [violation] = repeated(before, pd.concat([now, now.iloc[:100]]), columns, Quality())
    assert violation.sentence.startswith("25% of the rows repeat another row")
    assert repeated(before, now, columns, Quality()) == []
    assert repeated(before, pd.concat([now, now.iloc[:10]]), columns, Quality()) == []
    assert repeated(before[["b"]], pd.concat([now, now]), columns, Quality()) == []  # few values always repeat
    assert repeated(before.iloc[:9], pd.concat([now, now]), columns, Quality()) == []
    asked_again = pd.concat([now, now]).assign(time=pd.date_range("2026-03-09", periods=600, freq="min"))
    assert repeated(before, asked_again, columns, Quality()) == []  # the same customer, at another time


def test_rows_that_share_an_id_are_a_fault():
    [violation] = same_ids(pd.Series(["a", "a", "b", "c"]), Quality())
    assert violation.sentence.startswith("25% of the rows carry an inference_id that another row has, as 'a'")
    assert same_ids(pd.Series(["a", "b"]), Quality()) == same_ids(pd.Series([], dtype=str), Quality()) == []


@given(st.lists(st.integers(30, 1_000_000), min_size=7, max_size=40), st.floats(0, 1))
def test_no_number_between_the_fewest_and_the_most_is_a_fault(earlier: list[int], part: float):
    rows = min(earlier) + part * (max(earlier) - min(earlier))
    assert arrived(_found(rows=rows, earlier=[float(n) for n in earlier]), Quality()) == []
