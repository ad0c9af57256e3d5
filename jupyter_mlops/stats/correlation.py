"""Pearson's correlation and its variance from moments, for values of any distribution.

The variance is that of the delta method (Kendall and Stuart, The Advanced Theory of Statistics, vol. 1), which the usual
(1 - r^2)^2 / n agrees with for normal values only.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import erfc, sqrt

Moments = Mapping[tuple[int, int], float]
ORDERS = [(i, j) for i in range(5) for j in range(5) if 2 <= i + j <= 4 and (i + j != 3)]


def correlation(of: Moments) -> tuple[float, float]:
    """r and n times its variance, from the moments about the means, in standard deviations: `of[i, j]` is the mean of x^i y^j."""
    r = min(1.0, max(-1.0, of[1, 1]))
    spread = r * r / 4 * (of[4, 0] + of[0, 4] + 2 * of[2, 2]) + of[2, 2] - r * (of[3, 1] + of[1, 3])
    return r, max(0.0, spread)


def correlations_differ(one: tuple[float, float, int], two: tuple[float, float, int]) -> float:
    """The two-sided p-value of r, n times its variance, and n of each side having one correlation."""
    variance = one[1] / one[2] + two[1] / two[2]
    return erfc(abs(one[0] - two[0]) / sqrt(2 * max(variance, 1e-12)))
