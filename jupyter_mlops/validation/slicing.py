"""Slices by the values of a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.validation.judged import Judged, kinds_of

Codes = NDArray[np.int64]
MOST_SLICES = 50


@dataclass(frozen=True)
class Slicing:
    """Which of a column's `names` each row has; -1 where it has one of the rarer ones, which are not judged."""

    column: str
    codes: Codes
    names: list[str]

    def groups(self) -> list[tuple[str, NDArray[np.bool_]]]:
        """`column=value` and its rows."""
        return [(self.title(i), self.codes == i) for i in range(len(self.names))]

    def title(self, which: int) -> str:
        return f"{self.column}={self.names[which]}"


def slicings(judged: Judged, columns: Sequence[str]) -> list[Slicing]:
    """The most frequent fifty values of each column, in a stable order; columns not there are left out."""
    found = []
    for column in columns:
        if column in judged.rows.columns:
            codes, names = kinds_of(judged.rows, column)
            counts = np.bincount(codes, minlength=len(names))
            common = np.sort(np.argsort(-counts, kind="stable")[:MOST_SLICES])
            place = np.full(len(names), -1, dtype=np.int64)
            place[common] = np.arange(len(common))
            kept = codes if len(common) == len(names) else place[codes]
            found.append(Slicing(column, kept, [names[i] for i in common]))
    return found
