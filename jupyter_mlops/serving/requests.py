"""Requests to tables: MLflow's forms, the Open Inference Protocol's and CSV. What cannot be read is named by its place."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.errors import BadInput, nearest

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
JSON_KINDS = ("", "application/json", "application/vnd.mlflow")
CSV_KINDS = ("text/csv", "application/csv")


class WrongKind(BadInput):
    code = "unsupported-content-type"
    http_status = 415


@dataclass
class Grid:
    """Rows as lists. `columns` is None where values come by their place; `at` has each row's number in the request."""

    columns: list[str] | None
    data: list[Any]
    at: Sequence[int] | None = None
    text: bool = False

    def __len__(self) -> int:
        return len(self.data)

    def column(self, name: str) -> list[Any] | None:
        if self.columns is None or name not in self.columns:
            return None
        self._even(self.columns)
        place = self.columns.index(name)
        return [row[place] for row in self.data]

    def _even(self, names: Sequence[str]) -> None:
        width = len(names)
        for number, row in enumerate(self.data):
            if type(row) is not list or len(row) != width:
                raise _row(self, number, f"a list of {width} values", row, what="names: " + ", ".join(names[:20]))

    def rows(self, names: Sequence[str]) -> list[list[Any]]:
        """The values of these columns, row by row; BadInput names a missing column or a row of another length."""
        self._even(names if self.columns is None else self.columns)
        if self.columns is None or self.columns == list(names):
            return self.data
        places = {name: place for place, name in enumerate(self.columns)}
        missing = [name for name in names if name not in places]
        if missing:
            raise missing_column(missing, names, sent=self.columns)
        order = [places[name] for name in names]
        return [[row[place] for place in order] for row in self.data]

    def take(self, rows: Sequence[int]) -> Grid:
        return Grid(self.columns, [self.data[i] for i in rows], rows, self.text)


@dataclass
class Records:
    """Rows as objects."""

    data: list[Any]
    at: Sequence[int] | None = None
    text = False

    def __len__(self) -> int:
        return len(self.data)

    def column(self, name: str) -> list[Any] | None:
        if not any(name in row for row in self.data if type(row) is dict):
            return None
        return [row.get(name) for row in self.data]

    def rows(self, names: Sequence[str]) -> list[list[Any]]:
        try:
            return [[row[name] for name in names] for row in self.data]
        except (KeyError, TypeError, IndexError):
            raise self._fault(names) from None

    def take(self, rows: Sequence[int]) -> Records:
        return Records([self.data[i] for i in rows], rows)

    def _fault(self, names: Sequence[str]) -> BadInput:
        for number, row in enumerate(self.data):
            if type(row) is not dict:
                return _row(self, number, "an object of columns", row)
        absent = [name for name in names if not any(name in row for row in self.data)]
        if absent:
            return missing_column(absent, names, sent={name for row in self.data for name in row})
        number, name = next((i, n) for i, row in enumerate(self.data) for n in names if n not in row)
        return missing_column([name], names, number_of(self, number))


Table = Grid | Records
_LOOKED_AT = 200  # columns that nobody asked for; a request may hold a million
_DECODER = json.JSONDecoder()  # NaN and Infinity are read, so that they are refused with their column and row


