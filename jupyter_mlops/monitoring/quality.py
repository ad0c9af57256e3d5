"""Is the feed broken? Decided before drift: a sensor that is stuck or a join that failed is not a change of the world."""

from __future__ import annotations

from jupyter_mlops.monitoring.profiles import Column, Profile
from jupyter_mlops.project import Quality
from jupyter_mlops.records import Violation


def broken(reference: Profile, current: Profile, features: list[str], rule: Quality) -> list[Violation]:
    """One violation for each feature that is gone, of another kind, suddenly empty, stuck or far out of its range."""
    found = []
    for name in features:
        before, now = reference.columns.get(name), current.columns.get(name)
        if before is None:
            continue
        sentence = f"column {name} no longer arrives" if now is None else _fault(name, before, now, rule)
        if sentence:
            figures = {"column": name, "n": now.n if now else 0, "nulls": now.nulls if now else None}
            found.append(
                Violation(kind="data-quality", what=name, sentence=sentence, severity="critical", figures=figures)
            )
    return found


def _fault(name: str, before: Column, now: Column, rule: Quality) -> str:
    if before.kind != now.kind:
        return f"column {name} was {before.kind} and is {now.kind} now"
    empty_before, empty_now = before.nulls / max(1, before.n), now.nulls / max(1, now.n)
    if empty_now - empty_before > rule.nulls:
        return f"column {name} is empty in {empty_now:.0%} of the rows; it was in {empty_before:.0%}"
    if now.kind == "numeric" and now.seen:
        return _out_of_range(name, before, now, rule)
    return ""


def _out_of_range(name: str, before: Column, now: Column, rule: Quality) -> str:
    bounds, values = before.range(), now.buckets.values()
    if bounds is None:
        return ""
    if len(before.buckets.keys) > 20 and len(values) == 1 and now.seen >= 100:
        return f"column {name} is stuck at {values[0]:g}"
    width = (bounds[1] - bounds[0]) or abs(bounds[0]) or 1.0
    outside = (values < bounds[0] - width / 2) | (values > bounds[1] + width / 2)
    share = float(now.buckets.counts[outside].sum()) / now.seen
    if share > rule.out_of_range:
        return (
            f"column {name} is far out of its range ({bounds[0]:.4g} to {bounds[1]:.4g}) in {share:.0%} of the rows: "
            "a broken sensor or another unit"
        )
    return ""
