"""Many tests at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def benjamini_hochberg(p_values: NDArray[np.float64], rate: float) -> NDArray[np.bool_]:
    """Which hypotheses to reject so that the expected share of false ones stays below `rate` (Benjamini, Hochberg 1995)."""
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    below = p_values[order] <= rate * np.arange(1, count + 1) / max(1, count)
    last = int(np.flatnonzero(below)[-1]) + 1 if below.any() else 0
    rejected = np.zeros(count, dtype=bool)
    rejected[order[:last]] = True
    return rejected


def holm(p_values: NDArray[np.float64], looked: int | None = None) -> NDArray[np.float64]:
    """P values corrected for having looked `looked` times (default: as many as are given): below the level, the chance of
    even one false finding is below it too (Holm, 1979)."""
    order = np.argsort(p_values, kind="stable")
    total = looked or len(p_values)
    steps = np.maximum.accumulate(p_values[order] * (total - np.arange(len(p_values))))
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(steps, 1.0)
    return corrected
