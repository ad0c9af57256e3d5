"""Fairness of a classifier between groups: the gap of the extreme groups, with an interval, honest about small groups.

Definitions as in fairlearn: demographic parity (selection rate), equal opportunity (true positive rate), equalised odds
(the larger gap of true and false positive rates).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.errors import unknown
from jupyter_mlops.project import FairnessGate
from jupyter_mlops.records import GateResult, Verdict
from jupyter_mlops.stats import interval
from jupyter_mlops.validation.measure import Judged

Floats = NDArray[np.float64]
SMALLEST_GROUP = 100
# For each metric, which of a group's rates count: (selected, of all), (hit, of positives), (false alarm, of negatives).
_RATES = {
    "demographic_parity_difference": [(0, 1)],
    "equal_opportunity_difference": [(2, 3)],
    "equalized_odds_difference": [(2, 3), (4, 5)],
}


def fairness_gate(gate: FairnessGate, judged: Judged, score: Floats, seed: int) -> GateResult:
    """Pass, fail or inconclusive by the interval of the gap; groups under 100 rows make it inconclusive."""
    if gate.metric not in _RATES:
        raise unknown("fairness metric", gate.metric, _RATES)
    name = f"{gate.metric} by {gate.by}"
    if judged.task != "classification" or gate.by not in judged.rows.columns:
        why = "the task is not classification" if judged.task != "classification" else f"there is no column {gate.by!r}"
        return GateResult(gate=name, verdict="not run", sentence=f"{name} was not judged: {why}")
    groups, names = _groups(judged, gate.by)
    answer = interval(_parts(judged.truth, score, groups, len(names)), lambda s: _gap(s, gate.metric), seed=seed)
    small = [n for i, n in enumerate(names) if (groups == i).sum() < SMALLEST_GROUP]
    verdict: Verdict = "pass" if answer.high <= gate.max else "fail" if answer.low > gate.max else "inconclusive"
    said = f"{gate.metric} by {gate.by} is {answer.value:.3f} ({answer.low:.3f} to {answer.high:.3f}), at most {gate.max} asked"
    if small or not np.isfinite(answer.value):
        verdict, said = "inconclusive", f"{said}; too few rows of {', '.join(small[:3]) or 'some group'} to tell"
    figures = {"value": answer.value, "low": answer.low, "high": answer.high, "groups": len(names), "limit": gate.max}
    return GateResult(gate=name, verdict=verdict, sentence=said, figures={k: _finite(v) for k, v in figures.items()})


def _groups(judged: Judged, column: str) -> tuple[NDArray[np.int64], list[str]]:
    names, codes = np.unique(judged.rows[column].astype(str).to_numpy(dtype=object), return_inverse=True)
    return codes.astype(np.int64), [str(n) for n in names]


def _parts(truth: Floats, score: Floats, groups: NDArray[np.int64], count: int) -> Floats:
    """Six counts for each group, so that every rate is a ratio of two sums; rows x (6 * groups)."""
    chosen, positive = (score > 0.5).astype(float), (truth == 1).astype(float)
    six = [chosen, np.ones_like(chosen), chosen * positive, positive, chosen * (1 - positive), 1 - positive]
    member = groups[:, None] == np.arange(count)
    return np.concatenate([member * column[:, None] for column in six], axis=1)


def _gap(sums: Floats, metric: str) -> Floats:
    count = sums.shape[-1] // 6
    kinds = [sums[..., i * count : (i + 1) * count] for i in range(6)]
    with np.errstate(divide="ignore", invalid="ignore"):
        gaps = [np.ptp(kinds[above] / kinds[below], axis=-1) for above, below in _RATES[metric]]
    return np.asarray(np.max(gaps, axis=0))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
