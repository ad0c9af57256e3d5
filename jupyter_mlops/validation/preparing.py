"""Rows as they are judged: the outcome, what each row counts, and what is independent of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Data, Target
from jupyter_mlops.stats import RANKING, Metric, named_metric, ranking_at
from jupyter_mlops.validation.answering import label
from jupyter_mlops.validation.judged import Judged, kinds_of, metrics_of

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
FEWEST = 30
"""Below so many units an interval says little; estimates are given, gates answer inconclusive."""
GATED = "metric of a gate"
_BLOCKS = 50
_CLASSES = 200
_STRATA = 50
_PERIODS = (("week", 7 * 86400), ("day", 86400), ("hour", 3600))


def prepare(target: Target, rows: pd.DataFrame, classes: Sequence[str] = ()) -> Judged:
    """BadInput names what the rows lack for the task to be judged on them. `classes` are those the model knows."""
    data, task = target.spec.data, target.spec.task
    _needs(target, rows)
    kinds: list[str] = []
    if task == "classification":
        truth, kinds = _coded(rows[data.target], data.target, classes)
    else:
        truth = _numbers(rows[data.target], data.target, "outcome")
    if task == "ranking":
        _refuse_negative(truth, data.target, "outcome", "grade how relevant a row is from 0 (not at all) upwards")
    units, design = _units(data, rows, task)
    strata = _strata(data, rows)
    design += f", as many of each {data.strata} as there are" if strata is not None else ""
    asked = _asked(target, len(kinds))
    return Judged(task, truth, units, rows, kinds, _weights(data, rows), design, strata, asked, _main(target, asked))


def named_metrics(target: Target) -> list[tuple[str, str]]:
    """Every metric that gates and the monitor name, and where each stands."""
    gates = target.spec.gates
    named = [(GATED, gate.metric) for gate in gates if gate.metric]
    trials = [gate.robustness.metric for gate in gates if gate.robustness and gate.robustness.metric]
    named += [("metric of a robustness gate", metric) for metric in trials]
    watched = target.spec.monitor.performance.metric
    return [*named, ("metric of `monitor.performance`", watched)] if watched else named


def _asked(target: Target, classes: int) -> tuple[Metric, ...]:
    """Metrics that somebody named beside those that every model of the task has: of lists at another k, else scikit-learn's."""
    every = {metric.name for metric in metrics_of(target.spec.task, classes)}
    names = dict.fromkeys(name for _, name in named_metrics(target) if name not in every)
    ranked = target.spec.task == "ranking"
    found = [ranking_at(name) if ranked else named_metric(name, target.spec.task, classes) for name in names]
    return tuple(metric for metric in found if metric is not None)


def _main(target: Target, asked: Sequence[Metric]) -> str:
    known = {metric.name for metric in (*RANKING, *asked)}
    return next((gate.metric for gate in target.spec.gates if gate.metric in known), RANKING[0].name)


def _needs(target: Target, rows: pd.DataFrame) -> None:
    data = target.spec.data
    if not len(rows):
        raise BadInput(f"there are no rows to judge {target.name} on", "give a file with rows")
    if rows.columns.nlevels > 1:
        raise BadInput(f"the columns have {rows.columns.nlevels} levels of names", "give each column one name")
    twice = sorted({str(c) for c in rows.columns[rows.columns.duplicated()]})
    if twice:
        raise BadInput(f"columns are there twice: {', '.join(twice[:5])}", "give each column one name")
    for column in filter(None, [data.target, data.entity, data.weight, data.strata]):
        if column not in rows.columns:
            raise BadInput(
                f"the rows have no column {column!r}", "correct `data:` in mlops.yaml, or the file", column=column
            )
        count = int(rows[column].isna().sum())
        if count:
            what = "outcome" if column == data.target else "value"
            raise BadInput(f"{count} rows have no {what} in {column!r}", f"leave rows out whose {what} is not known")
    for column in filter(None, [data.target, data.entity]):
        _told_apart(rows[column])
    if target.spec.task == "ranking" and data.entity is None:
        raise BadInput(
            f"models.{target.model}.data.entity is needed to rank", "name the column whose rows are ranked together"
        )


def _told_apart(column: pd.Series[Any]) -> None:
    try:
        if column.dtype == object:
            pd.factorize(column)
    except TypeError as error:
        raise BadInput(
            f"the cells of {str(column.name)!r} cannot be told apart: {error}",
            "hold one value in each cell, no list",
            column=str(column.name),
        ) from error


def _numbers(column: pd.Series[Any], name: str, what: str) -> Floats:
    try:
        if column.dtype.kind in "mM":
            raise TypeError("it holds times")
        if column.dtype.kind == "c":
            raise TypeError("it holds complex numbers")
        numbers = column.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"the {what} {name!r} is not numeric: {error}", "code it as numbers") from error
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        raise BadInput(
            f"the {what} {name!r} of {len(wrong)} rows is infinite, the first is row {int(wrong[0])}",
            "leave those rows out",
            rows=[int(i) for i in wrong[:20]],
        )
    return numbers


