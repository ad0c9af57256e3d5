"""Slices by the values of a column, and the sums of all of them from one pass over the rows.

A metric that adds up over rows is computed once and summed by slice. One of the order of the scores (an area under a curve)
has the rows put in order once; within a slice what is left of that order is in order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.stats import BUCKETS, Metric, Rising, Sums, by_unit, summed
from jupyter_mlops.validation.judged import Judged, kinds_of

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
MOST_SLICES = 50
_ENOUGH = 4 * BUCKETS  # units of a slice, so that hardly a bucket is empty; smaller slices are cheap one by one


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


@dataclass(frozen=True)
class _Sorted:
    """Rows by rising score; without scores where no two are the same, without weights where all count the same."""

    truth: NDArray[np.bool_]
    score: Floats | None
    weight: Floats | None
    bucket: NDArray[np.int16]

    @classmethod
    def of(cls, judged: Judged, scores: Floats, buckets: Codes, order: Codes) -> _Sorted:
        score = scores[order]
        return cls(
            (judged.truth == 1)[order],
            score if (score[1:] == score[:-1]).any() else None,
            None if judged.weight is None else judged.weight[order],
            buckets.astype(np.int16)[order],
        )

    def take(self, rows: Codes | slice) -> _Sorted:
        score, weight = (None if values is None else values[rows] for values in (self.score, self.weight))
        return _Sorted(self.truth[rows], score, weight, self.bucket[rows])

    def sums(self, many: Mapping[Callable[..., Floats], Rising]) -> dict[Callable[..., Floats], Floats]:
        added = {key: rising(self.truth, self.score, self.weight) for key, rising in many.items()}
        return summed(added, self.bucket.astype(np.int64), BUCKETS, self.weight)


class Pass:
    """The sums of large slices of rows in buckets. `of(slicing)` gives them by title, for each of `metrics` by its parts."""

    def __init__(self, judged: Judged, scores: Floats, metrics: Sequence[Metric], buckets: Codes) -> None:
        self._judged, self._buckets = judged, buckets
        self._added = {m.parts: m.added(judged.truth, scores) for m in metrics if m.added}
        self._parts = {m.parts: judged.parts(m, scores) for m in metrics if not m.added and not m.rising}
        self._rising = {m.parts: m.rising for m in metrics if m.rising}
        if self._rising:
            self._order = np.argsort(scores)
            self._sorted = _Sorted.of(judged, scores, buckets, self._order)

    def whole(self) -> dict[Callable[..., Floats], Sums]:
        sums = self._summed(self._buckets, BUCKETS)
        if self._rising:
            sums |= self._sorted.sums(self._rising)
        return {key: Sums(per, self._judged.cases) for key, per in sums.items()}

    def of(self, slicing: Slicing) -> dict[str, dict[Callable[..., Floats], Sums]]:
        cases = self._cases(slicing)
        large = np.flatnonzero(cases >= _ENOUGH)
        if not len(large):
            return {}
        many = len(slicing.names) + 1
        cells = self._summed(self._buckets * many + slicing.codes + 1, BUCKETS * many)
        tables = {key: per.reshape(BUCKETS, many, -1) for key, per in cells.items()}
        found = {int(i): {key: table[:, i + 1] for key, table in tables.items()} for i in large}
        for which, rows in self._in_order(slicing, large):
            found[which] |= rows.sums(self._rising)
        return {
            slicing.title(i): {key: Sums(per, int(cases[i])) for key, per in sums.items()} for i, sums in found.items()
        }

    def _summed(self, cell: Codes, count: int) -> dict[Callable[..., Floats], Floats]:
        dense = {key: _padded(by_unit(parts, cell), count) for key, parts in self._parts.items()}
        return {**summed(self._added, cell, count, self._judged.weight), **dense}

    def _in_order(self, slicing: Slicing, large: Codes) -> list[tuple[int, _Sorted]]:
        """For each large slice its rows among those by rising score."""
        if not self._rising:
            return []
        codes = slicing.codes.astype(np.int8)[self._order]  # at most `MOST_SLICES`
        together = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes + 1, minlength=len(slicing.names) + 1))
        rows = self._sorted.take(together)
        return [(int(i), rows.take(slice(ends[i], ends[i + 1]))) for i in large]

    def _cases(self, slicing: Slicing) -> Codes:
        """How many units of each slice count for something."""
        judged, codes = self._judged, slicing.codes
        counts = codes >= 0 if judged.weight is None else (codes >= 0) & (judged.weight > 0)
        if judged.units is not None:
            met = pd.unique(codes[counts] * judged.count + judged.units[counts])
            return np.bincount(met // judged.count, minlength=len(slicing.names))
        return np.bincount(codes[counts], minlength=len(slicing.names))


def _padded(sums: Floats, count: int) -> Floats:
    """So many rows of sums, the last of which may have had nothing to sum."""
    return sums if len(sums) == count else np.vstack([sums, np.zeros((count - len(sums), sums.shape[1]))])
