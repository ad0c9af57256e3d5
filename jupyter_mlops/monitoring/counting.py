"""The inner loop of a profile: float64 values as ordered integers, and how often each prefix of their bits occurs.

Everything is a pass of numpy over one batch and a table of at most 2^17 counts, which stays in the cache; nothing is sorted.
Two buffers a thread are used again for every column: fresh memory would cost more than what is computed in it.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]
Floats = NDArray[np.float64]
_TABLE = 17  # bits: a table of a megabyte
_BLOCK = 1 << 14  # temporary results of this many values stay in the nearest cache
_MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)
_mine = threading.local()


def _buffer(name: str, size: int) -> Keys:
    held: Keys | None = getattr(_mine, name, None)
    if held is None or len(held) < size:
        held = np.empty(size, dtype=np.int64)
        setattr(_mine, name, held)
    return held[:size]


def ordered(values: Floats) -> Keys:
    """The values' bits as integers in the values' order; minus zero is zero. Good until this thread's next call."""
    keys = _buffer("keys", len(values))
    np.add(values, 0.0, out=keys.view(np.float64))
    if values.min() < 0:
        for start in range(0, len(keys), _BLOCK):
            part = keys[start : start + _BLOCK]
            turned = part >> 63
            turned &= _MAGNITUDE
            part ^= turned
    return keys


def values_of(keys: Keys) -> Floats:
    return (keys ^ ((keys >> 63) & _MAGNITUDE)).view(np.float64)


def tally(keys: Keys, most: int) -> tuple[int, Keys, NDArray[np.int64]]:
    """A shift that leaves more than `most` distinct prefixes, or 0; those prefixes, ascending, and their counts.

    Coarse prefixes are counted first; while few of them are held, each is split further, so that wide gaps cost nothing.
    """
    low, high = int(keys.min()), int(keys.max())
    shift = max(0, (high - low).bit_length() - _TABLE)
    place = np.right_shift(keys, shift, out=_buffer("place", len(keys)))
    place -= low >> shift
    counts = np.bincount(place)
    held = np.flatnonzero(counts)
    prefixes, counts = held + (low >> shift), counts[held]
    while shift and len(held) <= most:
        number = np.zeros(int(held[-1]) + 1, dtype=np.int64)
        number[held] = np.arange(len(held))
        np.take(number, place, out=place, mode="clip")
        alone = _alone(place, keys, len(held))
        if alone is not None:
            return 0, alone, counts
        bits = min(shift, _TABLE - (len(held) - 1).bit_length())
        shift -= bits
        _append(place, keys, shift, bits)
        counts = np.bincount(place)
        held = np.flatnonzero(counts)
        prefixes, counts = (prefixes[held >> bits] << bits) | (held & ((1 << bits) - 1)), counts[held]
    return shift, prefixes, counts


def _append(place: Keys, keys: Keys, shift: int, bits: int) -> None:
    """Each place becomes the place within it that the key's next bits name."""
    for start in range(0, len(place), _BLOCK):
        part = place[start : start + _BLOCK]
        following = keys[start : start + _BLOCK] >> shift
        following &= (1 << bits) - 1
        part <<= bits
        part |= following


def _alone(place: Keys, keys: Keys, size: int) -> Keys | None:
    """The key in each place, when no place has two different ones; a short look settles it for most columns."""
    few = slice(0, 4096)
    alone = np.empty(size, dtype=np.int64)
    alone[place[few]] = keys[few]
    if not np.array_equal(alone[place[few]], keys[few]):
        return None
    alone[place] = keys
    for start in range(0, len(place), _BLOCK):
        if not np.array_equal(alone[place[start : start + _BLOCK]], keys[start : start + _BLOCK]):
            return None
    return alone
