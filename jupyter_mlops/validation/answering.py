"""What a model answers, as it is judged: a number for each row, or one score for each row and class.

A model is somebody else's code: it may raise on some rows, answer too few, or give probabilities that are none. Each is told
with the rows it happened on, counted from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.errors import BadInput

Floats = NDArray[np.float64]
Call = Callable[[pd.DataFrame], Any]
_NAMED = 20
_CALLS = 400
_PROBES = 8
_RAISED = (Exception, SystemExit)  # a model is somebody else's code: it may raise anything, and even try to leave


@dataclass(frozen=True)
class Answers:
    """`values` is rows, or rows x `classes`; `probabilities` is false where a classifier only names a class."""

    values: Floats
    classes: list[str] | None
    probabilities: bool

    def on(self, classes: Sequence[str]) -> Floats:
        """The scores in the order of `classes`: of the second one where there are two, else a column for each."""
        if self.classes is None:
            return self.values
        known = {name: i for i, name in enumerate(self.classes)}
        nothing = np.zeros(len(self.values))
        columns = [self.values[:, known[c]] if c in known else nothing for c in classes]
        return columns[1] if len(columns) == 2 else np.stack(columns, axis=1)


def label(value: Any) -> str:
    """One name for a class, however it is typed: 1, 1.0 and True are `1`."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return str(int(number)) if number.is_integer() else str(number)


def labels_of(values: Any) -> NDArray[np.object_]:
    """The names of many classes at once."""
    codes, kinds = pd.factorize(pd.Series(np.asarray(values).ravel()), sort=False)
    return np.array([label(kind) for kind in kinds], dtype=object)[codes]


def ask(model: Any, rows: pd.DataFrame, not_features: set[str | None], task: str) -> Answers:
    """The model's answers to all rows. BadInput names what it lacks, and the rows it fails on."""
    asked = _features(model, rows, not_features)
    if task != "regression" and hasattr(model, "predict_proba"):
        chances = _two_dimensional(_call(model.predict_proba, asked), len(rows))
        return _probabilities(model, chances, task)
    said = _one_dimensional(_call(_predict(model), asked), len(rows))
    return _finite(said) if task != "classification" else _named(model, said)


def _predict(model: Any) -> Call:
    found: Call | None = getattr(model, "predict", None)
    if callable(found):
        return found
    raise BadInput(
        f"the model is a {type(model).__name__}, which has no predict",
        "give a fitted model: an object with predict(rows)",
    )


def _features(model: Any, rows: pd.DataFrame, not_features: set[str | None]) -> pd.DataFrame:
    names = getattr(model, "feature_names_in_", None)
    wanted = [str(n) for n in names] if names is not None else [c for c in rows.columns if c not in not_features]
    missing = [name for name in wanted if name not in rows.columns]
    if missing:
        raise BadInput(
            f"the rows lack {len(missing)} column{'s' * (len(missing) != 1)} the model was fitted on: {', '.join(missing[:5])}",
            "give rows with the columns of its training data",
            missing=missing,
        )
    return rows[wanted] if wanted else rows


def _call(call: Call, rows: pd.DataFrame) -> Any:
    try:
        return call(rows)
    except _RAISED as error:
        some = np.unique(np.linspace(0, len(rows) - 1, _PROBES).astype(np.int64))
        hopeless = not any(_answers(call, rows.iloc[[i]]) for i in some)
        failing, all_found = ([], True) if hopeless else _failing(call, rows)
        text = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        if not failing:
            raise BadInput(f"the model cannot answer these rows: {text}", "check their types") from error
        count = f"{len(failing)}" if all_found else f"at least {len(failing)}"
        raise BadInput(
            f"the model cannot answer {count} of {len(rows)} rows ({_list(failing)}): {text}",
            "mend or leave out those rows, or let the model's pipeline deal with what is in them",
            rows=failing[:_NAMED],
        ) from error


def _failing(call: Call, rows: pd.DataFrame) -> tuple[list[int], bool]:
    """The rows that a call fails on, by halving; false where the search was ended before all were found."""
    found: list[int] = []
    spans = [(0, len(rows))]
    calls = 0
    while spans and calls < _CALLS:
        first, last = spans.pop()
        calls += 1
        if _answers(call, rows.iloc[first:last]):
            continue
        if last - first <= 1:
            found.append(first)
            continue
        middle = (first + last) // 2
        spans += [(middle, last), (first, middle)]
    return sorted(found), not spans


