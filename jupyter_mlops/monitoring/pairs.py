"""How two columns move together, as sums that are merged exactly: in any order, to the last bit.

Each product x^i y^j is rounded once, as a float64; the sums of these are exact, as integers of 2^-1126. A pair takes some
hundred bytes. Values beyond 1e75 either way from zero, whose fourth powers no float64 holds, are left out and not in `n`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import comb, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops import stats

Floats = NDArray[np.float64]
Names = tuple[str, str]
_POWERS = [(i, j) for i in range(5) for j in range(5) if 1 <= i + j <= 4]
_LARGEST = 1e75
_BITS, _OFFSET, _HALF = 53, 1126, 27
_AT_ONCE = 1 << 24  # sums of so many halves of mantissas are exact in a float64
_SURE = 1e-3


@dataclass(frozen=True)
class Pair:
    """`sums[k]` is of the products of `_POWERS[k]`, over the `n` rows that have a value in both columns."""

    n: int = 0
    sums: tuple[int, ...] = (0,) * len(_POWERS)

    def merge(self, other: Pair) -> Pair:
        return Pair(self.n + other.n, tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)))

    @cached_property
    def correlation(self) -> tuple[float, float] | None:
        """r and n times its variance; None where one of the columns is constant or there are fewer than three rows."""
        if self.n < 3:
            return None
        raw = {p: Fraction(s, self.n << _OFFSET) for p, s in zip(_POWERS, self.sums, strict=True)} | {
            (0, 0): Fraction(1)
        }
        wide, tall = _scale(raw, (2, 0)), _scale(raw, (0, 2))
        if not wide or not tall:
            return None
        r = float(_central(raw, 1, 1)) / (wide * tall)
        if (
            _doubt(raw, wide, tall) > _SURE
        ):  # far from zero, the fourth moments are lost in rounding: those of normal values
            return r, (1 - r * r) ** 2
        about = {(i, j): float(_central(raw, i, j)) / (wide**i * tall**j) for i, j in stats.ORDERS}
        return stats.correlation(about) if all(isfinite(value) for value in about.values()) else None

    def as_dict(self) -> dict[str, Any]:
        found = self.correlation
        half = 1.96 * (found[1] / self.n) ** 0.5 if found else 0.0
        line: dict[str, float | None] = {"correlation": None, "low": None, "high": None}
        if found:
            line = {"correlation": found[0], "low": max(-1.0, found[0] - half), "high": min(1.0, found[0] + half)}
        return {"n": self.n, **line}


def _central(raw: Mapping[tuple[int, int], Fraction], i: int, j: int) -> Fraction:
    """The mean of (x - mean x)^i (y - mean y)^j."""
    x, y = -raw[1, 0], -raw[0, 1]
    terms = ((a, b) for a in range(i + 1) for b in range(j + 1))
    return sum((comb(i, a) * comb(j, b) * raw[a, b] * x ** (i - a) * y ** (j - b) for a, b in terms), Fraction(0))


def _scale(raw: Mapping[tuple[int, int], Fraction], power: tuple[int, int]) -> float:
    """The standard deviation; 0 where it is within what the rounding of the products leaves open."""
    variance = float(_central(raw, *power))
    return float(variance**0.5) if variance > 4 * 2.0**-_BITS * float(raw[power]) else 0.0


def _doubt(raw: Mapping[tuple[int, int], Fraction], wide: float, tall: float) -> float:
    """How much of a fourth moment, in standard deviations, may be the rounding of its products; all of it once they underflow."""
    found = [(float(raw[4, 0]), wide**4), (float(raw[0, 4]), tall**4)]
    if any(unit == 0 or moment < unit for moment, unit in found):
        return 1.0
    return 16 * 2.0**-_BITS * max(moment / unit for moment, unit in found)


def pair_of(x: Floats, y: Floats) -> Pair:
    """Of two columns, row by row; NaN, infinite and far too large values are left out, with their row."""
    kept = (np.abs(x) <= _LARGEST) & (np.abs(y) <= _LARGEST)
    x, y = x[kept], y[kept]
    powers = [np.ones_like(x), x, x * x, x * x * x, (x * x) * (x * x)]
    others = [np.ones_like(y), y, y * y, y * y * y, (y * y) * (y * y)]
    return Pair(len(x), tuple(_exactly(powers[i] * others[j]) for i, j in _POWERS))


def _exactly(values: Floats) -> int:
    """The sum of float64s, in units of 2^-1126."""
    total = 0
    for start in range(0, len(values), _AT_ONCE):
        mantissa, exponent = np.frexp(values[start : start + _AT_ONCE])
        whole, place = (mantissa * 2.0**_BITS).astype(np.int64), exponent + (_OFFSET - _BITS)
        first = int(place.min())
        for shift, part in ((_HALF, whole >> _HALF), (0, whole & ((1 << _HALF) - 1))):
            sums = np.bincount(place - first, weights=part)
            total += sum(int(sums[k]) << (int(k) + first + shift) for k in np.flatnonzero(sums))
    return total