def read(body: bytes, content_type: str) -> Table:
    """The rows of an /invocations request. BadInput when they cannot be read as any known form, or there are none."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in CSV_KINDS:
        table: Table = _csv(body)
    elif kind in JSON_KINDS or kind.startswith("application/json"):
        table = _form(read_json(body))
    else:
        raise WrongKind(f"a body of type {kind!r} is not read here", "send application/json or text/csv")
    if not len(table):
        raise BadInput("the request holds no rows", "send at least one")
    return table


def read_json(body: bytes) -> Any:
    try:
        return _DECODER.decode(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _unread(error) from error


def _unread(error: Exception) -> BadInput:
    """What Python says of it, as far as it is of use to somebody who has no Python."""
    said = str(error)
    if "integer string conversion" in said:
        return BadInput("the body is not valid JSON: a number has thousands of digits", "send numbers below 1e308")
    why = "it is nested too deeply" if isinstance(error, RecursionError) else said[:120]
    return BadInput(f"the body is not valid JSON: {why}", "send application/json or text/csv")


def number_of(table: Table, row: int) -> int:
    """The number that a row has in the request, from 0."""
    return row if table.at is None else table.at[row]


def shown(value: Any) -> str:
    """A value as a refusal shows it: short, and of what JSON calls it."""
    if value is None:
        return "null"
    text = json.dumps(value, default=str) if isinstance(value, str | bool | int) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def missing_column(
    missing: list[str], names: Sequence[str], row: int | None = None, sent: Iterable[str] = ()
) -> BadInput:
    """`sent` are the columns that are there: one that is much like a missing one is offered as meant for it."""
    close = nearest(missing[0], sorted(set(sent) - set(names))[:_LOOKED_AT])
    meant = f"rename {close!r} to {missing[0]!r}, or " if close else ""
    more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
    where = "" if row is None else f" in row {row}"
    details: dict[str, Any] = {"column": missing[0], "missing": missing[:50]} | ({} if row is None else {"row": row})
    return BadInput(
        f"column {missing[0]!r} is missing{where}{more}", f"{meant}send the columns {', '.join(names[:50])}", **details
    )


def _row(table: Table, row: int, expected: str, got: Any, what: str = "see /openapi.json for the form") -> BadInput:
    number = number_of(table, row)
    seen = f"a list of {len(got)} values" if type(got) is list else "an object" if type(got) is dict else shown(got)
    return BadInput(f"row {number}: expected {expected}, got {seen}", what, row=number, expected=expected, got=seen)


def _csv(body: bytes) -> Grid:
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig")), strict=True) if line]
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadInput(
            f"the body is not valid CSV: {str(error)[:120]}", "send a header line and a line for each row, in UTF-8"
        ) from error
    return Grid(_once(lines[0]), lines[1:], text=True) if lines else Grid([], [])


def _form(content: Any) -> Table:
    found = [name for name in FORMS if isinstance(content, dict) and name in content]
    if len(found) != 1:
        problem = "none of the known forms" if not found else f"more than one form: {', '.join(found)}"
        raise BadInput(f"the body has {problem}", f"send a JSON object with one of: {', '.join(FORMS)}")
    form, value = found[0], content[found[0]]
    if form == "dataframe_split":
        return _split(value)
    if form == "inputs" and isinstance(value, dict):
        return columns_of(value)
    if not isinstance(value, list):
        raise BadInput(f"{form}: expected a list of rows, got {shown(value)}", "see /openapi.json for its form")
    if form == "dataframe_records" or (value and type(value[0]) is dict):
        return Records(value)
    return Grid(None, [row if type(row) is list else [row] for row in value])


def _split(value: Any) -> Grid:
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        raise BadInput(
            "dataframe_split has no list of rows in `data`", 'send {"dataframe_split": {"columns": […], "data": [[…]]}}'
        )
    columns = value.get("columns")
    if columns is not None and not (isinstance(columns, list) and all(isinstance(name, str) for name in columns)):
        raise BadInput("dataframe_split: `columns` is not a list of names", "name each column by a string")
    return Grid(None if columns is None else _once(columns), value["data"])


def columns_of(value: dict[str, Any]) -> Grid:
    """Columns of equal length as a grid."""
    wrong = [name for name, column in value.items() if not isinstance(column, list)]
    if wrong:
        raise BadInput(
            f"column {wrong[0]!r}: expected a list of values, got {shown(value[wrong[0]])}",
            "send a list for each column",
            column=wrong[0],
        )
    sizes = {name: len(column) for name, column in value.items()}
    first = next(iter(sizes), None)
    other = next((name for name in sizes if sizes[name] != sizes[str(first)]), None)
    if other is not None:
        raise BadInput(
            f"column {other!r} has {sizes[other]} values, column {first!r} has {sizes[str(first)]}",
            "send as many values for each column",
            column=other,
        )
    return Grid(list(value), [list(row) for row in zip(*value.values(), strict=True)])


def _once(columns: list[str]) -> list[str]:
    twice = next((name for number, name in enumerate(columns) if name in columns[:number]), None)
    if twice is not None:
        raise BadInput(f"column {twice!r} is there twice", "send each column once", column=twice)
    return columns
