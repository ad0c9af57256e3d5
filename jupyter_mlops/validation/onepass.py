"""The sums of all rows and of every large slice from one pass over the rows.

A metric that adds up over rows is computed once and summed by slice, in blocks of rows that stay in the cache: fresh memory
for each step of millions of rows would cost more than the step. One of the order of the scores (an area under a curve) has
the rows put in order once. Its value is of that very order; what a row adds, from which only the interval is made, is taken
for a few thousand stretches of the order at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.stats import BUCKETS, Added, Metric, Rising, Sums, by_unit, rising_order, stretches, summed
from jupyter_mlops.validation.judged import Judged
from jupyter_mlops.validation.slicing import Slicing

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Parts = Callable[..., Floats]
_BLOCK = 1 << 16
_STRETCHES = 4096
_ENOUGH = 4 * BUCKETS  # units of a slice, so that hardly a bucket is empty; smaller slices are cheap one by one
_FINE = 16  # stretches over which a slice reaches at least


@dataclass(frozen=True)
class _Cut:
    """All rows as `count` cells, and of those to be told their title and how many units have any weight."""

    codes: Codes
    count: int
    told: Mapping[int, tuple[str, int]]

    def cells(self, table: Floats) -> Floats:
        return table.reshape(BUCKETS, self.count, -1)


@dataclass(frozen=True)
class _Ranks:
    """Rows by rising score (without scores where no two are the same, without weights where all count the same), and of each
    row as it comes its cell: twice its stretch, one more where it is positive."""

    order: Codes
    truth: NDArray[np.bool_]
    score: Floats | None
    weight: Floats | None
    cell: Codes
    count: int

    @classmethod
    def of(cls, truth: Floats, scores: Floats, weight: Floats | None) -> _Ranks:
        order, positive = rising_order(scores), truth == 1
        ordered = scores[order]
        score = ordered if (ordered[1:] == ordered[:-1]).any() else None
        begins = stretches(len(scores), _STRETCHES, score)
        cell = np.empty(len(scores), dtype=np.int64)
        cell[order] = np.repeat(np.arange(0, 2 * len(begins), 2), np.diff(begins, append=len(scores)))
        cell += positive
        return cls(order, positive[order], score, None if weight is None else weight[order], cell, 2 * len(begins))

    def take(self, which: NDArray[np.bool_] | slice) -> tuple[NDArray[np.bool_], Floats | None, Floats | None]:
        score, weight = (None if values is None else values[which] for values in (self.score, self.weight))
        return self.truth[which], score, weight


@dataclass(frozen=True)
class _Spread:
    """What a row adds to a metric by its cell within a cut's cell (`tables`; None: 1, of every row the same), and by what the
    sums of each of the cut's cells are multiplied."""

    like: Sequence[Added]
    tables: Sequence[Floats | None]
    scale: Floats

    @classmethod
    def of(cls, added: Mapping[int, Sequence[Added]], count: int, width: int) -> _Spread:
        """From what the cells add, of each of the cut's cells that is told."""
        like = next((a for a in added.values() if any(isinstance(one.value, np.ndarray) for one in a)), None)
        like = like or next(iter(added.values()))
        tables = [np.zeros((count, width)) if isinstance(one.value, np.ndarray) else None for one in like]
        scale = np.ones((count, sum(one.width for one in like)))
        ends = np.cumsum([one.width for one in like])
        for i, own in added.items():
            for one, table, end in zip(own, tables, ends, strict=False):
                if isinstance(one.value, np.ndarray) and table is not None:
                    table[i] = one.value
                else:
                    scale[i, end - one.width : end] = one.value
            if [one.width for one in own] != [one.width for one in like]:  # it has no value here
                scale[i] = np.nan
        return cls(like, [None if table is None else table.ravel() for table in tables], scale)

    def rows(self, place: Codes, cell: Codes) -> list[Added]:
        known = {id(one.cell): one.cell[cell] for one in self.like if one.cell is not None}
        return [
            Added(1.0 if table is None else table[place], known.get(id(one.cell)), one.width)
            for one, table in zip(self.like, self.tables, strict=True)
        ]


