"""A target's log cut into windows of `monitor.window`, and the rows each window is held against."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pandas as pd

from jupyter_mlops.monitoring import Arrivals
from jupyter_mlops.project import Target

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEK = timedelta(weeks=1)
_FEWEST = 100
_MOST = 1000  # earlier windows whose rows are counted


def numbers(target: Target, rows: pd.DataFrame) -> pd.Series:
    """Each row's window; windows begin at multiples of their length since 1970 UTC."""
    return (pd.to_datetime(rows["time"], utc=True) - pd.Timestamp(EPOCH)) // pd.Timedelta(target.spec.monitor.window)


def span(target: Target, rows: pd.DataFrame) -> tuple[datetime, datetime]:
    """The window that these rows lie in."""
    length = target.spec.monitor.window
    start = EPOCH + int(numbers(target, rows).iloc[0]) * length
    return start, start + length


def last_windows(target: Target, current: pd.DataFrame) -> list[pd.DataFrame]:
    """The last windows that hold rows, in order of time: those whose labels may still come, and those that alerts count."""
    if not len(current):
        return []
    number = numbers(target, current)
    held = sorted(number.unique())
    waiting = int(target.spec.monitor.performance.labels_within / target.spec.monitor.window) + 1
    count = max(sum(n >= held[-1] - waiting for n in held), target.spec.monitor.alert.of)
    return [current[number == n] for n in held[-count:]]


def drift_reference(target: Target, logged: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame | None:
    """Logged rows that a window is held against, where mlops.yaml asks for another reference than the training rows.

    None when it does not, or when too few such rows are logged.
    """
    rule = target.spec.monitor.drift
    if rule.reference == "training" or not len(logged):
        return None
    times = pd.to_datetime(logged["time"], utc=True)
    if rule.reference == "moving":
        kept = (times < start) & (times >= start - rule.windows * (end - start))
    else:
        kept = pd.Series(False, logged.index)
        for back in range(1, rule.windows + 1):
            kept |= (times >= start - back * _WEEK) & (times < end - back * _WEEK)
    return logged[kept] if int(kept.sum()) >= _FEWEST else None


def arrivals(target: Target, logged: pd.DataFrame, start: datetime, end: datetime, now: datetime) -> Arrivals:
    """How the rows of a window came, whichever version answered. The log's first window began before it, and is no whole one."""
    times = pd.to_datetime(logged["time"], utc=True)
    before = times < start
    counts = logged["sampling_weight"][before].groupby(numbers(target, logged[before])).sum()
    mine, pauses = (times >= start) & (times < end), times[before].sort_values().diff().max()
    return Arrivals(
        rows=float(logged["sampling_weight"][mine].sum()),
        start=start,
        end=end,
        until=min(end, now),
        newest=times[mine].max().floor("us").to_pydatetime(),
        looked=now,
        pause=timedelta(0) if pd.isna(pauses) else pauses.floor("us").to_pytimedelta(),
        earlier=counts.sort_index().iloc[1:][-_MOST:].tolist(),
    )


def at_event_time(target: Target, logged: pd.DataFrame) -> pd.DataFrame:
    """The log with each row's own declared `timestamp`, where it has one, as its time: a row may be asked about later."""
    stamp = target.spec.data.timestamp
    if stamp is None or stamp not in logged.columns:
        return logged
    own, asked = (
        pd.to_datetime(logged[name], utc=True, errors="coerce", format="mixed").astype("datetime64[us, UTC]")
        for name in (stamp, "time")
    )
    return logged.assign(time=own.fillna(asked))


def evenly(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows that all stand for as many requests: where the share that was logged changed, those kept oftener are thinned.

    A row stays with the chance of its weight to the heaviest one's, decided by its id, so that a window judged again is the same.
    """
    weight = rows["sampling_weight"]
    if not len(rows) or (weight == weight.max()).all():
        return rows
    stays: pd.Series = rows["inference_id"].map(_chance) < weight / weight.max()
    return rows.loc[stays]


def _chance(key: str) -> float:
    return int.from_bytes(hashlib.blake2b(str(key).encode(), digest_size=8).digest(), "big") / 2**64
