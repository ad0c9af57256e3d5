"""Shares of yes and no where one of the two is rare: a resample of a hundred right answers is a hundred right answers,
which would be an interval of no width. Wilson's score interval (1927) keeps the doubt that so few cases leave.
"""

from __future__ import annotations

import math
from statistics import NormalDist

RARE = 10


def few(hits: float, n: float) -> bool:
    """Whether hits or misses are so rare that resampling them says too little."""
    return min(hits, n - hits) < RARE


def wilson(share: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a share over `n` independent cases."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))