def _answers(call: Call, rows: pd.DataFrame) -> bool:
    try:
        call(rows)
    except _RAISED:
        return False
    return True


def _list(rows: Sequence[int]) -> str:
    return f"row{'s' * (len(rows) > 1)} {', '.join(str(int(r)) for r in rows[:5])}{', …' * (len(rows) > 5)}"


def _two_dimensional(values: Any, count: int) -> Floats:
    try:
        chances = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"the model's probabilities are no table of numbers: {error}", "mend its predict_proba"
        ) from error
    if chances.ndim != 2 or len(chances) != count:
        raise BadInput(f"the model gave probabilities of shape {chances.shape} for {count} rows", "one row for each")
    return chances


def _one_dimensional(values: Any, count: int) -> NDArray[Any]:
    try:
        said = np.asarray(values)
    except ValueError as error:
        raise BadInput(
            f"the model's answers are no column of values: {error}", "it must give one for each row"
        ) from error
    said = said[:, 0] if said.ndim == 2 and said.shape[1] == 1 else said
    if said.shape != (count,):
        raise BadInput(f"the model gave answers of shape {said.shape} for {count} rows", "it must give one for each")
    return said


def _probabilities(model: Any, chances: Floats, task: str) -> Answers:
    classes = getattr(model, "classes_", None)
    names = [label(c) for c in classes] if classes is not None else [str(i) for i in range(chances.shape[1])]
    if len(names) != chances.shape[1]:
        raise BadInput(f"the model knows {len(names)} classes and gives {chances.shape[1]} probabilities", "mend it")
    if len(set(names)) < len(names):
        raise BadInput(f"two of the model's classes read the same: {', '.join(sorted(names))}", "name them apart")
    whole = chances @ np.ones(len(names))  # of few columns many times quicker than a sum along the rows
    if not np.isfinite(whole).all():
        _refuse(
            np.asarray(~np.isfinite(chances).all(axis=1)),
            "is no finite number",
            "train it on finite values, or remove those rows",
        )
    outside = np.abs(whole - 1) > 1e-4
    if chances.min(initial=0.0) < -1e-9:
        outside |= (chances < -1e-9).any(axis=1)
    _refuse(
        outside, "holds probabilities that do not sum to one", "use a model whose predict_proba gives probabilities"
    )
    if task == "ranking":
        return Answers(chances[:, -1], None, True)
    return Answers(chances, names, True)


def _finite(said: NDArray[Any]) -> Answers:
    try:
        if said.dtype.kind in "cmM":
            raise TypeError(f"they are of type {said.dtype}")
        numbers = said.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"the model's answers are not numbers: {error}", "use a model of numbers, or correct `task`"
        ) from error
    _refuse(~np.isfinite(numbers), "is no finite number", "train it on finite targets, or remove those rows")
    return Answers(numbers, None, True)


def _named(model: Any, said: NDArray[Any]) -> Answers:
    """A classifier without probabilities: all of them on the class it names. Fractions are scores of class 1."""
    if said.dtype.kind == "f":
        scores = _finite(said)
        if getattr(model, "classes_", None) is None and (scores.values % 1 != 0).any():
            inside = bool(((scores.values >= 0) & (scores.values <= 1)).all())
            return Answers(scores.values, None, inside)
    known = getattr(model, "classes_", None)
    _refuse(np.asarray(pd.isna(said)), "names no class", "let it name one for every row, or leave those rows out")
    spoken = labels_of(said)
    names = sorted({*(label(c) for c in known), *spoken} if known is not None else set(spoken))
    return Answers((spoken[:, None] == np.array(names, dtype=object)).astype(np.float64), names, False)


def _refuse(wrong: NDArray[np.bool_], what: str, fix: str) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise BadInput(
            f"the model's answer to {len(rows)} rows {what}, the first is row {int(rows[0])}",
            fix,
            rows=[int(i) for i in rows[:_NAMED]],
        )
