"""What a fitted model answers, in one form for judging, serving and watching: a value for each row, and what goes with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Number
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.errors import BadInput

Column = NDArray[Any]
CHANCE, BESIDE = "probability_", "prediction_"


@dataclass(frozen=True)
class Said:
    """Answers of more than one number: `values` has one for each row (numbers, or texts as objects), `more` further columns.

    `form` is "class" where `more` holds the probability of each of several classes, "record" where the model answers with a
    table and "row" where it does so without names; `names` are those of the classes, or of the table's columns, `values` first.
    """

    values: Column
    more: dict[str, Column] = field(default_factory=dict)
    form: Literal["class", "record", "row"] = "class"
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def part(self, first: int, last: int) -> Said:
        more = {name: column[first:last] for name, column in self.more.items()}
        return Said(self.values[first:last], more, self.form, self.names)


Answers = Column | Said


def predict(model: Any, rows: Any, features: list[str]) -> Column:
    """One answer for each row: the score of the second class where the model gives probabilities of two, else its prediction.

    Numbers, or an object array of texts where classes are named. Of a table its column `prediction`, or else its first.
    BadInput names a missing column, a model that raises, a wrong length, or rows whose answer is no finite number.
    """
    said = answers(model, rows, features)
    return said.values if isinstance(said, Said) else said


def answers(model: Any, rows: Any, features: list[str]) -> Answers:
    """The same with all that the model says beside it, if anything: see `Said`."""
    missing = [name for name in features if name not in rows.columns]
    if missing:
        raise BadInput(
            f"the rows lack {len(missing)} column{'s' * (len(missing) != 1)} the model was fitted on: {', '.join(missing[:5])}",
            "give rows with the columns of its training data",
            missing=missing,
        )
    asked = rows[features] if features else rows
    try:
        said = _asked(model, asked)
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(f"the model cannot answer these rows: {str(error)[:200]}", "check their types") from error
    first = said.values if isinstance(said, Said) else said
    if first.shape != (len(rows),):
        raise BadInput(
            f"the model gave answers of shape {first.shape} for {len(rows)} rows", "it must give one for each"
        )
    return finite(said)


def finite(said: Answers) -> Answers:
    """The same answers; BadInput when one is no finite number."""
    if not isinstance(said, Said) and np.isfinite(said).all():
        return said
    for column in columns_of(said).values():
        known = column != None if column.dtype == object else np.isfinite(column)  # noqa: E711  (of each element)
        if not known.all():
            wrong = np.flatnonzero(~known)
            raise BadInput(
                f"the model's answer to {len(wrong)} rows is no finite number, the first is row {int(wrong[0])}",
                "train it on finite targets, or remove those rows",
                rows=[int(i) for i in wrong[:20]],
            )
    return said


def columns_of(said: Answers) -> dict[str, Column]:
    """All columns of the answers by the names under which they are logged."""
    return {"prediction": said.values, **said.more} if isinstance(said, Said) else {"prediction": said}


def chances(values: Column, of_each: NDArray[np.float64], classes: list[Any]) -> Said:
    """The class of each row, and the probabilities of all of them."""
    names = tuple(map(_named, classes))
    more = {f"{CHANCE}{name}": of_each[:, place] for place, name in enumerate(names)}
    return Said(column(values), more, "class", names)


def _named(one: Any) -> str:
    """A class as it is written: 1.0 is 1."""
    return str(int(one)) if isinstance(one, float) and one.is_integer() else str(one)


def column(values: Any) -> Column:
    """Numbers as floats, anything else as texts; None stays where a text is missing."""
    plain = np.asarray(values)
    if plain.dtype.kind in "fiub":
        return plain.astype(np.float64)
    gone = pd.isna(plain)
    numbers = plain.dtype == object and all(isinstance(v, Number) for v in plain[~gone])
    if numbers:
        return plain.astype(np.float64)
    return np.array([None if no else str(v) for v, no in zip(plain, gone, strict=True)], dtype=object)


def _asked(model: Any, rows: Any) -> Answers:
    if hasattr(model, "predict_proba"):
        found, classes = model.predict_proba(rows), getattr(model, "classes_", None)
        if not isinstance(found, list):  # of several outputs at once there is a list of tables
            found = np.asarray(found, dtype=np.float64)
            if found.ndim == 2 and found.shape[1] == 2:
                second: Column = found[:, 1]
                return second
            if found.ndim == 2 and classes is not None and len(classes) == found.shape[1] > 2:
                return chances(np.asarray(model.predict(rows)).ravel(), found, list(classes))
    return _table(model.predict(rows))


def _table(found: Any) -> Answers:
    if isinstance(found, pd.DataFrame):
        names = sorted(map(str, found.columns), key=lambda name: name != "prediction")  # stable: otherwise as they are
        columns = {str(name): column(found[name]) for name in found.columns}
        return _wide(names, columns, "record")
    plain = np.asarray(found)
    if plain.ndim != 2:
        return _plain(column(plain)) if plain.ndim == 1 else plain
    return _wide([str(i) for i in range(plain.shape[1])], {str(i): column(c) for i, c in enumerate(plain.T)}, "row")


def _wide(names: list[str], columns: dict[str, Column], form: Literal["record", "row"]) -> Answers:
    if len(names) == 1:
        return _plain(columns[names[0]])
    if not names:
        raise ValueError("it answers with a table of no columns")
    more = {f"{BESIDE}{name}": columns[name] for name in names[1:]}
    return Said(columns[names[0]], more, form, tuple(names))


def _plain(values: Column) -> Answers:
    """Numbers are their own form: nothing is put around what a fast path hands on thousands of times a second."""
    return Said(values) if values.dtype == object else values
