"""Estimates of every metric of a task, over all rows and within slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.project import Target
from jupyter_mlops.records import Estimate
from jupyter_mlops.stats import BUCKETS, Interval, Metric, Sums, few, intervals, wilson
from jupyter_mlops.validation.answering import labels_of
from jupyter_mlops.validation.judged import Judged
from jupyter_mlops.validation.onepass import Pass
from jupyter_mlops.validation.preparing import prepare
from jupyter_mlops.validation.slicing import Slicing

Floats = NDArray[np.float64]


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
    judged: Judged, scores: Floats, many: Sequence[Slicing], *, probabilities: bool = True, seed: int = 0
) -> list[Estimate]:
    """Estimates over all rows and within each slice, of very many rows from one pass over them."""
    metrics = _metrics(judged, probabilities)
    sums = _in_one_pass(judged, scores, [m for m in metrics if m.whole is None], many)
    apart = [m for m in metrics if m.whole is not None]
    sums[""] = sums.get("", {}) | _each(judged, scores, apart if "" in sums else metrics)
    for slicing in many:
        for i in range(len(slicing.names)):
            name, where = slicing.title(i), slicing.codes == i
            asked = apart if name in sums else metrics
            if asked:
                sums[name] = sums.get(name, {}) | _each(judged.take(where), scores[where], asked)
    names = ["", *(slicing.title(i) for slicing in many for i in range(len(slicing.names)))]
    found = [(name, m, sums[name][m.parts]) for name in names for m in metrics if m.parts in sums[name]]
    return _estimated(found, seed)


def measure(judged: Judged, scores: Floats, *, probabilities: bool = True, seed: int = 0) -> list[Estimate]:
    """Estimates over the rows; a metric that has no value on them (one class only) is left out."""
    return measure_all(judged, scores, [], probabilities=probabilities, seed=seed)


def _metrics(judged: Judged, probabilities: bool) -> list[Metric]:
    return [m for m in judged.metrics if (probabilities or not m.probabilities) and not m.extreme]


def _in_one_pass(
    judged: Judged, scores: Floats, metrics: Sequence[Metric], many: Sequence[Slicing]
) -> dict[str, dict[Any, Sums]]:
    """The sums of all rows and of large slices, by title; nothing of few rows, of lists and where strata are held."""
    if judged.task == "ranking" or judged.strata is not None or judged.count <= BUCKETS or judged.buckets is None:
        return {}
    return Pass(judged, scores, metrics, judged.buckets, many).sums()


def _each(judged: Judged, scores: Floats, metrics: Sequence[Metric]) -> dict[Any, Sums]:
    """The sums of each metric by its parts, which several metrics share."""
    alike: dict[Any, Sums] = {}
    for m in metrics if judged.count > 1 else []:
        if m.parts not in alike:
            alike[m.parts] = judged.sums(m, scores)
    return alike


def _estimated(asked: Sequence[tuple[str, Metric, Sums]], seed: int) -> list[Estimate]:
    kept = [(name, m, s) for name, m, s in asked if s.n > 1]  # one case has a value and no interval
    found = intervals([(s, m.combine) for _, m, s in kept], seed=seed)
    answers = [(name, m, _within(m, _doubtful(s, m, i))) for (name, m, s), i in zip(kept, found, strict=True)]
    return [
        Estimate(metric=m.name, value=i.value, low=i.low, high=i.high, n=i.n, slice=name)
        for name, m, i in answers
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
        counted = float(sums.per[:, list(metric.share)].sum())
        independent = min(counted, sums.n)
        if counted > 0 and few(found.value * independent, independent):
            return Interval(found.value, *wilson(found.value, independent), found.n)
    elif metric.higher and found.low == found.high and found.value in (0.0, 1.0):
        return Interval(found.value, *wilson(found.value, max(1, sums.n / 2)), found.n)
    return found
