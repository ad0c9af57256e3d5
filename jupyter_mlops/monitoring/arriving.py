"""How rows arrive: whether they stopped, are too few or too many for a window, or come twice. Part of a feed's quality.

Nothing is said where there is too little to say it from: staleness and volume are judged by what a week of earlier windows had
(four, of long windows), repeated rows where the reference's were practically all different.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from jupyter_mlops.project import Quality
from jupyter_mlops.records import Violation

FEWEST = 30
_WINDOWS = 4
_WEEK = timedelta(weeks=1)
_ALL_DIFFERENT = 0.01


@dataclass(frozen=True)
class Arrivals:
    """A window's rows as they came, beside those before it.

    `until` is the window's end, or the time of looking at it while it lasts; `newest` the last row's time, `pause` the longest
    time between two rows before the window. `earlier` are the rows of whole windows before, `looked` the time of judging.
    """

    rows: float
    start: datetime
    end: datetime
    until: datetime
    newest: datetime
    looked: datetime
    pause: timedelta
    earlier: Sequence[float]

    @property
    def enough(self) -> bool:
        """Whether the earlier windows show every hour and day of a week that this one may lie in."""
        return len(self.earlier) >= max(_WINDOWS, _WEEK / (self.end - self.start))


def arrived(found: Arrivals, rule: Quality) -> list[Violation]:
    """What is wrong with when rows came and how many there are."""
    said = {"staleness": _stale(found, rule), "volume": _volume(found, rule)}
    return [
        _violation(what, sentence, {"rows": found.rows, "newest": found.newest.isoformat()})
        for what, sentence in said.items()
        if sentence
    ]


def _stale(found: Arrivals, rule: Quality) -> str:
    """By the age that is declared; else by a silence of a quarter of the window, twice the longest pause there ever was."""
    newest = f"the newest row is of {found.newest:%Y-%m-%d %H:%M} UTC"
    if rule.stale is not None:
        age = found.looked - found.newest
        return f"rows stopped: {newest}, {_long(age)} old; at most {_long(rule.stale)} are allowed" * (age > rule.stale)
    silence = found.until - found.newest
    if not found.enough or silence <= max(2 * found.pause, (found.end - found.start) / 4):
        return ""
    return f"rows stopped: {newest}, and then none for {_long(silence)}; no pause before was over {_long(found.pause)}"


def _volume(found: Arrivals, rule: Quality) -> str:
    """Outside of what every earlier window had, by a factor: half the fewest, of a window that is over, or twice the most."""
    if not found.enough or min(found.earlier) < FEWEST or rule.volume == 0:
        return ""
    fewest, most = min(found.earlier), max(found.earlier)
    usual = f"the {len(found.earlier)} windows before had {fewest:,.0f} to {most:,.0f}"
    if found.until >= found.end and found.rows < fewest * rule.volume:
        return f"only {found.rows:,.0f} rows arrived in this window; {usual}"
    return f"{found.rows:,.0f} rows arrived in this window; {usual}" if found.rows > most / rule.volume else ""


def _long(length: timedelta) -> str:
    hours = length / timedelta(hours=1)
    return (
        f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours" if hours >= 2 else f"{hours * 60:.0f} minutes"
    )


def repeated(reference: pd.DataFrame, current: pd.DataFrame, columns: list[str], rule: Quality) -> list[Violation]:
    """Whether rows repeat others in all these columns, which they did not in the reference."""
    shared = [name for name in columns if name in reference.columns and name in current.columns]
    few = min(len(reference), len(current))
    if few < FEWEST or not shared or _again(reference[shared].iloc[-few:]) > _ALL_DIFFERENT:
        return []
    share = _again(current[[*shared, *(["time"] if "time" in current.columns and "time" not in shared else [])]])
    if share <= rule.duplicates:
        return []
    sentence = f"{share:.0%} of the rows repeat another row in every column; in the reference practically none did"
    return [_violation("duplicate rows", sentence, {"rows": len(current), "share": share})]


def same_ids(ids: pd.Series, rule: Quality) -> list[Violation]:
    """Whether rows that were given share their id with another one, and so were lost: an id is kept once."""
    share = float(ids.duplicated().mean()) if len(ids) else 0.0
    if share <= rule.duplicates:
        return []
    most = ids[ids.duplicated()].astype(str).value_counts().index[0]
    sentence = (
        f"{share:.0%} of the rows carry an inference_id that another row has, as {most!r:.40}: one of each is kept"
    )
    return [_violation("duplicate ids", sentence, {"rows": len(ids), "share": share})]


def _again(rows: pd.DataFrame) -> float:
    """The share of rows that an earlier one equals. Values of no order or hash are compared as they are written."""
    plain = {name: rows[name].astype(str) if rows[name].dtype == object else rows[name] for name in rows.columns}
    return float(np.mean(pd.DataFrame(plain, index=rows.index).duplicated())) if len(rows) else 0.0


def _violation(what: str, sentence: str, figures: dict[str, float | int | str | None]) -> Violation:
    return Violation(
        kind="data-quality", what=what, sentence=sentence, severity="critical", figures=figures | {"cause": "data bug"}
    )
