"""What a reader of the evidence must know beside the figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.project import Target
from jupyter_mlops.validation.answering import Answers
from jupyter_mlops.validation.finding import MOST_SEARCHED
from jupyter_mlops.validation.judged import Judged
from jupyter_mlops.validation.preparing import FEWEST
from jupyter_mlops.validation.slicing import MOST_SLICES

_MIXED = 4


def notes(
    target: Target,
    judged: Judged,
    answers: Answers,
    scores: NDArray[np.float64],
    groups: Sequence[tuple[str, NDArray[np.bool_]]],
) -> list[str]:
    """Sentences, in a stable order; none where nothing is out of the ordinary."""
    told = _of_classes(judged, answers)
    if len(scores) > 1 and not np.ptp(scores, axis=0).any():
        told.append("the model gives every row the same answer")
    copies = _copies(judged)
    if copies:
        told.append(
            f"{copies} of {len(judged.rows)} rows are exact copies of others; intervals take them for rows of their own"
        )
    told += _of_weights(judged)
    if judged.cases < FEWEST:
        cases = "1 case" if judged.cases == 1 else f"{judged.cases} cases"
        told.append(f"{cases} ({judged.design}): too few, gates that need an interval cannot pass")
    stamp = target.spec.data.timestamp
    if stamp and stamp not in judged.rows.columns:
        told.append(f"the rows have no column {stamp!r}, so neighbours in time were taken as independent")
    told += [
        f"{m.name} is that of the single worst row: it has no interval, since no sample tells how much further it may go"
        for m in judged.asked
        if m.extreme
    ]
    small = [name for name, where in groups if where.sum() < 2]
    if small:
        told.append(f"one row says nothing about a slice: {', '.join(small[:5])}")
    if len(judged.truth) > MOST_SEARCHED:
        told.append(f"weak slices were sought in {MOST_SEARCHED:,} of {len(judged.truth):,} rows, drawn at random")
    return told + _of_slices(judged, groups)


def _of_weights(judged: Judged) -> list[str]:
    """Rows that count for nothing, and lists in which there is nothing to be found."""
    told = []
    silent = 0 if judged.weight is None else int((judged.weight == 0).sum())
    if silent:
        told.append(f"{silent} of {len(judged.truth)} rows weigh nothing")
    if judged.task == "ranking" and judged.units is not None:
        empty = int((np.bincount(judged.units, weights=judged.truth) == 0).sum())
        if empty:
            told.append(f"{empty} of {judged.count} {judged.design} hold nothing relevant and have no value")
        by_list = pd.Series(judged.truth).groupby(judged.units)
        alike = int(((by_list.min() == by_list.max()) & (by_list.max() > 0)).sum())
        if alike:
            told.append(
                f"{alike} of {judged.count} {judged.design} hold rows of one relevance only: any order of them is perfect"
            )
    return told


def _of_classes(judged: Judged, answers: Answers) -> list[str]:
    if judged.task != "classification":
        return []
    told = []
    met = {judged.classes[i] for i in np.unique(judged.truth).astype(int)}
    absent = [c for c in judged.classes if c not in met]
    if len(met) == 1:
        told.append(f"every outcome is {met.pop()!r}: what needs two classes has no value")
    elif absent:
        told.append(f"no row is of class {', '.join(absent[:5])}: averages over classes leave out what has no rows")
    strange = [c for c in judged.classes if answers.classes is not None and c not in answers.classes]
    if strange:
        told.append(f"the model does not know class {', '.join(strange[:5])}: those rows count as missed")
    if not answers.probabilities:
        told.append("the model gives no probabilities: what needs them has no value")
    return told


def _copies(judged: Judged) -> int:
    """How many rows are exact copies of earlier ones. A sum of a few numbers tells most rows apart at little cost; of those
    it does not, a sum of the next few."""
    rows = judged.rows
    numbers = [c for c in rows.columns if rows[c].dtype.kind in "iuf"]
    random = np.random.default_rng(0)
    alike = rows
    for start in range(0, len(numbers), _MIXED):
        if not len(alike):
            break
        mixed = np.zeros(len(alike))
        for column in numbers[start : start + _MIXED]:
            mixed += _known(alike[column]) * random.normal()
        alike = alike[_met_again(mixed)]
    try:
        return int(alike.duplicated().sum())
    except TypeError:  # lists and the like in cells cannot be compared, and are never copies for us
        return 0


def _met_again(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values stand there more than once; most often none does, and to put numbers in order is quick."""
    ordered = np.sort(values)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    return np.isin(values, twice) if len(twice) else np.zeros(len(values), dtype=bool)


def _known(column: pd.Series[Any]) -> NDArray[np.float64]:
    values = np.asarray(column.astype("float64"), dtype=np.float64)
    return values if np.isfinite(values.sum()) else np.nan_to_num(values)


def _of_slices(judged: Judged, groups: Sequence[tuple[str, NDArray[np.bool_]]]) -> list[str]:
    """Columns of which only the most frequent values were looked at."""
    told = []
    for column in dict.fromkeys(name.partition("=")[0] for name, _ in groups):
        shown = sum(int(where.sum()) for name, where in groups if name.partition("=")[0] == column)
        if shown < len(judged.rows):
            told.append(f"of {column!r} the {MOST_SLICES} most frequent values were judged")
    return told
