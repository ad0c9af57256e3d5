"""A numeric column's distribution in bounded memory: counts over the ordered bits of its values, as fine as fits.

Read as an integer, the bits of a float64 are in the order of its value (once negatives are turned round), so dropping the
last `shift` bits makes buckets that are narrow near zero and wide far out. `shift` is the smallest that leaves at most 4,096
buckets; 0 means every value is kept exactly. The smallest shift that fits a union is never below those of its parts, so
merging is associative and commutative to the last count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST = 4096
_SPAN = 1 << 21
Keys = NDArray[np.int64]


@dataclass(frozen=True)
class Buckets:
    """`keys` ascending; `counts[i]` values fell in `keys[i]`."""

    shift: int
    keys: Keys
    counts: NDArray[np.int64]

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    def values(self) -> NDArray[np.float64]:
        """The value each bucket stands for: itself when exact, else its middle."""
        if self.shift == 0:
            return _from_ordered(self.keys)
        low = _from_ordered(self.keys << self.shift)
        high = _from_ordered(((self.keys + 1) << self.shift) - 1)
        return low / 2 + high / 2

    def coarser(self, shift: int) -> Buckets:
        if shift == self.shift:
            return self
        keys = self.keys >> (shift - self.shift)
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else keys
        counts = np.add.reduceat(self.counts, starts) if len(keys) else self.counts
        return Buckets(shift, keys[starts] if len(keys) else keys, counts)

    def merge(self, other: Buckets) -> Buckets:
        shift = max(self.shift, other.shift)
        return _fit(_union(self.coarser(shift), other.coarser(shift)))


def empty() -> Buckets:
    nothing = np.empty(0, dtype=np.int64)
    return Buckets(0, nothing, nothing)


def count(values: NDArray[np.float64]) -> Buckets:
    """The buckets of finite values."""
    if not len(values):
        return empty()
    keys = _ordered(values)
    low, high = int(keys.min()), int(keys.max())
    shift = 0
    while (high >> shift) - (low >> shift) >= _SPAN:
        shift += 1
    base = low >> shift
    counts = np.bincount((keys >> shift) - base)
    held = np.flatnonzero(counts)
    if shift and len(held) <= MOST:  # few values, far apart: only sorting shows whether they can be kept finer
        distinct, exact = np.unique(keys, return_counts=True)
        return _fit(Buckets(0, distinct, exact))
    return _fit(Buckets(shift, held + base, counts[held]))


def aligned(one: Buckets, two: Buckets) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Both columns' counts over the same buckets, and the value each bucket stands for."""
    shift = max(one.shift, two.shift)
    one, two = one.coarser(shift), two.coarser(shift)
    keys = np.union1d(one.keys, two.keys)
    counts = []
    for part in (one, two):
        full = np.zeros(len(keys))
        full[np.searchsorted(keys, part.keys)] = part.counts
        counts.append(full)
    return counts[0], counts[1], Buckets(shift, keys, np.ones(len(keys), dtype=np.int64)).values()


def _fit(buckets: Buckets) -> Buckets:
    while len(buckets.keys) > MOST:
        buckets = buckets.coarser(buckets.shift + 1)
    return buckets


def _union(one: Buckets, two: Buckets) -> Buckets:
    keys = np.concatenate([one.keys, two.keys])
    counts = np.concatenate([one.counts, two.counts])
    distinct, place = np.unique(keys, return_inverse=True)
    summed = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(summed, place, counts)
    return Buckets(one.shift, distinct, summed)


def _ordered(values: NDArray[np.float64]) -> Keys:
    bits = np.ascontiguousarray(values + 0.0).view(np.int64)  # + 0.0 makes minus zero zero
    return bits ^ ((bits >> 63) & np.int64(0x7FFFFFFFFFFFFFFF))


def _from_ordered(keys: Keys) -> NDArray[np.float64]:
    return (keys ^ ((keys >> 63) & np.int64(0x7FFFFFFFFFFFFFFF))).view(np.float64)
