"""Answers as lists, ready to be sent and logged: one value a row, and the columns that go with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.store import Answers, Said


@dataclass(slots=True)
class Told:
    """`form` and `names` as in `Said`; empty where there is nothing beside `values`."""

    values: list[Any]
    more: dict[str, list[Any]] = field(default_factory=dict)
    form: str = ""
    names: tuple[str, ...] = ()


def told(answers: Answers) -> Told:
    if not isinstance(answers, Said):
        return Told(answers.tolist())
    more = {name: column.tolist() for name, column in answers.more.items()}
    return Told(answers.values.tolist(), more, answers.form if more else "", answers.names)


def together(parts: Iterable[tuple[Sequence[int], Told]], count: int) -> Told:
    """The answers of several models to the rows of one request; where one says less than another, None stands."""
    whole = Told([None] * count)
    for places, part in parts:
        if part.form:
            whole.form, whole.names = part.form, part.names
        for name, values in (("", part.values), *part.more.items()):
            into = whole.more.setdefault(name, [None] * count) if name else whole.values
            for place, value in zip(places, values, strict=True):
                into[place] = value
    return whole


def as_invocations(said: Told) -> dict[str, Any]:
    """As MLflow has it: a value, a record or a list for each row; the probabilities of several classes beside it."""
    if not said.form:
        return {"predictions": said.values}
    if said.form == "class":
        rows = zip(*said.more.values(), strict=True)
        names = [name.partition("_")[2] for name in said.more]
        return {"predictions": said.values, "probabilities": [dict(zip(names, row, strict=True)) for row in rows]}
    rows = zip(said.values, *said.more.values(), strict=True)
    if said.form == "row":
        return {"predictions": [list(row) for row in rows]}
    return {"predictions": [dict(zip(said.names, row, strict=False)) for row in rows]}
