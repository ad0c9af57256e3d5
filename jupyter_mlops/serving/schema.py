"""What a model takes, compiled once when it is loaded: a request is then held against it without looking anything up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.errors import BadInput
from jupyter_mlops.serving.requests import Table, number_of, shown
from jupyter_mlops.store import LoadedModel

Values = NDArray[np.float64] | pd.DataFrame
_NUMBERS = frozenset({int, float})
_MOST = float(np.finfo(np.float64).max)
_EXPECTED = {
    "number": "a number",
    "bool": "true or false",
    "text": "a text",
    "time": "a time in ISO form",
    "any": "a finite value",
}


class Schema:
    """`names` and `kinds` of the columns, in the order in which the model was fitted on them.

    A model fitted without names takes x0, x1, …; one without an input example takes numbers and texts anywhere. Whether
    missing values are taken is learned by asking the model: see `takes_missing`.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        count = int(getattr(loaded.model, "n_features_in_", 0) or 0)
        self.names = list(loaded.features) or [f"x{i}" for i in range(count)]
        self.named = bool(loaded.features)
        example = loaded.input_example
        known = example.columns if example is not None else []
        self.kinds = [_kind(example[name]) if name in known else "any" for name in self.names]
        self.takes_missing = True
        self._numbers = all(kind == "number" for kind in self.kinds)

    @property
    def all_numbers(self) -> bool:
        return self._numbers

    def values(self, table: Table) -> Values:
        """The model's columns of a request, checked. BadInput names column, row, what was expected and what was got."""
        rows = table.rows(self.names)
        if self._numbers and not table.text:
            return self._matrix(table, rows)
        return self._frame(table, rows)

    def _matrix(self, table: Table, rows: list[list[Any]]) -> NDArray[np.float64]:
        if not _NUMBERS.issuperset({type(value) for row in rows for value in row}):
            rows = [[self._cell(table, r, c, value) for c, value in enumerate(row)] for r, row in enumerate(rows)]
        try:
            matrix = np.array(rows, dtype=np.float64)
        except OverflowError:
            raise self._too_large(table, rows) from None
        if not np.isfinite(matrix).all():
            self._not_finite(table, matrix)
        return matrix

    def _frame(self, table: Table, rows: list[list[Any]]) -> Values:
        cells = [[self._cell(table, r, c, value) for c, value in enumerate(row)] for r, row in enumerate(rows)]
        if self._numbers:
            return self._matrix(table, cells)
        frame = pd.DataFrame(cells, columns=self.names)
        numbers = [name for name, kind in zip(self.names, self.kinds, strict=True) if kind == "number"]
        try:
            return frame.astype(dict.fromkeys(numbers, np.float64))
        except OverflowError:
            raise self._too_large(table, cells) from None

    def _cell(self, table: Table, row: int, place: int, value: Any) -> Any:
        """One value as its column's kind has it; text of a CSV is read as that kind first."""
        kind = self.kinds[place]
        if table.text and isinstance(value, str):
            value = _from_text(value, kind)
        if value is None or value != value:
            if self.takes_missing:
                return None if kind in ("text", "any") else np.nan
        elif _FITS[kind](value):
            return _AS[kind](value)
        raise self._wrong(table, row, place, value)

    def _wrong(self, table: Table, row: int, place: int, value: Any, expected: str = "") -> BadInput:
        name, number = self.names[place], number_of(table, row)
        expected = expected or _EXPECTED[self.kinds[place]]
        got = "NaN" if isinstance(value, float) and value != value else shown(value)
        return BadInput(
            f"column {name!r}, row {number}: expected {expected}, got {got}",
            f"send {expected} there",
            column=name,
            row=number,
            expected=expected,
            got=got,
        )

    def _not_finite(self, table: Table, matrix: NDArray[np.float64]) -> None:
        wrong = np.argwhere(np.isinf(matrix) if self.takes_missing else ~np.isfinite(matrix))
        if len(wrong):
            row, place = (int(i) for i in wrong[0])
            raise self._wrong(table, row, place, float(matrix[row, place]), "a finite number")

    def _too_large(self, table: Table, rows: list[list[Any]]) -> BadInput:
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if isinstance(value, int) and abs(value) > _MOST:
                    return self._wrong(table, r, c, value, "a number below 1e308")
        return BadInput("a number is too large for a model", "send numbers below 1e308")


def _kind(column: Any) -> str:
    values = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column
    if pd.api.types.is_bool_dtype(values):
        return "bool"
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    return "time" if pd.api.types.is_datetime64_any_dtype(values) else "text"


def _is_time(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int | float) and abs(value) <= _MOST)


_FITS: dict[str, Callable[[Any], bool]] = {
    "number": lambda value: type(value) in _NUMBERS and (type(value) is int or abs(value) != float("inf")),
    "bool": lambda value: type(value) is bool or (type(value) in _NUMBERS and value in (0, 1)),
    "text": lambda value: isinstance(value, str),
    "time": _is_time,
    "any": _is_scalar,
}
_AS: dict[str, Callable[[Any], Any]] = {
    "number": lambda value: value,
    "bool": bool,
    "text": lambda value: value,
    "time": pd.Timestamp,
    "any": lambda value: value,
}


def _from_text(text: str, kind: str) -> Any:
    """What a CSV's field says; one that is not of its column's kind stays text, and is refused as that."""
    if text == "":
        return None
    if kind in ("number", "any"):
        try:
            return float(text)
        except ValueError:
            return text
    if kind == "bool":
        return {"true": True, "false": False, "1": True, "0": False}.get(text.lower(), text)
    return text
