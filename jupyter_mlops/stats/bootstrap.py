"""Intervals by the Poisson bootstrap: each unit is drawn Poisson(1) times, so one product of weights and sums does them all.

A metric is given as sums over units (columns of `parts`) and a function from those sums to its value. Chamandy et al.,
"Estimating uncertainty for massive data streams", 2012. Units are rows, or entities whose rows are not independent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Combine = Callable[[Floats], Floats]

REPLICATES = 2000
_CELLS = 8_000_000  # weights drawn at a time: 64 MB


@dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float
    n: int


def by_unit(parts: Floats, units: NDArray[np.int64] | None) -> Floats:
    """Sums of the rows of `parts` (rows x k) within each unit (codes from 0), units x k. None: each row is a unit."""
    if units is None:
        return parts
    count = int(units.max()) + 1 if len(units) else 0
    return np.stack([np.bincount(units, weights=column, minlength=count) for column in parts.T], axis=1)


def interval(parts: Floats, combine: Combine, *, confidence: float = 0.95, seed: int = 0) -> Interval:
    """The metric's value and its percentile interval; the interval is NaN when no resample gives a number."""
    value = float(combine(parts.sum(axis=0)))
    low, high = _bounds(combine(_replicates(parts, seed)), confidence)
    return Interval(value, low, high, len(parts))


def paired_interval(
    challenger: Floats, champion: Floats, combine: Combine, *, confidence: float = 0.95, seed: int = 0
) -> Interval:
    """The same for challenger minus champion, both resampled by the same weights: what they share cancels."""
    k = challenger.shape[1]
    both = np.hstack([challenger, champion])
    total, drawn = both.sum(axis=0), _replicates(both, seed)
    value = float(combine(total[:k]) - combine(total[k:]))
    low, high = _bounds(combine(drawn[:, :k]) - combine(drawn[:, k:]), confidence)
    return Interval(value, low, high, len(challenger))


def _replicates(parts: Floats, seed: int) -> Floats:
    """Resampled sums, replicates x k."""
    random = np.random.default_rng(seed)
    units = len(parts)
    step = max(1, _CELLS // max(1, units))
    drawn = []
    for first in range(0, REPLICATES, step):
        weights = random.poisson(1.0, size=(min(step, REPLICATES - first), units)).astype(np.float64)
        drawn.append(weights @ parts)
    return np.concatenate(drawn) if drawn else np.empty((0, parts.shape[1]))


def _bounds(values: Floats, confidence: float) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)
