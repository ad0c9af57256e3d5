"""Reason codes: how much of an answer each column accounts for, against a usual row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd

from jupyter_mlops.errors import BadInput
from jupyter_mlops.serving.compiled import Ready
from jupyter_mlops.serving.keyed import word
from jupyter_mlops.serving.proving import Floats
from jupyter_mlops.serving.schema import Values
from jupyter_mlops.store import Answers, Said

MOST_ROWS = 100
SHOWN = 5
METHOD = "each column replaced by its usual value, the median or most frequent of the input example, one at a time"


def explain(ready: Ready, values: Values) -> list[dict[str, Any]]:
    """For each row its answer, what a usual row would get, and the columns that move it most, signed.

    Effects of single columns: where columns act together they need not add up to the difference.
    """
    example = ready.loaded.input_example
    if example is None:
        raise BadInput(
            "this version was logged without an input example, so there is no usual row to compare with",
            "track it again; %%track keeps an example",
        )
    if len(values) > MOST_ROWS:
        raise BadInput(f"{len(values)} rows are too many to explain at once", f"send at most {MOST_ROWS}")
    frame = values if isinstance(values, pd.DataFrame) else pd.DataFrame(values, columns=ready.schema.names)
    usual = _usual(example[ready.schema.names] if ready.schema.named else example.set_axis(frame.columns, axis=1))
    said = _ask(ready, frame)
    measured = _measured(said)
    answers = measured(said)
    without = {name: measured(_ask(ready, frame.assign(**{str(name): usual[name]}))) for name in frame.columns}
    base = measured(_ask(ready, pd.DataFrame([usual] * len(frame), columns=frame.columns)))
    told = [_reasons(row, float(answers[row]), float(base[row]), without, frame, usual) for row in range(len(frame))]
    return [{**one, **_class(said, row)} for row, one in enumerate(told)]


def _measured(said: Answers) -> Callable[[Answers], Floats]:
    """The number that reasons are measured by: the answer, or of several classes the probability of the one that was told."""
    if not isinstance(said, Said):
        return lambda other: np.asarray(other)
    if said.form != "class" and said.values.dtype != object:
        return lambda other: other.values if isinstance(other, Said) else other
    if not said.more or said.form != "class":
        raise BadInput(
            "this model answers in texts and gives no probabilities, so there is nothing to measure a reason by",
            "explain a model that has predict_proba",
        )
    places = [said.names.index(word(value) or "") for value in said.values]
    return lambda other: np.stack(list(cast("Said", other).more.values()), axis=1)[range(len(places)), places]


def _class(said: Answers, row: int) -> dict[str, Any]:
    """Of several classes, which one the probability is of."""
    if isinstance(said, Said) and said.form == "class":
        return {"probability_of": word(said.values[row])}
    return {}


def _reasons(
    row: int, answer: float, base: float, without: dict[Any, Floats], frame: pd.DataFrame, usual: dict[Any, Any]
) -> dict[str, Any]:
    effects = sorted(((answer - float(other[row]), name) for name, other in without.items()), key=lambda e: -abs(e[0]))
    reasons = [
        {"column": str(name), "effect": effect, "value": _plain(frame[name].iloc[row]), "usual": _plain(usual[name])}
        for effect, name in effects[:SHOWN]
        if effect
    ]
    return {"prediction": answer, "usual_prediction": base, "reasons": reasons}


def _usual(example: pd.DataFrame) -> dict[Any, Any]:
    usual = {}
    for name in example.columns:
        column = example[name]
        numbers = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
        usual[name] = float(column.median()) if numbers else column.mode().iloc[0]
    return usual


def _ask(ready: Ready, frame: pd.DataFrame) -> Answers:
    return ready.answer(frame.to_numpy(dtype=np.float64) if ready.schema.all_numbers else frame)


def _plain(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    return None if plain != plain else plain if isinstance(plain, str | int | float | bool) else str(plain)
