"""The inner loop of a profile: float64 values as ordered integers, and how often each prefix of their bits occurs.

Everything is a pass of numpy over one batch and a table of at most 2^17 counts, which stays in the cache; nothing is sorted.
Two buffers a thread are used again for every column: fresh memory would cost more than what is computed in it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]
Floats = NDArray[np.float64]
_TABLE = 17  # bits: a table of a megabyte
_BLOCK = 1 << 14  # temporary results of this many values stay in the nearest cache
_STRETCH = 1 << 10
_MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)
_NOTHING = _MAGNITUDE  # the bits of no finite value
_mine = threading.local()


def _buffer(name: str, size: int) -> Keys:
    held: Keys | None = getattr(_mine, name, None)
    if held is None or len(held) < size:
        held = np.empty(size, dtype=np.int64)
        setattr(_mine, name, held)
    return held[:size]


def ordered(values: Floats) -> Keys:
    """The values' bits as integers in the values' order; minus zero is zero."""
    keys = np.empty(len(values), dtype=np.int64)
    _order(values, keys, turned=bool(len(values)) and bool(values.min() < 0))
    return keys


def _order(values: Floats, keys: Keys, *, turned: bool) -> None:
    """Negative values' bits are in the opposite order, and are `turned` where there may be any."""
    np.add(values, 0.0, out=keys.view(np.float64))
    if turned:
        mask = keys >> 63
        mask &= _MAGNITUDE
        keys ^= mask


def values_of(keys: Keys) -> Floats:
    return (keys ^ ((keys >> 63) & _MAGNITUDE)).view(np.float64)


@dataclass(frozen=True)
class Stretches:
    """The least and the greatest value of each stretch of 1,024 values, the last one shorter; NaN where one holds a NaN."""

    minima: Floats
    maxima: Floats

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.minima).all() and np.isfinite(self.maxima).all())

    def outermost(self, values: Floats, count: int) -> tuple[Floats, Floats]:
        """The least and the greatest `count` values, ascending. The least are in the stretches of the least minima."""
        if len(self.minima) <= 2 * count:
            found = np.sort(values)
            return found[:count], found[-count:]
        first = np.argpartition(self.minima, count)[:count]
        last = np.argpartition(self.maxima, -count)[-count:]
        return np.sort(_within(values, first))[:count], np.sort(_within(values, last))[-count:]


def _within(values: Floats, chosen: NDArray[np.intp]) -> Floats:
    return np.concatenate([values[i * _STRETCH : (i + 1) * _STRETCH] for i in chosen.tolist()])


def stretches(values: Floats) -> Stretches:
    """One pass over the memory: a block is in the cache when its maxima follow its minima."""
    count = -(-len(values) // _STRETCH)
    minima, maxima = np.empty(count), np.empty(count)
    whole = len(values) // _STRETCH
    shaped = values[: whole * _STRETCH].reshape(whole, _STRETCH)
    for start in range(0, whole, _BLOCK // _STRETCH):
        block = slice(start, start + _BLOCK // _STRETCH)
        shaped[block].min(axis=1, out=minima[:whole][block])
        shaped[block].max(axis=1, out=maxima[:whole][block])
    if whole < count:
        minima[-1], maxima[-1] = values[whole * _STRETCH :].min(), values[whole * _STRETCH :].max()
    return Stretches(minima, maxima)


def tally(values: Floats, extent: Stretches, most: int) -> tuple[int, Keys, NDArray[np.int64]]:
    """A shift that leaves more than `most` distinct prefixes of ordered bits, or 0; those prefixes, ascending, and their counts.

    Coarse prefixes are counted first; while few of them are held, each is split further, so that wide gaps cost nothing.
    """
    low, high = ordered(np.array([extent.minima.min(), extent.maxima.max()])).tolist()
    shift = max(0, (high - low).bit_length() - _TABLE)
    keys, place = _laid_out(values, low, shift)
    counts = np.bincount(place)
    held = np.flatnonzero(counts)
    prefixes, counts = held + (low >> shift), counts[held]
    while shift and len(held) <= most:
        alone = _alone(held, place, keys)
        if alone is not None:
            return 0, alone, counts
        number = np.zeros(int(held[-1]) + 1, dtype=np.int64)
        number[held] = np.arange(len(held))
        bits = min(shift, _TABLE - (len(held) - 1).bit_length())
        shift -= bits
        _split(number, place, keys, shift, bits)
        counts = np.bincount(place)
        held = np.flatnonzero(counts)
        prefixes, counts = (prefixes[held >> bits] << bits) | (held & ((1 << bits) - 1)), counts[held]
    return shift, prefixes, counts


def _laid_out(values: Floats, low: int, shift: int) -> tuple[Keys, Keys]:
    """Each value's ordered bits, and which prefix of them it has, counted from the least value's."""
    keys, place = _buffer("keys", len(values)), _buffer("place", len(values))
    for start in range(0, len(values), _BLOCK):
        block = slice(start, start + _BLOCK)
        _order(values[block], keys[block], turned=low < 0)
        np.right_shift(keys[block], shift, out=place[block])
        place[block] -= low >> shift
    return keys, place


def _split(number: Keys, place: Keys, keys: Keys, shift: int, bits: int) -> None:
    """Each place becomes its number, and within it the place that the key's next bits name."""
    for start in range(0, len(place), _BLOCK):
        part = place[start : start + _BLOCK]
        np.take(number, part, out=part, mode="clip")
        following = keys[start : start + _BLOCK] >> shift
        following &= (1 << bits) - 1
        part <<= bits
        part |= following


def _alone(held: Keys, place: Keys, keys: Keys) -> Keys | None:
    """The key in each held place, when no place has two different ones; the first block settles it for most columns."""
    alone = np.full(int(held[-1]) + 1, _NOTHING)
    for start in range(0, len(place), _BLOCK):
        at, these = place[start : start + _BLOCK], keys[start : start + _BLOCK]
        found = np.take(alone, at, mode="clip")
        new = np.flatnonzero(found != these)
        if not len(new):
            continue
        alone[at[new]] = these[new]
        if (found[new] != _NOTHING).any() or (alone[at[new]] != these[new]).any():
            return None
    return alone[held]
