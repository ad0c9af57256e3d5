"""Estimates of every metric of a task, over all rows and within slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.project import Target
from jupyter_mlops.records import Estimate
from jupyter_mlops.stats import Interval, Metric, Sums, few, intervals, wilson
from jupyter_mlops.validation.answering import labels_of
from jupyter_mlops.validation.judged import Judged, kinds_of
from jupyter_mlops.validation.preparing import prepare

Floats = NDArray[np.float64]
MOST_SLICES = 50


def estimates_of(target: Target, rows: pd.DataFrame, prediction: Any, *, seed: int = 0) -> list[Estimate]:
    """Every metric of the task over all rows, with its 95 % interval. `prediction` is a score for each row, or a class.

    Nothing where the outcomes are all of one class and what the other is called is not known.
    """
    said = np.asarray(prediction)
    if target.spec.task != "classification" or not len(rows) or target.spec.data.target not in rows:
        return measure(prepare(target, rows), said.astype(np.float64), seed=seed)
    met = set(labels_of(rows[target.spec.data.target].to_numpy(dtype=object)))
    if said.dtype.kind in "fiub" and len(met | {"0", "1"}) <= 2:
        return measure(prepare(target, rows), said.astype(np.float64), seed=seed)
    if said.dtype.kind == "f" and len(met) <= 2:
        return measure(prepare(target, rows), said, seed=seed) if len(met) == 2 else []
    spoken = labels_of(said)
    classes = sorted(met | set(spoken))
    judged = prepare(target, rows, classes)
    scores = (spoken[:, None] == np.array(classes, dtype=object)).astype(np.float64)
    return measure(judged, scores[:, 1] if len(classes) == 2 else scores, probabilities=False, seed=seed)


def measure_all(
    judged: Judged,
    scores: Floats,
    groups: Sequence[tuple[str, NDArray[np.bool_]]],
    *,
    probabilities: bool = True,
    seed: int = 0,
) -> list[Estimate]:
    """Estimates over all rows and within each group. Scores are put in order once: what a group keeps of it is in order."""
    order = np.argsort(scores) if scores.ndim == 1 and judged.task == "classification" else None
    options: dict[str, Any] = {"probabilities": probabilities, "seed": seed}
    found = measure(judged, scores, order=order, **options)
    for name, where in groups:
        own = None if order is None else (np.cumsum(where) - 1)[order[where[order]]]
        found += measure(judged.take(where), scores[where], order=own, name=name, **options)
    return found


def measure(
    judged: Judged,
    scores: Floats,
    *,
    name: str = "",
    probabilities: bool = True,
    order: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> list[Estimate]:
    """Estimates over the rows; a metric that has no value on them (one class only) is left out. `order` is that of rising
    scores of two classes, where it is known."""
    metrics = [m for m in judged.metrics if probabilities or not m.probabilities]
    alike: dict[Any, Sums] = {}  # several metrics are made from the same counts
    for m in metrics if judged.count > 1 else []:
        if m.parts not in alike:
            alike[m.parts] = judged.sums(m, scores, order=order)
    sums = [(m, alike[m.parts]) for m in metrics if m.parts in alike]
    kept = [(m, s) for m, s in sums if s.n > 1]  # one case has a value and no interval
    found = intervals([(s, m.combine) for m, s in kept], seed=seed)
    answers = [(m, _within(m, _doubtful(s, m, i))) for (m, s), i in zip(kept, found, strict=True)]
    return [
        Estimate(metric=m.name, value=i.value, low=i.low, high=i.high, n=i.n, slice=name)
        for m, i in answers
        if np.isfinite([i.value, i.low, i.high]).all()
    ]


def _within(metric: Metric, found: Interval) -> Interval:
    low, high = metric.within
    return Interval(
        found.value, max(found.low, min(low, found.value)), min(found.high, max(high, found.value)), found.n
    )


def _doubtful(sums: Sums, metric: Metric, found: Interval) -> Interval:
    """A score of all or nothing, and a share whose yes or no is rare, with the doubt that resampling cannot show."""
    if metric.share:
        counted = float(sums.per[:, 1].sum())
        independent = min(counted, sums.n)
        if counted > 0 and few(found.value * independent, independent):
            return Interval(found.value, *wilson(found.value, independent), found.n)
    elif metric.higher and found.low == found.high and found.value in (0.0, 1.0):
        return Interval(found.value, *wilson(found.value, max(1, sums.n / 2)), found.n)
    return found


def slices(judged: Judged, columns: Sequence[str]) -> list[tuple[str, NDArray[np.bool_]]]:
    """`column=value` and its rows, for each value of each column (the most frequent fifty), in a stable order; columns not
    there are left out."""
    found = []
    for column in columns:
        if column in judged.rows.columns:
            codes, names = kinds_of(judged.rows, column)
            counts = np.bincount(codes, minlength=len(names))
            common = np.sort(np.argsort(-counts, kind="stable")[:MOST_SLICES])
            found += [(f"{column}={names[i]}", codes == i) for i in common]
    return found
