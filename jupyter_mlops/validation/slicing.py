"""Slices by the values of a column, and the sums of all of them from one pass over the rows.

A metric that adds up over rows is computed once and summed by slice. One of the order of the scores (an area under a curve)
has the rows put in order once; within a slice what is left of that order is in order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.stats import BUCKETS, Metric, Sums, by_unit
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


class Pass:
    """The sums of large slices of rows in buckets. `of(slicing)` gives them by title, for each of `metrics` by its parts."""

    def __init__(self, judged: Judged, scores: Floats, metrics: Sequence[Metric], buckets: Codes) -> None:
        self._judged, self._buckets = judged, buckets
        self._order = np.argsort(scores) if any(m.rising for m in metrics) else None
        self._rising = {m.parts: m.rising for m in metrics if m.rising}
        self._added = {m.parts: judged.parts(m, scores) for m in metrics if not m.rising}
        if self._order is not None:
            weight = np.ones_like(scores) if judged.weight is None else judged.weight
            self._sorted = [v[self._order] for v in (judged.truth, scores, weight)]
            self._sorted_buckets = buckets[self._order]

    def whole(self) -> dict[Callable[..., Floats], Sums]:
        n = self._judged.cases
        sums = {key: Sums(_padded(by_unit(parts, self._buckets), BUCKETS), n) for key, parts in self._added.items()}
        for key, rising in self._rising.items():
            sums[key] = Sums(_padded(by_unit(rising(*self._sorted), self._sorted_buckets), BUCKETS), n)
        return sums

    def of(self, slicing: Slicing) -> dict[str, dict[Callable[..., Floats], Sums]]:
        cases = self._cases(slicing)
        large = np.flatnonzero(cases >= _ENOUGH)
        sums: dict[str, dict[Callable[..., Floats], Sums]] = {slicing.title(int(i)): {} for i in large}
        if not len(large):
            return sums
        many = len(slicing.names) + 1
        cell = self._buckets * many + slicing.codes + 1
        for key, parts in self._added.items():
            whole = _padded(by_unit(parts, cell), BUCKETS * many).reshape(BUCKETS, many, -1)
            for i in large:
                sums[slicing.title(int(i))][key] = Sums(whole[:, i + 1], int(cases[i]))
        for which, rows in self._in_order(slicing, large):
            given = [v[rows] for v in self._sorted]
            for key, rising in self._rising.items():
                per = _padded(by_unit(rising(*given), self._sorted_buckets[rows]), BUCKETS)
                sums[slicing.title(which)][key] = Sums(per, int(cases[which]))
        return sums

    def _in_order(self, slicing: Slicing, large: Codes) -> list[tuple[int, Codes]]:
        """For each large slice its rows among those by rising score."""
        if self._order is None:
            return []
        codes = slicing.codes[self._order].astype(np.int16)
        together = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes.astype(np.int64) + 1, minlength=len(slicing.names) + 1))
        return [(int(i), together[ends[i] : ends[i + 1]]) for i in large]

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
