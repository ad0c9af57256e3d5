"""What two profiled columns' buckets say of their distributions: counts below any value, quantiles, the classic bins.

A bucket's values are taken to lie evenly in it; the outermost values, kept as they are, are not spread, nor is a bucket that
stands out so far that its rows must share one value (a default, a limit). A column whose buckets are single values gives exactly
what its raw rows would.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.monitoring.buckets import Buckets, either
from jupyter_mlops.monitoring.counting import values_of

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Curve:
    """Counts spread over [low, high] each, ascending, and single values in the tails that are not among them."""

    low: Floats
    high: Floats
    counts: Floats
    tails: Floats

    @property
    def n(self) -> float:
        return float(self.counts.sum()) + len(self.tails)

    def below(self, edges: Floats) -> Floats:
        """How many values are less than each edge."""
        reached = np.concatenate([[0.0], np.cumsum(self.counts)])
        place = np.searchsorted(self.high, edges, side="left")
        inside = np.minimum(place, max(0, len(self.high) - 1))
        found = reached[place]
        if len(self.high):
            low, width = self.low[inside], self.high[inside] / 2 - self.low[inside] / 2
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # clipped at once
                part = np.clip((edges / 2 - low / 2) / width, 0.0, 1.0)
            split = (place < len(self.high)) & (edges > low) & (width > 0)
            found = found + np.where(split, part * self.counts[inside], 0.0)
        return np.asarray(found + np.searchsorted(self.tails, edges, side="left"))

    @cached_property
    def points(self) -> tuple[Floats, Floats]:
        """Values, ascending, and how often each: a bucket's middle stands for it."""
        values = np.concatenate([np.where(self.low == self.high, self.low, self.low / 2 + self.high / 2), self.tails])
        counts = np.concatenate([self.counts, np.ones(len(self.tails))])
        order = np.argsort(values, kind="stable")
        return values[order], counts[order]

    def quantiles(self, shares: Floats) -> Floats:
        """By linear interpolation between neighbouring values, as numpy's."""
        values, counts = self.points
        reached = np.cumsum(counts)
        at = shares * (reached[-1] - 1)
        lower, part = np.floor(at), at - np.floor(at)
        a, b = (
            self._at_rank(values, counts, reached, rank) for rank in (lower, np.minimum(lower + 1, reached[-1] - 1))
        )
        with np.errstate(over="ignore"):
            step = b - a
        between = np.where(part < 0.5, a + np.where(part > 0, step, 0) * part, b - step * (1 - part))
        return np.asarray(np.where(np.isfinite(step), between, a * (1 - part) + b * part))

    def _at_rank(self, values: Floats, counts: Floats, reached: Floats, rank: Floats) -> Floats:
        """The value of this rank (from 0); within a bucket, where it would stand if its values lay evenly."""
        place = np.searchsorted(reached, rank, side="right")
        found = values[place]
        if len(self.high) and (self.high > self.low).any():
            bucket = np.minimum(np.searchsorted(self.high, found, side="left"), len(self.high) - 1)
            low, high = self.low[bucket], self.high[bucket]
            part = (rank - (reached[place] - counts[place]) + 0.5) / counts[place]
            wide = (counts[place] > 1) & (low <= found) & (found <= high)
            found = np.where(wide, low + (high / 2 - low / 2) * 2 * part, found)
        return np.asarray(found)


def curve(buckets: Buckets) -> Curve:
    low, high = buckets.bounds()
    counts = buckets.counts.astype(np.float64)
    if buckets.shift == 0:
        return Curve(low, high, counts, np.empty(0))
    tails = np.concatenate([buckets.least, buckets.greatest]) if buckets.n > 2 * len(buckets.least) else buckets.least
    place = np.searchsorted(buckets.keys, tails >> buckets.shift)
    np.subtract.at(counts, place, 1.0)
    high = np.where(_tied(counts), low, high)  # no value of it is below, so that an edge there has them all above
    return Curve(low, high, counts, np.sort(values_of(tails)))


