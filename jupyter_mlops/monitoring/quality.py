"""Is the feed broken? Decided before drift: a sensor that is stuck or a join that failed is not a change of the world."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from jupyter_mlops.monitoring.curves import Curve, Floats, curve
from jupyter_mlops.monitoring.profiles import Column, Profile

if TYPE_CHECKING:
    from jupyter_mlops.records import Violation

FEWEST = 30
_STUCK = 0.2
_MANY = 20
_UNITS = {f"multiplied by {by:g}": (by, 0.0) for by in (10, 100, 1000, 1e-1, 1e-2, 1e-3)} | {
    "in Fahrenheit where it was in Celsius": (1.8, 32.0),
    "in Celsius where it was in Fahrenheit": (1 / 1.8, -32 / 1.8),
    "in Kelvin where it was in Celsius": (1.0, 273.15),
    "of the other sign": (-1.0, 0.0),
}
_SHARES = np.arange(0.02, 0.99, 0.02)


class Rule(Protocol):
    """Of `quality:` in mlops.yaml what two profiles are held against."""

    @property
    def nulls(self) -> float: ...
    @property
    def out_of_range(self) -> float: ...


class Undeclared(NamedTuple):
    """What mlops.yaml means where it says nothing (a test holds the two together), for comparing data without a project: to
    load what reads that file takes longer than to compare."""

    nulls: float = 0.1
    out_of_range: float = 0.05


def broken(reference: Profile, current: Profile, features: list[str], rule: Rule) -> list[Violation]:
    """One violation for each feature that is gone, of another kind, empty, stuck, in another unit or out of its range.

    Features that became empty in as many rows each are one finding: a join found nothing, and no sensor broke.
    """
    said = faults(reference, current, features, rule)
    joined = _joined(current, said)
    found = [_violation(current, name, sentence) for name, sentence in said.items() if name not in joined]
    if joined:
        share = current.columns[joined[0]].nulls / max(1, current.rows)
        sentence = f"columns {_listed(joined)} are empty together, in {share:.0%} of the rows: a join found nothing"
        found.insert(0, _violation(current, joined[0], sentence))
    return found


def faults(reference: Profile, current: Profile, features: Iterable[str], rule: Rule) -> dict[str, str]:
    """What is broken about each feature that is, in a sentence."""
    said = {}
    for name in features:
        before, now = reference.columns.get(name), current.columns.get(name)
        if before is not None:
            said[name] = f"column {name} no longer arrives" if now is None else _fault(name, before, now, rule)
    return {name: sentence for name, sentence in said.items() if sentence}


def _joined(current: Profile, said: dict[str, str]) -> list[str]:
    """The largest group of broken columns that are empty in the same number of rows, when it is of two or more."""
    empty: dict[int, list[str]] = {}
    for name in said:
        column = current.columns.get(name)
        if column is not None and column.nulls:
            empty.setdefault(column.nulls, []).append(name)
    largest = max(empty.values(), key=len, default=[])
    return largest if len(largest) > 1 else []


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _violation(current: Profile, name: str, sentence: str) -> Violation:
    now = current.columns.get(name)
    figures: dict[str, float | int | str | None] = {"column": name, "n": now.n if now else 0}
    figures |= {"nulls": now.nulls if now else None, "cause": "data bug"}
    from jupyter_mlops.records import Violation

    return Violation(kind="data-quality", what=name, sentence=sentence, severity="critical", figures=figures)


def _fault(name: str, before: Column, now: Column, rule: Rule) -> str:
    if before.present and now.present and before.kind != now.kind:
        return f"column {name} was {before.holds} and is {now.holds} now"
    empty_before, empty_now = before.nulls / max(1, before.n), now.nulls / max(1, now.n)
    if empty_now - empty_before > rule.nulls:
        return f"column {name} is empty in {empty_now:.0%} of the rows; it was in {empty_before:.0%}"
    wild_before, wild_now = before.infinite / max(1, before.n), now.infinite / max(1, now.n)
    if wild_now - wild_before > rule.nulls:
        return f"column {name} is infinite in {wild_now:.0%} of the rows; it was in {wild_before:.0%}"
    if not now.seen or not before.seen or before.temporal or now.temporal:  # time goes on, and out of every range
        return ""
    if now.kind == "categorical":
        return _unseen(name, before, now, rule)
    return _stuck(name, before, now) or _unit(name, before, now) or _out_of_range(name, before, now, rule)


def _unseen(name: str, before: Column, now: Column, rule: Rule) -> str:
    """Of a closed list of values, a new one that is not rare is a change of encoding more often than of the world."""
    known, held = before.categories, now.categories
    if not known.exact or not held.exact or known.distinct > _MANY or before.seen < FEWEST * known.distinct:
        return ""
    new = {value: times for value, times in held.named.items() if value not in known.named}
    share = sum(new.values()) / now.seen
    if share <= rule.out_of_range:
        return ""
    most = max(new, key=lambda value: new[value])
    return f"column {name} has values it never had, {most!r:.40} above all, in {share:.0%} of the rows"


def _stuck(name: str, before: Column, now: Column) -> str:
    """One value, of a column that had many, in a fifth of the rows: a flat line that need not fill the window."""
    if len(before.buckets.keys) <= _MANY or now.seen < FEWEST:
        return ""
    top = int(np.argmax(now.buckets.counts))
    share = float(now.buckets.counts[top]) / now.seen
    shift = max(now.buckets.shift, before.buckets.shift)
    usual = before.buckets.coarser(shift)
    key = int(now.buckets.keys[top]) >> (shift - now.buckets.shift)
    place = np.flatnonzero(usual.keys == key)
    expected = float(usual.counts[place].sum()) / before.seen
    if share < _STUCK or expected > 0.01 or float(usual.counts.max()) / before.seen > share / 2:
        return ""
    value = now.buckets.values()[top]
    return f"column {name} is stuck at {value:g}" + (f" in {share:.0%} of the rows" if share < 1 else "")


def _unit(name: str, before: Column, now: Column) -> str:
    """A column far from its reference that lies on it again when one conversion is undone was given in another unit."""
    if len(before.buckets.keys) <= _MANY or now.seen < FEWEST:
        return ""
    usual, found = curve(before.buckets), curve(now.buckets)
    apart = _apart(usual, found.quantiles(_SHARES))
    if apart < 0.3:
        return ""
    undone = {word: _apart(usual, (found.quantiles(_SHARES) - add) / by) for word, (by, add) in _UNITS.items()}
    best = min(undone, key=lambda word: undone[word])
    noise = 1.36 * (1 / before.seen + 1 / now.seen) ** 0.5
    if undone[best] > 0.08 + noise or undone[best] > apart / 3:
        return ""
    return f"column {name} seems to be {best}: another unit"


def _apart(usual: Curve, quantiles: Floats) -> float:
    """How far the share of the reference below each quantile is from what it should be, at most."""
    return float(np.abs(usual.below(np.sort(quantiles)) / usual.n - _SHARES).max())


def _out_of_range(name: str, before: Column, now: Column, rule: Rule) -> str:
    bounds, values = before.range(), now.buckets.values()
    if bounds is None:
        return ""
    width = (bounds[1] - bounds[0]) or abs(bounds[0]) or 1.0
    outside = (values < bounds[0] - width / 2) | (values > bounds[1] + width / 2)
    share = float(now.buckets.counts[outside].sum()) / now.seen
    if share > rule.out_of_range:
        return (
            f"column {name} is far out of its range ({bounds[0]:.4g} to {bounds[1]:.4g}) in {share:.0%} of the rows: "
            "a broken sensor or another unit"
        )
    return ""
