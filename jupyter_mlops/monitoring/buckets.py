"""A numeric column's distribution in bounded memory: counts over the ordered bits of its values, as fine as fits.

Read as an integer, the bits of a float64 are in the order of its value (once negatives are turned round), so dropping the
last `shift` bits makes buckets that are narrow near zero and wide far out. `shift` is the smallest that leaves at most
`most` buckets (8,192); 0 means every value is kept exactly. The smallest shift that fits a union is never below those of its
parts, so merging is associative and commutative to the last count. A rounded column keeps its 16 least and greatest values
as they are, because a heavy tail's distance hangs on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.monitoring.counting import ordered, tally, values_of

MOST = 8192
TAIL = 16
Keys = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Buckets:
    """`keys` ascending; `counts[i]` values fell in `keys[i]`. `least` and `greatest` are empty when every value is kept."""

    shift: int
    keys: Keys
    counts: NDArray[np.int64]
    least: Keys
    greatest: Keys
    most: int = MOST

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    def bounds(self) -> tuple[Floats, Floats]:
        """The least and the greatest value that each bucket could hold."""
        return values_of(self.keys << self.shift), values_of(((self.keys + 1) << self.shift) - 1)

    def values(self) -> Floats:
        """The value each bucket stands for: itself when exact, else its middle."""
        low, high = self.bounds()
        return low if self.shift == 0 else low / 2 + high / 2

    def range(self) -> tuple[float, float] | None:
        """The least and greatest value there was, exactly."""
        if not len(self.keys):
            return None
        least, greatest = (self.keys[:1], self.keys[-1:]) if self.shift == 0 else (self.least[:1], self.greatest[-1:])
        return float(values_of(least)[0]), float(values_of(greatest)[0])

    def coarser(self, shift: int) -> Buckets:
        if shift == self.shift:
            return self
        least, greatest = self.tails()
        keys = self.keys >> (shift - self.shift)
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else keys
        counts = np.add.reduceat(self.counts, starts) if len(keys) else self.counts
        return Buckets(shift, keys[starts] if len(keys) else keys, counts, least, greatest, self.most)

    def tails(self) -> tuple[Keys, Keys]:
        """The keys of the 16 least and the 16 greatest values, ascending, one for each time it was seen."""
        if self.shift:
            return self.least, self.greatest
        front = np.repeat(self.keys[:TAIL], np.minimum(self.counts[:TAIL], TAIL))
        back = np.repeat(self.keys[-TAIL:], np.minimum(self.counts[-TAIL:], TAIL))
        return front[:TAIL], back[-TAIL:]

    def merge(self, other: Buckets) -> Buckets:
        shift = max(self.shift, other.shift)
        return _fit(_union(self.coarser(shift), other.coarser(shift)))


def empty(most: int = MOST) -> Buckets:
    nothing = np.empty(0, dtype=np.int64)
    return Buckets(0, nothing, nothing, nothing, nothing, most)


def count(values: Floats, most: int = MOST) -> Buckets:
    """The buckets of finite values."""
    if not len(values):
        return empty(most)
    keys = ordered(values)
    if most > MOST:
        held, counts = np.unique(keys, return_counts=True)
        return Buckets(0, held, counts, held[:0], held[:0], most)
    shift, held, counts = tally(keys, most)
    least, greatest = (held[:0], held[:0]) if shift == 0 else _extremes(keys, held << shift, counts)
    return _fit(Buckets(shift, held, counts, least, greatest, most))


def _extremes(keys: Keys, starts: Keys, counts: NDArray[np.int64]) -> tuple[Keys, Keys]:
    """The outermost keys, found among those in the buckets that hold the first and the last 16."""
    first = int(np.searchsorted(np.cumsum(counts), TAIL))
    last = len(counts) - 1 - int(np.searchsorted(np.cumsum(counts[::-1]), TAIL))
    least = keys[keys < starts[first + 1]] if first + 1 < len(starts) else keys
    greatest = keys[keys >= starts[last]] if last > 0 else keys
    return np.sort(least)[:TAIL], np.sort(greatest)[-TAIL:]


def _fit(buckets: Buckets) -> Buckets:
    while len(buckets.keys) > buckets.most:
        buckets = buckets.coarser(buckets.shift + 1)
    return buckets


def _union(one: Buckets, two: Buckets) -> Buckets:
    keys = np.concatenate([one.keys, two.keys])
    counts = np.concatenate([one.counts, two.counts])
    distinct, place = np.unique(keys, return_inverse=True)
    summed = np.bincount(place, weights=counts, minlength=len(distinct)).astype(np.int64)
    least = np.sort(np.concatenate([one.least, two.least]))[:TAIL]
    greatest = np.sort(np.concatenate([one.greatest, two.greatest]))[-TAIL:]
    return Buckets(one.shift, distinct, summed, least, greatest, max(one.most, two.most))
