"""Fairness of a model between groups: the gaps and ratios of the extreme groups, with intervals, honest about small groups.

Definitions as in fairlearn: demographic parity (selection rate), equal opportunity (true positive rate), equalised odds (the
larger gap, or the smaller ratio, of true and false positive rates). Every rate is a ratio of two sums, so one resample of a
group's sums serves all of them. A regression has each group's mean error (`bias`) and mean absolute error (`mae`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.errors import unknown
from jupyter_mlops.project import FairnessGate
from jupyter_mlops.records import Estimate, Fairness, GateResult, GroupRates, Verdict
from jupyter_mlops.stats import Combine, Interval, Sums, beside, gap_interval, intervals, ratio
from jupyter_mlops.validation.judged import Judged, kinds_of

Floats = NDArray[np.float64]
SMALLEST_GROUP = 100
SMALLEST_BASE = 30
"""So many positives (for a rate of positives) or negatives a group must have."""
_CLASSIFIED = ("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy")
_NAMED = ("accuracy",)
_MEASURED = ("mae", "bias")
# Each gap or ratio: the rates it compares; of several, the worst.
_DIFFERENCES = {
    "demographic_parity_difference": ("selection_rate",),
    "equal_opportunity_difference": ("true_positive_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
    "accuracy_difference": ("accuracy",),
    "mae_difference": ("mae",),
    "bias_difference": ("bias",),
}
_RATIOS = {
    "demographic_parity_ratio": ("selection_rate",),
    "equal_opportunity_ratio": ("true_positive_rate",),
    "equalized_odds_ratio": ("true_positive_rate", "false_positive_rate"),
    "mae_ratio": ("mae",),
}


def fairness_of(judged: Judged, scores: Floats, columns: Sequence[str], seed: int) -> list[Fairness]:
    """Rates and gaps by each sensitive column, and by each pair of them."""
    present = [c for c in dict.fromkeys(columns) if c in judged.rows.columns]
    asked = [[c] for c in present] + [list(pair) for pair in combinations(present, 2)]
    return [_by(judged, scores, one, seed) for one in asked] if judged.task != "ranking" else []


def fairness_gate(
    gate: FairnessGate, judged: Judged, known: Sequence[Fairness], scores: Floats, seed: int
) -> GateResult:
    """Pass, fail or inconclusive by the interval of the gap; groups too small to tell make it inconclusive."""
    if gate.metric not in _DIFFERENCES | _RATIOS:
        raise unknown("fairness metric", gate.metric, _DIFFERENCES | _RATIOS)
    by = " and ".join(gate.columns)
    name = f"{gate.metric} by {by}"
    missing = [c for c in gate.columns if c not in judged.rows.columns]
    if missing or not set(_compared(gate.metric)) <= set(_rates(judged)):
        why = f"there is no column {missing[0]!r}" if missing else f"it has no meaning for {_what(judged)}"
        return GateResult(gate=name, verdict="not run", sentence=f"{name} was not judged: {why}")
    found = next((f for f in known if f.by == by), None) or _by(judged, scores, gate.columns, seed)
    return _answer(gate, name, found)


def _answer(gate: FairnessGate, name: str, found: Fairness) -> GateResult:
    gap = next((g for g in found.gaps if g.metric == gate.metric and not g.slice), None)
    large = next((g for g in found.gaps if g.metric == gate.metric and g.slice), None)
    word, limit = ("at most", gate.max) if gate.max is not None else ("at least", gate.min)
    assert limit is not None
    small = [g.group for g in found.groups if not _enough(g, gate.metric)]
    if gap is None:
        said = f"{gate.metric} by {found.by} has no value: some group has no case that counts"
        return GateResult(gate=name, verdict="inconclusive", sentence=said, figures={"limit": limit, "n": 0})
    verdict = _within(gap, gate)
    said = (
        f"{gate.metric} by {found.by} is {gap.value:.3f} ({gap.low:.3f} to {gap.high:.3f}), {word} {limit:g} is asked"
    )
    if small:
        verdict, said = "inconclusive", f"{said}; too few rows of {', '.join(small[:3])} to tell"
        said += f" (between the large groups {large.value:.3f})" if large else ""
    elif verdict == "inconclusive":
        said += "; the interval spans the limit"
    figures = {
        "value": gap.value,
        "low": gap.low,
        "high": gap.high,
        "groups": len(found.groups),
        "limit": limit,
        "n": gap.n,
    }
    return GateResult(gate=name, verdict=verdict, sentence=said, figures=figures)


def _within(gap: Estimate, gate: FairnessGate) -> Verdict:
    if gate.max is not None:
        return "pass" if gap.high <= gate.max else "fail" if gap.low > gate.max else "inconclusive"
    assert gate.min is not None
    return "pass" if gap.low >= gate.min else "fail" if gap.high < gate.min else "inconclusive"


def _enough(group: GroupRates, metric: str) -> bool:
    counts = {rate.metric: rate.n for rate in group.rates}
    return group.n >= SMALLEST_GROUP and all(counts.get(r, 0) >= SMALLEST_BASE for r in _compared(metric))


def _by(judged: Judged, scores: Floats, columns: Sequence[str], seed: int) -> Fairness:
    codes, names = _groups(judged, columns)
    rates = _rates(judged)
    parts = _parts(judged, scores)
    member = [judged.gather(parts * (codes == g)[:, None]) for g in range(len(names))]
    counted = np.stack([(parts[codes == g] != 0).sum(axis=0) for g in range(len(names))])
    sums = beside(member)
    width = parts.shape[1]
    large = [g for g in range(len(names)) if (codes == g).sum() >= SMALLEST_GROUP]
    asked: list[tuple[str, str, Combine]] = [
        (rate, names[g], _rate_of(g * width + 2 * i)) for g in range(len(names)) for i, rate in enumerate(rates)
    ]
    gaps: list[tuple[str, str, Interval]] = []
    for metric in [m for m in _DIFFERENCES | _RATIOS if set(_compared(m)) <= set(rates)]:
        places = [rates.index(r) for r in _compared(metric)]
        gaps.append((metric, "", _extreme(sums, metric, range(len(names)), places, width, seed)))
        if 1 < len(large) < len(names):
            where = "groups of 100 rows or more"
            gaps.append((metric, where, _extreme(sums, metric, large, places, width, seed)))
    found = intervals([(sums, combine) for _, _, combine in asked], seed=seed)
    answered = [(m, where, i) for (m, where, _), i in zip(asked, found, strict=True)]
    kept = [(m, where, i) for m, where, i in [*answered, *gaps] if _finite(i)]
    return Fairness(
        by=" and ".join(columns),
        groups=[
            GroupRates(
                group=names[g],
                n=int((codes == g).sum()),
                rates=[
                    _estimate(m, i, int(counted[g, 2 * rates.index(m) + 1]))
                    for m, w, i in kept
                    if w == names[g] and m in rates
                ],
                judged=g in large,
            )
            for g in range(len(names))
        ],
        gaps=[_estimate(m, i, len(codes), where) for m, where, i in kept if m not in rates],
    )


def _groups(judged: Judged, columns: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
    codes, names = kinds_of(judged.rows, columns[0])
    for column in columns[1:]:
        more, others = kinds_of(judged.rows, column)
        codes, names = codes * len(others) + more, [f"{a} & {b}" for a in names for b in others]
    used, found = np.unique(codes, return_inverse=True)
    return found.astype(np.int64), [names[i] for i in used]


def _rates(judged: Judged) -> tuple[str, ...]:
    if judged.task == "classification":
        return _CLASSIFIED if len(judged.classes) == 2 else _NAMED
    return _MEASURED if judged.task == "regression" else ()


def _parts(judged: Judged, scores: Floats) -> Floats:
    """For each rate what it counts and what it is counted over, rows x (2 * rates)."""
    truth, one = judged.truth, np.ones_like(judged.truth)
    if judged.task == "regression":
        columns = [np.abs(truth - scores), one, scores - truth, one]
    elif len(judged.classes) > 2:
        columns = [(scores.argmax(axis=1) == truth).astype(np.float64), one]
    else:
        chosen, positive = (scores > 0.5).astype(np.float64), (truth == 1).astype(np.float64)
        right = (chosen == positive).astype(np.float64)
        columns = [chosen, one, chosen * positive, positive, chosen * (1 - positive), 1 - positive, right, one]
    parts = np.stack(columns, axis=1)
    return parts if judged.weight is None else parts * judged.weight[:, None]


def _compared(metric: str) -> tuple[str, ...]:
    return (_DIFFERENCES | _RATIOS)[metric]


def _rate_of(place: int) -> Combine:
    return lambda sums: ratio(sums[..., place], sums[..., place + 1])


def _extreme(sums: Sums, metric: str, groups: Sequence[int], places: Sequence[int], width: int, seed: int) -> Interval:
    """The worst gap between any two groups; where a rate of nothing has no logarithm, what resampling says of the ratio."""

    def rates(summed: Floats) -> Floats:
        each = [[_rate_of(g * width + 2 * i)(summed) for g in groups] for i in places]
        return np.moveaxis(np.array(each), (0, 1), (-2, -1))

    found = gap_interval(sums, rates, logarithmic=metric in _RATIOS, seed=seed)
    return found or intervals([(sums, _gap(metric, groups, places, width))], seed=seed)[0]


def _gap(metric: str, groups: Sequence[int], places: Sequence[int], width: int) -> Combine:
    """From the groups' sums to the worst gap between any two of them."""

    def gap(sums: Floats) -> Floats:
        worst = []
        for i in places:
            rates = np.stack(
                [ratio(sums[..., g * width + 2 * i], sums[..., g * width + 2 * i + 1]) for g in groups], axis=-1
            )
            worst.append(
                np.ptp(rates, axis=-1) if metric in _DIFFERENCES else ratio(rates.min(axis=-1), rates.max(axis=-1))
            )
        return np.asarray(np.max(worst, axis=0) if metric in _DIFFERENCES else np.min(worst, axis=0))

    return gap


def _estimate(metric: str, found: Interval, n: int, where: str = "") -> Estimate:
    high = min(found.high, 1.0) if metric in _RATIOS else found.high
    return Estimate(metric=metric, value=found.value, low=found.low, high=high, n=n, slice=where)


def _finite(found: Interval) -> bool:
    return bool(np.isfinite([found.value, found.low, found.high]).all())


def _what(judged: Judged) -> str:
    many = judged.task == "classification" and len(judged.classes) > 2
    return f"{len(judged.classes)} classes" if many else judged.task
