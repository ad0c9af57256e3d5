"""A numeric column's distribution in bounded memory: counts over the ordered bits of its values, as fine as fits.

Read as an integer, the bits of a float64 are in the order of its value (once negatives are turned round), so dropping the
last `shift` bits makes buckets that are narrow near zero and wide far out. `shift` is the smallest that leaves at most
`most` buckets (8,192); 0 means every value is kept exactly. The smallest shift that fits a union is never below those of its
parts, so merging is associative and commutative to the last count. A rounded column keeps its 16 least and greatest values
as they are, because a heavy tail's distance hangs on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.monitoring.counting import Stretches, ordered, stretches, tally, values_of

MOST = 8192
TAIL = 16
_NORMAL = float(np.finfo(np.float64).tiny)
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
        """The least and the greatest value that each bucket could hold; of zero's, zero: only denormals lie beside it."""
        low, high = values_of(self.keys << self.shift), values_of(((self.keys + 1) << self.shift) - 1)
        return low, np.where((low == 0) & (high < _NORMAL), 0.0, high)

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
    return count_within(values, stretches(values), most)


def count_within(values: Floats, extent: Stretches, most: int) -> Buckets:
    """The same, of values whose extent is known already."""
    if not len(values):
        return empty(most)
    if most > MOST:
        held, counts = np.unique(ordered(values), return_counts=True)
        return Buckets(0, held, counts, held[:0], held[:0], most)
    shift, held, counts = tally(values, extent, most)
    least, greatest = (ordered(tail) if shift else held[:0] for tail in extent.outermost(values, TAIL))
    return _fit(Buckets(shift, held, counts, least, greatest, most))


def _fit(buckets: Buckets) -> Buckets:
    """As fine as `most` buckets allow. Two neighbours become one when the highest bit in which they differ is dropped."""
    keys, most = buckets.keys, buckets.most
    if len(keys) <= most:
        return buckets
    needed = np.sort(_bits(keys[1:] ^ keys[:-1]))
    return buckets.coarser(buckets.shift + int(needed[len(keys) - most - 1]))


def _bits(values: Keys) -> Keys:
    """How many bits each value has; by halves, since a float64 would round a long one up."""
    high, low = values >> 32, values & 0xFFFFFFFF
    long = np.frexp(high.astype(np.float64))[1]
    return np.where(long > 0, long + 32, np.frexp(low.astype(np.float64))[1]).astype(np.int64)


def either(one: NDArray[Any], two: NDArray[Any]) -> NDArray[Any]:
    """The values of both, each once; either is ascending, which makes this a merge and no sort."""
    both = np.sort(np.concatenate([one, two]), kind="stable")
    return both[np.concatenate([[True], both[1:] != both[:-1]])] if len(both) else both


def _union(one: Buckets, two: Buckets) -> Buckets:
    distinct = either(one.keys, two.keys)
    summed = np.zeros(len(distinct), dtype=np.int64)
    for part in (one, two):
        summed[np.searchsorted(distinct, part.keys)] += part.counts
    least = np.sort(np.concatenate([one.least, two.least]))[:TAIL]
    greatest = np.sort(np.concatenate([one.greatest, two.greatest]))[-TAIL:]
    return Buckets(one.shift, distinct, summed, least, greatest, max(one.most, two.most))
