"""What rows add to sums, where each row adds to one column of a few: a confusion matrix, a histogram, a mean.

Written out as rows x columns it would be mostly zeros, and reading those is what costs; a count by unit and column is one pass.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Key = TypeVar("Key", bound=Hashable)


class Added(NamedTuple):
    """Each row adds `value` (its own, or one for all) to one of `width` columns: that of its `cell`, the only one where
    there are no cells."""

    value: Floats | float
    cell: NDArray[np.integer] | None = None
    width: int = 1


def written_out(added: Sequence[Added], count: int, weight: Floats | None = None) -> Floats:
    """What each of `count` rows adds, times its weight; rows x columns."""
    parts = np.zeros((count, sum(one.width for one in added)))
    rows, first = np.arange(count), 0
    for one in added:
        place = first if one.cell is None else first + one.cell
        parts[rows, place] = one.value if weight is None else one.value * weight
        first += one.width
    return parts


def summed(
    many: Mapping[Key, Sequence[Added]], unit: NDArray[np.integer], count: int, weight: Floats | None = None
) -> dict[Key, Floats]:
    """The sums within each of `count` units, of several at once, since many count the same rows; units x columns each."""
    counted: dict[int, Floats] = {}

    def of(one: Added) -> Floats:
        key = unit if one.cell is None else unit * one.width + one.cell
        size = count * one.width
        if isinstance(one.value, np.ndarray):
            values = one.value if weight is None else one.value * weight
            sums = np.bincount(key, weights=values, minlength=size).reshape(count, one.width)
            return np.asarray(sums, dtype=np.float64)
        if id(one.cell) not in counted:
            times = np.bincount(key, weights=weight, minlength=size).reshape(count, one.width)
            counted[id(one.cell)] = times.astype(np.float64)
        return counted[id(one.cell)] * one.value

    return {key: np.hstack([of(one) for one in added]) for key, added in many.items()}
