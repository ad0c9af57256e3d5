"""A categorical column's counts in bounded memory.

Up to ten thousand categories are kept by name. Beyond that they are kept by a 64-bit hash of the name, two million at most;
when there are more, only hashes below a threshold that halves are kept, each standing for as many as were left out. The
threshold follows from the hashes alone, so parts merge to the same counts in any order (adaptive sampling: Flajolet, 1990).
Names are kept beside the hashes for those that hold at least a thousandth of the rows: such a one holds as much of some part of
the data, so that none is missed however the parts are merged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NAMED = 10_000
HASHED = 1 << 21
SAVED = 1 << 13
SHOWN = 1000
Hashes = NDArray[np.uint64]
Counts = NDArray[np.int64]
_NO_HASHES = np.empty(0, dtype=np.uint64)
_NO_COUNTS = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Categories:
    """`named` is everything while `hashes` is empty. Otherwise hashes (ascending) below 2^(64 - level) have their counts."""

    n: int = 0
    named: Counter[str] = field(default_factory=Counter)
    hashes: Hashes = field(default_factory=lambda: _NO_HASHES)
    counts: Counts = field(default_factory=lambda: _NO_COUNTS)
    level: int = 0
    most: int = NAMED

    @property
    def exact(self) -> bool:
        return not len(self.hashes)

    @property
    def distinct(self) -> int:
        """How many categories there are; an estimate once some were left out."""
        return len(self.named) if self.exact else len(self.hashes) << self.level

    def merge(self, other: Categories) -> Categories:
        most = max(self.most, other.most)
        if self.exact and other.exact:
            named = self.named + other.named
            together = Categories(self.n + other.n, named, most=most)
            return together if len(named) <= most else together.hashed()
        one, two = self.hashed(), other.hashed()
        level = max(one.level, two.level)
        one, two = one.thinned(level), two.thinned(level)
        hashes, counts = _summed(np.concatenate([one.hashes, two.hashes]), np.concatenate([one.counts, two.counts]))
        n = self.n + other.n
        named = _heavy(_recounted(self.named + other.named, hashes, counts, level), n)
        return Categories(n, named, hashes, counts, level, most).bounded(HASHED)

    def hashed(self) -> Categories:
        if not self.exact or not self.named:
            return self
        hashes, counts = _summed(hash_names(list(self.named)), np.fromiter(self.named.values(), dtype=np.int64))
        named = _heavy(self.named, self.n)
        return Categories(self.n, named, hashes, counts, 0, self.most).bounded(HASHED)

    def bounded(self, size: int) -> Categories:
        """The same column with at most `size` hashes."""
        made = self
        while len(made.hashes) > size:
            made = made.thinned(made.level + 1)
        return made

    def thinned(self, level: int) -> Categories:
        if level == self.level:
            return self
        kept = int(np.searchsorted(self.hashes, np.uint64(1) << np.uint64(64 - level)))
        return Categories(self.n, self.named, self.hashes[:kept], self.counts[:kept], level, self.most)


def of_names(names: Sequence[str], counts: Counts, most: int = NAMED) -> Categories:
    """The column that holds each of these distinct names so often."""
    n = int(counts.sum())
    if len(names) <= most:
        return Categories(n, Counter(dict(zip(names, counts.tolist(), strict=True))), most=most)
    hashes, summed = _summed(hash_names(names), counts)
    named = _heavy(Counter({names[i]: int(counts[i]) for i in np.flatnonzero(counts * SHOWN >= n).tolist()}), n)
    return Categories(n, named, hashes, summed, 0, most).bounded(HASHED)


def hash_names(names: Sequence[str]) -> Hashes:
    """SipHash of each name, the same on every machine."""
    from pandas.util import hash_array

    return np.asarray(hash_array(np.array(names, dtype=object), categorize=False), dtype=np.uint64)


def aligned(one: Categories, two: Categories) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Both columns' counts over the same categories, and how many categories each of these stands for."""
    if one.exact and two.exact:
        names = sorted({*one.named, *two.named}, key=lambda n: (-one.named[n], n))
        p = np.array([one.named[n] for n in names], dtype=np.float64)
        return p, np.array([two.named[n] for n in names], dtype=np.float64), 1
    one, two = one.hashed(), two.hashed()
    level = max(one.level, two.level)
    one, two = one.thinned(level), two.thinned(level)
    hashes = np.union1d(one.hashes, two.hashes)
    full = []
    for part in (one, two):
        counts = np.zeros(len(hashes))
        counts[np.searchsorted(hashes, part.hashes)] = part.counts
        full.append(counts)
    order = np.argsort(-full[0], kind="stable")
    return full[0][order], full[1][order], 1 << level


def _summed(hashes: Hashes, counts: Counts) -> tuple[Hashes, Counts]:
    distinct, place = np.unique(hashes, return_inverse=True)
    return distinct, np.bincount(place, weights=counts, minlength=len(distinct)).astype(np.int64)


def _heavy(named: Counter[str], n: int) -> Counter[str]:
    return Counter({name: times for name, times in named.items() if times * SHOWN >= n})


def _recounted(named: Counter[str], hashes: Hashes, counts: Counts, level: int) -> Counter[str]:
    """Counts of named categories from the table, which knows them also where they were too rare to be named."""
    if not named or level or not len(hashes):
        return named
    place = np.searchsorted(hashes, hash_names(list(named)))
    return Counter(dict(zip(named, counts[place].tolist(), strict=True)))
