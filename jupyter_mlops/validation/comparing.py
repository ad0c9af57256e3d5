"""Challenger and champion on the same rows, paired: what they share cancels, so a small difference can be told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.project import Gate, VersusChampion
from jupyter_mlops.records import Comparison
from jupyter_mlops.stats import Interval, Metric, at_k, difference_of, higher_is_better, intervals
from jupyter_mlops.validation.catalogue import Shelf
from jupyter_mlops.validation.judged import Judged
from jupyter_mlops.validation.preparing import FEWEST

Floats = NDArray[np.float64]
Standing = Literal["better", "not worse", "worse", "inconclusive"]
POWER = 0.9
"""Stated numbers of rows are themselves estimates; planned for nine in ten, eight in ten hold when they are a little off."""
_TRAINING = math.sqrt(2)
"""To be called better takes an interval wider by this. The interval is what other rows would change; another seed changes a
model too, often by as much, and of two equal models one is the luckier. Counting that chance too doubles the variance."""
_FARTHEST = 1000  # beyond so many times the rows at hand, no number of rows would be honest


def compare(
    gates: Sequence[Gate],
    judged: Judged,
    challenger: Floats,
    champion: Floats,
    version: int,
    groups: Sequence[tuple[str, NDArray[np.bool_]]],
    shelf: Shelf | None,
    seed: int,
) -> list[Comparison]:
    """One comparison for each gate that asks for one, over all rows and in each slice the gate names."""
    found = []
    for gate in gates:
        rule = gate.versus_champion
        if rule is None or gate.metric is None or higher_is_better(gate.metric) is None:
            continue
        parts = [("", np.ones(len(judged.truth), dtype=bool))]
        parts += [(name, where) for name, where in groups if name.partition("=")[0] in gate.slices]
        for name, where in parts:
            held = _held(gate.metric, rule, judged, shelf, challenger, champion, where, seed)
            if held is not None:
                sign = 1.0 if higher_is_better(gate.metric) else -1.0
                found.append(verdict(gate.metric, rule, _signed(held[0], sign), held[1], version, name))
    return found


def _held(
    name: str,
    rule: VersusChampion,
    judged: Judged,
    shelf: Shelf | None,
    new: Floats,
    old: Floats,
    where: NDArray[np.bool_],
    seed: int,
) -> tuple[Interval, float] | None:
    """The difference on the rows `where`, and what the champion has there; None where it is no metric of the task."""
    whole = bool(where.all())
    metric = next((m for m in judged.metrics if m.name == name), None)
    if metric is not None and metric.extreme:
        return None
    if metric is not None:
        part = judged if whole else judged.take(where)
        return _difference(metric, rule, part, new[where], old[where], seed)
    at = at_k(name)
    if shelf is None or at is None:
        return None
    return (shelf if whole else shelf.take(where)).difference(
        name, at[1], new[where], old[where], rule.confidence, seed
    )


def _difference(
    metric: Metric, rule: VersusChampion, judged: Judged, new: Floats, old: Floats, seed: int
) -> tuple[Interval, float]:
    sums = judged.sums(metric, new, old)
    if not len(sums.per):
        return Interval(math.nan, math.nan, math.nan, sums.n), math.nan
    k = sums.per.shape[1] // 2
    combine = difference_of(metric.combine, k)
    found = intervals([(sums, combine)], confidence=rule.confidence, seed=seed)[0]
    return found, float(metric.combine(sums.per[:, k:].sum(axis=0)))


def _signed(found: Interval, sign: float) -> Interval:
    low, high = sorted((sign * found.low, sign * found.high))
    return Interval(sign * found.value, low, high, found.n)


def verdict(metric: str, rule: VersusChampion, found: Interval, standing: float, version: int, name: str) -> Comparison:
    """Better, not worse by the margin, worse, or inconclusive, by the interval at the rule's confidence."""
    known = all(math.isfinite(v) for v in (found.value, found.low, found.high, standing))
    if not known:
        return Comparison(
            metric=metric,
            champion_version=version,
            difference=0.0,
            low=0.0,
            high=0.0,
            n=found.n,
            verdict="inconclusive",
            slice=name,
            confidence=rule.confidence,
        )
    margin = (rule.not_worse_by or 0.0) * abs(standing)
    answer: Standing = _standing(found, margin) if found.n >= FEWEST else "inconclusive"
    needed = _rows_needed(found, margin, rule.confidence) if answer == "inconclusive" else None
    gain = _reach(found, rule.confidence, _TRAINING)
    return Comparison(
        metric=metric,
        champion_version=version,
        difference=found.value,
        low=found.low,
        high=found.high,
        n=found.n,
        verdict=answer,
        rows_needed=needed,
        rows_more=max(0, needed - found.n) if needed else None,
        slice=name,
        confidence=rule.confidence,
        champion=standing,
        margin=margin,
        detectable=gain,
        rows_for_size=_rows_for(found.n, gain, (rule.better_by or rule.not_worse_by or 0.0) * abs(standing)),
    )


def _standing(found: Interval, margin: float) -> Standing:
    if found.value - _TRAINING * (found.value - found.low) > 0:
        return "better"
    if margin > 0 and found.low >= -margin:
        return "not worse"
    if margin == 0 and found.low == found.high == 0:
        return "not worse"
    return "worse" if found.high < -margin else "inconclusive"


def _reach(found: Interval, confidence: float, wider: float = 1.0) -> float:
    """The difference that rows like these tell from none in 90 % of cases."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    return (wider * z + NormalDist().inv_cdf(POWER)) * (found.high - found.low) / (2 * z)


def _rows_needed(found: Interval, margin: float, confidence: float) -> int | None:
    distance = found.value + margin
    wider = _TRAINING if margin == 0 and distance > 0 else 1.0
    needed = _rows_for(found.n, _reach(found, confidence, wider), abs(distance))
    # Fewer than the thirty an answer needs at all are never enough.
    return None if needed is None else max(needed, FEWEST if found.n < FEWEST else found.n + 1)


def _rows_for(n: int, reach: float, size: float) -> int | None:
    """Halving an interval takes four times the cases."""
    if size <= 0 or reach / size > math.sqrt(_FARTHEST):
        return None
    return max(1, math.ceil(n * (reach / size) ** 2))