def curves(reference: Buckets, current: Buckets) -> tuple[Curve, Curve]:
    """Both, for edges that the reference sets: where values are tied, its buckets are no finer than the current ones."""
    finer = current.shift > reference.shift and any(_tied(b.counts).any() for b in (reference, current))
    return curve(reference.coarser(current.shift) if finer else reference), curve(current)


def _tied(counts: NDArray[Any]) -> NDArray[np.bool_]:
    """Buckets with a hundredth of all rows and ten times as many as either neighbour."""
    beside = np.concatenate([[0.0], counts, [0.0]])
    return np.asarray((counts >= 0.01 * counts.sum()) & (counts > 10 * np.maximum(beside[:-2], beside[2:])))


def together(one: Curve, two: Curve) -> tuple[Floats, Floats, Floats]:
    """Both columns' counts at the same ascending values."""
    (values, counts), (others, times) = one.points, two.points
    every = either(values, others)
    p, q = (
        np.bincount(np.searchsorted(every, held), weights=often, minlength=len(every)).astype(np.float64)
        for held, often in ((values, counts), (others, times))
    )
    return p, q, every


def tenths(reference: Curve, current: Curve) -> tuple[Floats, Floats]:
    """Counts in ten bins that hold a tenth of the reference each (fewer where values are tied), open at both ends.

    A value at an edge is in the bin above it, as numpy.histogram has it. A reference of one value has three bins: less, it,
    and more.
    """
    inner = np.unique(reference.quantiles(np.arange(1, 10) / 10))
    low, high = reference.quantiles(np.array([0.0, 1.0]))
    return _binned(reference, current, np.array([low, np.nextafter(low, np.inf)]) if low == high else inner)


def bars(reference: Curve, current: Curve, integral: bool) -> tuple[Floats, Floats]:
    """Counts in equal bins over the reference's range, their number by Doane's rule, and what lies outside in one more.

    These are numpy.histogram_bin_edges(reference, "doane"), where the last edge belongs to the last bin; of whole numbers no bin
    is narrower than 1.
    """
    edges = _doane(reference, integral)
    edges[-1] = np.nextafter(edges[-1], np.inf)
    p, q = _binned(reference, current, edges)
    return _outside_together(p), _outside_together(q)


def _outside_together(counts: Floats) -> Floats:
    return np.concatenate([counts[1:-1], [counts[0] + counts[-1]]])


def _doane(reference: Curve, integral: bool) -> Floats:
    values, counts = reference.points
    first, last = values[0], values[-1]
    if first == last:
        return np.array([first, last])  # numpy would take half a unit on either side, and miss a constant that moved
    scale = max(abs(first), abs(last))
    v, n = values / scale, counts.sum()
    mean = np.average(v, weights=counts)
    deviation = math.sqrt(np.average((v - mean) ** 2, weights=counts))
    bins = 1
    if n > 2 and deviation > 0:
        skew = abs(np.average(((v - mean) / deviation) ** 3, weights=counts))
        spread = math.sqrt(6.0 * (n - 2) / ((n + 1.0) * (n + 3)))
        bins = math.ceil(1 + math.log2(n) + math.log2(1 + skew / spread))
    if integral and (last - first) / bins < 1:
        bins = math.ceil(last - first)
    return (
        np.linspace(first / scale, last / scale, bins + 1) * scale
        if scale > 1e300
        else np.linspace(first, last, bins + 1)
    )


def _binned(one: Curve, two: Curve, inner: Floats) -> tuple[Floats, Floats]:
    """Counts below, between and from the edges on."""
    counted = []
    for part in (one, two):
        reached = np.concatenate([[0.0], part.below(inner), [part.n]])
        counted.append(np.maximum(np.diff(reached), 0.0))
    return counted[0], counted[1]
