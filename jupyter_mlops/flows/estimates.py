"""Performance before labels, for one target: learned from its evaluation rows, set beside what labels said later."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from jupyter_mlops.errors import BadInput
from jupyter_mlops.flows.rows import read_rows
from jupyter_mlops.monitoring import FEWEST, performance
from jupyter_mlops.project import Target
from jupyter_mlops.records import Estimate, EstimatorRecord, MetricPoint, PerformanceEstimate
from jupyter_mlops.store import LoadedModel, Store, database, predict


class Estimator:
    """Estimates windows of one champion. Without evaluation rows there is nothing honest to learn from, and no estimate."""

    def __init__(self, store: Store, target: Target, champion: LoadedModel) -> None:
        self._store, self._target, self._champion = store, target, champion

    @cached_property
    def _reference(self) -> tuple[pd.DataFrame, Any, Any] | None:
        declared = self._target.spec.data.evaluation
        if declared is None or self._target.spec.task == "ranking":
            return None
        try:
            rows = read_rows(self._store.project.path(declared, self._target))
            rows = rows[rows[self._target.spec.data.target].notna()]
            truth = rows[self._target.spec.data.target].to_numpy()
            with threadpool_limits(1):  # threads of trees that wait for each other cost a busy machine seconds
                return rows, predict(self._champion.model, rows, self._champion.features), truth
        except (BadInput, KeyError, TypeError, ValueError):
            return None

    @property
    def usual(self) -> Any:
        """What the champion answers to rows it was not trained on; None where there are none."""
        return None if self._reference is None else self._reference[1]

    def of(self, rows: pd.DataFrame, realised: list[Estimate]) -> list[PerformanceEstimate]:
        """The estimates of a window's rows, each with the estimator's own record so far."""
        if self._reference is None or len(rows) < FEWEST:
            return []
        try:
            before, answered, truth = self._reference
            known = truth.astype(np.float64)
            answered = answered.astype(np.float64)
        except (TypeError, ValueError):  # classes that have names: these estimates are of numbers
            return []
        if self._target.spec.task == "classification" and len(np.unique(known)) > 2:
            return []
        task, features = self._target.spec.task, self._champion.features
        found = performance(task, features, before, answered, known, rows, realised)
        return [e.model_copy(update={"record": self._record(e.metric)}) for e in found]

    def _record(self, metric: str) -> EstimatorRecord | None:
        seen = {_window(p): p for p in self._points(metric) if p.n >= FEWEST}
        pairs = [(e, seen[_window(e)]) for e in self._points(f"estimated_{metric}") if _window(e) in seen]
        if not pairs:
            return None
        within = sum((e.low or 0.0) <= p.value <= (e.high or 0.0) for e, p in pairs)
        error = float(np.mean([abs(e.value - p.value) for e, p in pairs]))
        return EstimatorRecord(windows=len(pairs), within=within, mean_error=error)

    def _points(self, metric: str) -> list[MetricPoint]:
        points = database(self._store.project).points(self._target.model, metric=metric)
        return [p for p in points if p.segment == self._target.segment and not p.slice]


def _window(point: MetricPoint) -> tuple[Any, Any]:
    return point.start, point.end