def _strata(data: Data, rows: pd.DataFrame) -> Codes | None:
    if data.strata is None:
        return None
    codes, names = kinds_of(rows, data.strata)
    if len(names) > _STRATA:
        raise BadInput(
            f"the strata {data.strata!r} are {len(names)}, for {len(rows)} rows",
            f"name a column of at most {_STRATA} kinds",
            column=data.strata,
        )
    return codes


def _weights(data: Data, rows: pd.DataFrame) -> Floats | None:
    if data.weight is None:
        return None
    weight = _numbers(rows[data.weight], data.weight, "weight")
    _refuse_negative(
        weight,
        data.weight,
        "weight",
        "a row counts for something or for nothing, never for less: correct those weights",
    )
    if not weight.sum():
        raise BadInput(f"all weights in {data.weight!r} are 0, so no row counts", "correct the weights")
    return weight


def _refuse_negative(values: Floats, name: str, what: str, fix: str) -> None:
    wrong = np.flatnonzero(values < 0)
    if len(wrong):
        raise BadInput(
            f"the {what} {name!r} of {len(wrong)} rows is negative, the first is row {int(wrong[0])}",
            fix,
            rows=[int(i) for i in wrong[:20]],
        )


def _coded(column: pd.Series[Any], name: str, known: Sequence[str]) -> tuple[Floats, list[str]]:
    """The outcome as the index of its class. Classes the model does not know come last and count as missed."""
    codes, values = pd.factorize(column, use_na_sentinel=False)
    spoken = [label(value) for value in values]  # 1, 1.0 and True are one
    met = sorted(set(spoken))
    if known and not set(met) & set(known):
        raise BadInput(
            f"the outcome {name!r} holds {', '.join(met[:5])}; the model answers {', '.join(known[:5])}",
            "give the outcome as the model was trained on it",
        )
    kinds = list(known) or (["0", "1"] if set(met) <= {"0", "1"} else met)
    kinds += [kind for kind in met if kind not in kinds]
    if len(kinds) > _CLASSES:
        raise BadInput(f"the outcome {name!r} holds {len(kinds)} different values", "is the task a regression?")
    if len(kinds) < 2:
        raise BadInput(
            f"the outcome {name!r} holds one class only, {kinds[0]!r}, and the model names no other",
            "give rows of every class",
        )
    place = {kind: i for i, kind in enumerate(kinds)}
    return np.array([place[s] for s in spoken], dtype=np.float64)[codes], kinds


def _units(data: Data, rows: pd.DataFrame, task: str) -> tuple[Codes | None, str]:
    """What is drawn as one: rows of an entity, or of a stretch of time, resemble each other."""
    entity = pd.factorize(rows[data.entity])[0].astype(np.int64) if data.entity else None
    enough = entity is not None and (task == "ranking" or int(entity.max()) + 1 >= FEWEST)
    if enough or data.timestamp is None or data.timestamp not in rows.columns:
        return entity, f"entities of {data.entity}" if data.entity else "rows"
    block, name = _blocks(rows[data.timestamp])
    if entity is None:
        return block, f"{name} of {data.timestamp}"
    both = entity * (int(block.max()) + 1) + block
    return pd.factorize(both)[0].astype(np.int64), f"entities of {data.entity} by {name} of {data.timestamp}"


def _blocks(times: pd.Series[Any]) -> tuple[Codes, str]:
    """The longest of week, day and hour that leaves enough blocks, else stretches of about the cube root of the rows."""
    count = len(times)
    if times.dtype.kind in "iuf":
        order = np.argsort(times.to_numpy(), kind="stable")
    else:
        moments = _moments(times)
        seconds = moments.to_numpy(dtype="datetime64[s]").astype(np.int64)
        for name, length in _PERIODS:
            codes = pd.factorize(seconds // length)[0].astype(np.int64)
            if _BLOCKS <= int(codes.max()) + 1 <= count / 2:
                return codes, f"{name}s"
        order = np.argsort(seconds, kind="stable")
    length = max(1, round(count ** (1 / 3)))
    codes = np.empty(count, dtype=np.int64)
    codes[order] = np.arange(count) // length
    return codes, f"stretches of {length} rows"


def _moments(times: pd.Series[Any]) -> pd.Series[Any]:
    moments = pd.to_datetime(times, errors="coerce", utc=True)
    wrong = np.flatnonzero((moments.isna() & times.notna()).to_numpy())
    if len(wrong):
        raise BadInput(
            f"the timestamp {times.name!r} of {len(wrong)} rows is no time, the first is row {int(wrong[0])}: "
            f"{str(times.iloc[int(wrong[0])])[:40]!r}",
            "write times as 2026-11-25 14:30, or name another column under `data.timestamp`",
            rows=[int(i) for i in wrong[:20]],
        )
    return moments


__all__ = ["FEWEST", "label", "named_metrics", "prepare"]