class Pass:
    """`sums()` of all rows (title "") and of each large slice by its title, for each of `metrics` by its parts."""

    def __init__(
        self, judged: Judged, scores: Floats, metrics: Sequence[Metric], buckets: Codes, many: Sequence[Slicing]
    ) -> None:
        self._judged, self._scores, self._buckets = judged, scores, buckets
        self._metrics = {m.parts: m for m in metrics}
        whole = _Cut(np.zeros(len(scores), dtype=np.int64), 1, {0: ("", judged.cases)})
        self._cuts = [whole, *filter(lambda cut: cut.told, map(self._cut, many))]

    def sums(self) -> dict[str, dict[Parts, Sums]]:
        found: dict[str, dict[Parts, Sums]] = {}
        for cut, tables in zip(self._cuts, self._tables(), strict=True):
            shaped = {key: cut.cells(table) for key, table in tables.items()}
            for i, (title, cases) in cut.told.items():
                found[title] = {key: Sums(table[:, i], cases) for key, table in shaped.items()}
        return found

    def _tables(self) -> Iterator[dict[Parts, Floats]]:
        """For each cut and metric the sums of its cells within buckets; those of all rows are those of any cut together."""
        added = self._added(self._cuts[1:] or self._cuts)
        if self._cuts[1:]:
            added = [{key: self._cuts[1].cells(t).sum(axis=1) for key, t in added[0].items()}, *added]
        for cut, tables in zip(self._cuts, added, strict=True):
            yield tables | self._dense(cut) | self._risen(cut)

    def _added(self, cuts: Sequence[_Cut]) -> list[dict[Parts, Floats]]:
        asked = {key: m.added for key, m in self._metrics.items() if m.added}
        found: list[dict[Parts, Floats]] = [{} for _ in cuts]
        for rows in self._blocks():
            added = {key: of(self._judged.truth[rows], self._scores[rows]) for key, of in asked.items()}
            for cut, sums in zip(cuts, found, strict=True):
                self._add(sums, added, cut, rows)
        return found

    def _add(self, sums: dict[Parts, Floats], added: Mapping[Parts, Sequence[Added]], cut: _Cut, rows: slice) -> None:
        cell = self._buckets[rows] * cut.count + cut.codes[rows]
        weight = None if self._judged.weight is None else self._judged.weight[rows]
        for key, part in summed(added, cell, BUCKETS * cut.count, weight).items():
            sums[key] = np.add(sums[key], part, out=sums[key]) if key in sums else part

    def _dense(self, cut: _Cut) -> dict[Parts, Floats]:
        cell, count = self._buckets * cut.count + cut.codes, BUCKETS * cut.count
        return {key: _padded(by_unit(parts, cell), count) for key, parts in self._written_out.items()}

    @cached_property
    def _written_out(self) -> dict[Parts, Floats]:
        asked = {key: m for key, m in self._metrics.items() if not m.added and not m.rising}
        return {key: self._judged.parts(m, self._scores) for key, m in asked.items()}

    def _risen(self, cut: _Cut) -> dict[Parts, Floats]:
        asked = {key: m.rising for key, m in self._metrics.items() if m.rising}
        if not asked:
            return {}
        ranks, found = self._ranks, {}
        spread = self._spread(cut, asked)
        sums: dict[Parts, Floats] = {}
        for rows in self._blocks():
            cell = ranks.cell[rows]
            place = cut.codes[rows] * ranks.count + cell
            self._add(sums, {key: one.rows(place, cell) for key, one in spread.items()}, cut, rows)
        for key, table in sums.items():
            found[key] = (cut.cells(table) * spread[key].scale).reshape(BUCKETS * cut.count, -1)
        return found

    def _spread(self, cut: _Cut, asked: Mapping[Parts, Rising]) -> dict[Parts, _Spread]:
        ranks = self._ranks
        place, size = cut.codes * ranks.count + ranks.cell, cut.count * ranks.count
        weighed = np.bincount(place, weights=self._judged.weight, minlength=size)
        counts = np.asarray(weighed.reshape(cut.count, -1), dtype=np.float64)
        truth, score = np.arange(ranks.count) % 2 == 1, np.asarray(np.arange(ranks.count) // 2, dtype=np.float64)
        added: dict[Parts, dict[int, Sequence[Added]]] = {key: {} for key in asked}
        for i, rows in self._in_order(cut):
            for key, rising in asked.items():
                added[key][i] = rising.added(truth, score, counts[i], rising.value(*rows))
        return {key: _Spread.of(one, cut.count, ranks.count) for key, one in added.items()}

    def _in_order(self, cut: _Cut) -> Iterator[tuple[int, tuple[NDArray[np.bool_], Floats | None, Floats | None]]]:
        """Of each cell that is told its rows by rising score."""
        if cut.count == 1:
            yield 0, self._ranks.take(slice(None))
            return
        codes = cut.codes.astype(np.int8)[self._ranks.order]  # at most `MOST_SLICES`
        for i in cut.told:
            yield i, self._ranks.take(codes == i)

    @cached_property
    def _ranks(self) -> _Ranks:
        return _Ranks.of(self._judged.truth, self._scores, self._judged.weight)

    def _cut(self, slicing: Slicing) -> _Cut:
        cases = self._cases(slicing)
        enough = max(_ENOUGH, len(slicing.codes) * _FINE // _STRETCHES)
        told = {int(i) + 1: (slicing.title(int(i)), int(cases[i])) for i in np.flatnonzero(cases >= enough)}
        return _Cut(slicing.codes + 1, len(slicing.names) + 1, told)

    def _cases(self, slicing: Slicing) -> Codes:
        """How many units of each slice count for something."""
        judged, codes, many = self._judged, slicing.codes, len(slicing.names)
        if judged.weight is None and judged.units is None:
            return np.bincount(codes + 1, minlength=many + 1)[1:]
        counts = codes >= 0 if judged.weight is None else (codes >= 0) & (judged.weight > 0)
        if judged.units is None:
            return np.bincount(codes[counts], minlength=many)
        met = pd.unique(codes[counts] * judged.count + judged.units[counts])
        return np.bincount(met // judged.count, minlength=many)

    def _blocks(self) -> Iterator[slice]:
        for start in range(0, len(self._scores), _BLOCK):
            yield slice(start, start + _BLOCK)


def _padded(sums: Floats, count: int) -> Floats:
    """So many rows of sums, the last of which may have had nothing to sum."""
    return sums if len(sums) == count else np.vstack([sums, np.zeros((count - len(sums), sums.shape[1]))])
