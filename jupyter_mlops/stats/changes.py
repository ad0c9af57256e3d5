"""Since when: the place where a series of values changed its level."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_CRITICAL = 1.63  # of the Brownian bridge's supremum, at 1 %


def change_point(values: Floats, margin: int = 10) -> int | None:
    """The index at which the values' ranks change their mean most, by the cumulative sum of Pettitt (1979).

    None when the change is within chance at 1 %, or there are too few values. `margin` values on each side are never split off.
    """
    n = len(values)
    if n < 2 * margin or not np.isfinite(values).all():
        return None
    ranks = _ranks(values)
    spread = float(ranks.std())
    if spread == 0:
        return None
    walked = np.cumsum(ranks - ranks.mean())[:-1] / (spread * math.sqrt(n))
    inside = np.abs(walked[margin - 1 : n - margin])
    place = int(np.argmax(inside))
    return place + margin if inside[place] > _CRITICAL else None


def _ranks(values: Floats) -> Floats:
    """Mid-ranks, so that ties are even."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[place], dtype=np.float64)
