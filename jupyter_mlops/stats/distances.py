"""Distances between two samples that are given as counts in the same ordered bins (or of the same categories)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EPSILON = 1e-4  # the share an empty bin counts for in the stability index, where it would otherwise be infinite
_TINY = 1e-300


def shares(counts: Floats) -> Floats:
    total = float(counts.sum())
    return np.asarray(counts / total, dtype=np.float64) if total else np.asarray(counts, dtype=np.float64)


def kolmogorov_smirnov(reference: Floats, current: Floats) -> tuple[float, float]:
    """The largest gap between the two distribution functions, and its asymptotic two-sided p-value (Smirnov 1948).

    Exact when no bin holds two different values; otherwise at most the mass of one bin too small.
    """
    n, m = reference.sum(), current.sum()
    if not n or not m:
        return 0.0, 1.0
    gap = float(np.abs(np.cumsum(reference) / n - np.cumsum(current) / m).max())
    return gap, _kolmogorov(gap * math.sqrt(n * m / (n + m)))


def exact_p_value(reference: Floats, current: Floats) -> float:
    """The two-sided p-value of the same gap for these very numbers of values, as scipy's ks_2samp chooses to compute it."""
    from scipy.stats import ks_2samp

    place = np.arange(len(reference))
    first, second = (np.repeat(place, counts.astype(np.int64)) for counts in (reference, current))
    return float(ks_2samp(first, second).pvalue)


def _kolmogorov(x: float) -> float:
    """The survival function of the Kolmogorov distribution, by whichever of its two series converges fast."""
    if x <= 0:
        return 1.0
    if x < 1.18:
        t = math.exp(-(math.pi**2) / (8 * x * x))
        return 1 - math.sqrt(2 * math.pi) / x * sum(float(t ** ((2 * k - 1) ** 2)) for k in range(1, 6))
    return sum(2.0 * (-1.0) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 10))


def population_stability(reference: Floats, current: Floats) -> float:
    """PSI: sum of (q - p) ln(q / p) over the given bins, an empty one counted as a share of 1e-4."""
    p, q = (np.where(share > 0, share, EPSILON) for share in (shares(reference), shares(current)))
    return float(np.sum((q - p) * np.log(q / p)))


def jensen_shannon(reference: Floats, current: Floats) -> float:
    """The Jensen-Shannon distance: the square root of the divergence in base 2, from 0 (equal) to 1 (disjoint)."""
    p, q = shares(reference), shares(current)
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return math.sqrt(min(1.0, max(0.0, divergence)))


def _relative_entropy(p: Floats, q: Floats) -> float:
    held = p > 0
    return float(np.sum(p[held] * np.log2(p[held] / np.maximum(q[held], _TINY))))


def hellinger(reference: Floats, current: Floats) -> float:
    """The Hellinger distance, from 0 (equal) to 1 (disjoint)."""
    gap = np.sqrt(shares(reference)) - np.sqrt(shares(current))
    return math.sqrt(float(np.sum(gap**2)) / 2)


def largest_gap(reference: Floats, current: Floats) -> float:
    """L-infinity: by how much the share of the category that moved most has moved."""
    return float(np.abs(shares(reference) - shares(current)).max(initial=0.0))


def wasserstein(reference: Floats, current: Floats, values: Floats) -> float:
    """The first Wasserstein distance, in the column's unit; `values` is the ascending value each bin stands for."""
    if len(values) < 2 or not reference.sum() or not current.sum():
        return 0.0
    most = float(np.abs(values).max())
    scale = 1.0 if 1e-150 < most < 1e150 or not most else most  # or products of shares and values leave a float's range
    gap = np.abs(np.cumsum(shares(reference)) - np.cumsum(shares(current)))[:-1]
    return float(np.sum(gap * np.diff(values / scale))) * scale


def chi_square(reference: Floats, current: Floats, *, yates: bool = False, each: float = 1.0) -> tuple[float, float]:
    """Pearson's statistic of the 2 x k table of counts, and its p-value; categories in neither are left out.

    With `yates` a table of two categories is corrected for continuity, as scipy's chi2_contingency does unless told not to.
    Where the categories are a sample of all there are, each stands for `each` of them.
    """
    table = np.stack([reference, current])[:, (reference + current) > 0]
    total = table.sum()
    if table.shape[1] < 2 or not reference.sum() or not current.sum():
        return 0.0, 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / total
    gap = np.abs(table - expected)
    if yates and table.shape[1] == 2:
        gap = gap - np.minimum(0.5, gap)
    statistic = float(np.sum(gap**2 / expected)) * each
    return statistic, _upper_gamma((table.shape[1] * each - 1) / 2, statistic / 2)


def _upper_gamma(a: float, x: float) -> float:
    """The regularised upper incomplete gamma function Q(a, x), by series or Lentz's continued fraction (DLMF 8.11, 8.9)."""
    if x <= 0:
        return 1.0
    scale = math.exp(-x + a * math.log(x) - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while abs(term) > abs(total) * 1e-16:
            n += 1
            term *= x / n
            total += term
        return max(0.0, 1 - total * scale)
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    fraction = d
    for i in range(1, 100_000):
        step = -i * (i - a)
        b += 2
        d = 1 / (step * d + b or _TINY)
        c = b + step / c or _TINY
        fraction *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return min(1.0, scale * fraction)
