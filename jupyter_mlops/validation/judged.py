"""Rows ready to be measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.stats import (
    CLASSIFICATION,
    MULTICLASS,
    RANKING,
    REGRESSION,
    Metric,
    Sums,
    bucket_of,
    by_unit,
    groups_of,
    left_out,
    stratified,
)

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Where = NDArray[np.bool_]
MISSING = "(missing)"
_FEW = 20


@dataclass(frozen=True)
class Judged:
    """`truth` is the outcome, of a classification the index in `classes`; `units` are codes of what is independent, None
    where rows are; `weight` is what each row counts, None where all count the same; `strata` are codes of the kinds of which
    so many rows each were drawn, None where rows were drawn as they came; `asked` are metrics beside the task's own; `main` is
    the metric by which lists lose, that of the first gate on lists."""

    task: str
    truth: Floats
    units: Codes | None
    rows: pd.DataFrame
    classes: list[str]
    weight: Floats | None = None
    design: str = "rows"
    strata: Codes | None = None
    asked: tuple[Metric, ...] = ()
    main: str = "ndcg@10"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return metrics_of(self.task, len(self.classes)) + self.asked

    @property
    def count(self) -> int:
        """How many units there are."""
        return len(self.truth) if self.units is None else int(self.units.max(initial=-1)) + 1

    @cached_property
    def cases(self) -> int:
        """How many units count for something: rows that weigh nothing say nothing."""
        if self.weight is None:
            return self.count
        return int((by_unit(self.weight[:, None], self.units) > 0).sum())

    def take(self, where: Where) -> Judged:
        """Only the rows `where`, units coded anew; the frame, which metrics do not read, is not copied."""
        units = None if self.units is None else _anew(self.units[where])
        weight = None if self.weight is None else self.weight[where]
        strata = None if self.strata is None else _anew(self.strata[where])
        truth = self.truth[where]
        return replace(self, truth=truth, units=units, weight=weight, strata=strata)

    def parts(self, metric: Metric, scores: Floats) -> Floats:
        """What each row (of a ranking each entity) adds to the metric."""
        if self.task == "ranking":
            values = metric.parts(self.truth, scores, self.units)
            return values if self._entity_weight is None else values * self._entity_weight[:, None]
        if metric.weighted:
            return metric.parts(self.truth, scores, weight=self.weight)
        values = metric.parts(self.truth, scores)
        return values if self.weight is None else values * self.weight[:, None]

    def sums(self, metric: Metric, *scores: Floats) -> Sums:
        """What each unit adds, in buckets where there are many; of several models side by side."""
        if metric.whole is not None:
            return self._left_out(metric.whole, scores)
        parts = np.hstack([self.parts(metric, one) for one in scores])
        if self.task != "ranking":
            return self.gather(parts)
        valued = parts[:, 1] > 0
        strata = None if self._entity_stratum is None else _anew(self._entity_stratum[valued])
        return _sums(parts[valued], bucket_of(int(valued.sum())), int(valued.sum()), strata)

    def _left_out(self, of: Callable[..., float], scores: Sequence[Floats]) -> Sums:
        """Of what is no sum: each group of units with what it changes; of several models the same groups."""
        group = groups_of(self.count)
        group = group if self.units is None else group[self.units]
        return Sums(np.hstack([left_out(of, self.truth, one, self.weight, group) for one in scores]), self.cases)

    def gather(self, parts: Floats) -> Sums:
        """Columns of rows as sums of units."""
        return _sums(parts, self.buckets, self.cases, self.strata)

    def mean_loss(self, loss: Floats) -> Sums:
        """Sums whose ratio is the mean of one number a row."""
        weight = np.ones(len(loss)) if self.weight is None else self.weight
        return self.gather(np.stack([loss * weight, weight], axis=1))

    @cached_property
    def buckets(self) -> Codes | None:
        """Of each row what is drawn as one with it: its unit, of very many units a bucket; None where each row is drawn."""
        bucket = bucket_of(self.count)
        return self.units if bucket is None else bucket if self.units is None else bucket[self.units]

    @cached_property
    def _entity_weight(self) -> Floats | None:
        if self.weight is None or self.units is None:
            return None
        return np.asarray(np.bincount(self.units, weights=self.weight) / np.bincount(self.units))

    @cached_property
    def _entity_stratum(self) -> Codes | None:
        """Of an entity with rows of several kinds, the first."""
        if self.strata is None or self.units is None:
            return None
        return self.strata[np.unique(self.units, return_index=True)[1]]


def metrics_of(task: str, classes: int) -> tuple[Metric, ...]:
    """Those that every model of the task has."""
    if task == "classification":
        return CLASSIFICATION if classes == 2 else MULTICLASS
    return REGRESSION if task == "regression" else RANKING


def _sums(parts: Floats, unit: Codes | None, count: int, strata: Codes | None) -> Sums:
    held = None if strata is None else stratified(parts, unit, strata)
    return Sums(by_unit(parts, unit), count, held)


def _anew(codes: Codes) -> Codes:
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)


def kinds_of(rows: pd.DataFrame, column: str) -> tuple[Codes, list[str]]:
    """The values of a column as codes and their names, in the order of the names: numbers of many values by quarters, what
    is missing by that name. Nothing is spelled out row by row, which would cost more than all figures."""
    values = rows[column]
    near = _near(values)
    if near is None and values.dtype.kind in "iuf" and (_many(values.iloc[:1000]) or _many(values)):
        codes, names = _quarters(values.to_numpy(dtype=np.float64, na_value=np.nan))
    else:
        found, kinds = near or _factorized(values)
        names = [*(str(kind) for kind in kinds), MISSING]
        codes = found if near else np.where(found < 0, len(kinds), found).astype(np.int64)
    used = np.flatnonzero(np.bincount(codes, minlength=len(names)))
    order = sorted({names[i] for i in used})
    place = {name: i for i, name in enumerate(order)}
    return np.array([place.get(name, -1) for name in names], dtype=np.int64)[codes], order


def _many(values: pd.Series[Any]) -> bool:
    return len(values) > _FEW and int(pd.notna(pd.unique(values)).sum()) > _FEW


def _near(values: pd.Series[Any]) -> tuple[Codes, Any] | None:
    """Whole numbers so near each other that they are few, coded by where they are; None of any other values."""
    if not len(values) or not isinstance(values.dtype, np.dtype) or values.dtype.kind not in "iu":
        return None
    numbers = values.to_numpy()
    lowest, highest = int(numbers.min()), int(numbers.max())
    return (numbers.astype(np.int64) - lowest, range(lowest, highest + 1)) if highest - lowest < _FEW else None


def _factorized(values: pd.Series[Any]) -> tuple[Codes, Any]:
    try:
        return pd.factorize(values, use_na_sentinel=True)
    except TypeError:  # lists and the like cannot be told apart but by how they are written
        return pd.factorize(values.map(str, na_action="ignore"), use_na_sentinel=True)


def _quarters(numbers: Floats) -> tuple[Codes, list[str]]:
    known = np.isfinite(numbers)
    edges = np.unique(_of_ordered(np.sort(numbers[known]), np.array([0, 0.25, 0.5, 0.75, 1])))
    names = [f"[{a:.4g}, {b:.4g}{']' if i == len(edges) - 2 else ')'}" for i, (a, b) in enumerate(pairwise(edges))]
    place = sum((numbers >= edge for edge in edges[1:-1]), np.zeros(len(numbers), dtype=np.int8))
    return np.where(known, place, len(names)).astype(np.int64), [*names, MISSING]


def _of_ordered(values: Floats, shares: Floats) -> Floats:
    """Quantiles, numpy's own, which puts in order again what is in order."""
    place = shares * (len(values) - 1)
    below = place.astype(np.int64)
    least, most = values[below], values[np.minimum(below + 1, len(values) - 1)]
    return np.asarray(least + (place - below) * (most - least))
