"""Truth and predictions as the metrics of a task want them, and estimates of them, over all rows and within slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Target
from jupyter_mlops.records import Estimate
from jupyter_mlops.stats import CLASSIFICATION, RANKING, REGRESSION, Metric, by_unit, interval

Floats = NDArray[np.float64]
METRICS = {"regression": REGRESSION, "classification": CLASSIFICATION, "ranking": RANKING}
FEWEST = 30
"""Below so many units an interval says little; estimates are given, gates answer inconclusive."""


@dataclass(frozen=True)
class Judged:
    """Rows ready to be measured: `units` are codes of what is independent (entities), None where rows are."""

    task: str
    truth: Floats
    units: NDArray[np.int64] | None
    rows: pd.DataFrame

    def parts(self, metric: Metric, prediction: Floats, where: NDArray[np.bool_] | None = None) -> Floats:
        """What each unit adds to the metric, units x k; only rows `where`."""
        keep = slice(None) if where is None else where
        truth, predicted = self.truth[keep], prediction[keep]
        units = None if self.units is None else np.unique(self.units[keep], return_inverse=True)[1].astype(np.int64)
        if self.task == "ranking":
            values = metric.parts(truth, predicted, units)
            return values[values[:, 1] > 0]
        return by_unit(metric.parts(truth, predicted), units)


def prepare(target: Target, rows: pd.DataFrame) -> Judged:
    """BadInput names what the rows lack for the task to be judged on them."""
    data, task = target.spec.data, target.spec.task
    if not len(rows):
        raise BadInput(f"there are no rows to judge {target.name} on", "give a file with rows")
    for column in [data.target, *([data.entity] if data.entity else [])]:
        if column not in rows.columns:
            raise BadInput(
                f"the rows have no column {column!r}", "correct `data:` in mlops.yaml, or the file", column=column
            )
    if rows[data.target].isna().any():
        count = int(rows[data.target].isna().sum())
        raise BadInput(f"{count} rows have no outcome in {data.target!r}", "leave rows out whose outcome is not known")
    try:
        truth = rows[data.target].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"the outcome {data.target!r} is not numeric: {error}", "code it as numbers (0 and 1)"
        ) from error
    if task == "ranking" and data.entity is None:
        raise BadInput(
            f"models.{target.model}.data.entity is needed to rank", "name the column whose rows are ranked together"
        )
    if task in ("classification", "ranking") and not set(np.unique(truth)) <= {0.0, 1.0}:
        raise BadInput(f"the outcome {data.target!r} holds other values than 0 and 1", "code it as 0 and 1")
    units = pd.factorize(rows[data.entity])[0].astype(np.int64) if data.entity else None
    return Judged(task, truth, units, rows)


def estimates_of(target: Target, rows: pd.DataFrame, prediction: Floats, *, seed: int = 0) -> list[Estimate]:
    """Every metric of the task over all rows, with its 95 % interval."""
    return measure(prepare(target, rows), prediction, seed=seed)


def measure(
    judged: Judged, prediction: Floats, *, where: NDArray[np.bool_] | None = None, name: str = "", seed: int = 0
) -> list[Estimate]:
    """Estimates over the rows `where`; a metric that has no value there (one class only) is left out."""
    found = []
    for metric in METRICS[judged.task]:
        parts = judged.parts(metric, prediction, where)
        answer = interval(parts, metric.combine, seed=seed) if len(parts) else None
        if answer and np.isfinite([answer.value, answer.low, answer.high]).all():
            found.append(
                Estimate(
                    metric=metric.name, value=answer.value, low=answer.low, high=answer.high, n=answer.n, slice=name
                )
            )
    return found


def slices(judged: Judged, columns: Sequence[str]) -> list[tuple[str, NDArray[np.bool_]]]:
    """`column=value` and its rows, for each value of each column, in a stable order; columns not there are left out."""
    found = []
    for column in columns:
        if column in judged.rows.columns:
            values = judged.rows[column].astype(str)
            found += [(f"{column}={v}", (values == v).to_numpy(dtype=bool)) for v in sorted(values.unique())]
    return found
