"""Answered rows on their way to the log: gathered into blocks, a block one line of the write-ahead file, lines one table.

Numbers travel as their bytes: written and read as text, they would cost more than many a model takes to answer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.serving.log import ID, WEIGHT

_NUMBERS = ("answers", "times", "latencies", "weights")


@dataclass(slots=True)
class Entry:
    """One answered request, or the part of one that a single version answered. Made for every request, so it is a plain one.

    `rows` (lists, an array or a DataFrame) holds `columns`, `extras` other columns worth keeping; all align with `ids`.
    """

    model: str
    segment: str
    version: int
    role: str
    at: float
    latency_ms: float
    columns: tuple[str, ...]
    rows: Any
    ids: list[str]
    answers: list[Any]
    weight: float = 1.0
    extras: tuple[tuple[str, list[Any]], ...] = ()


@dataclass(frozen=True)
class Block:
    """Rows of one model, version and role. `values` holds the columns of numbers, `others` all that are not.

    `answers` are numbers, or the names of classes.
    """

    model: str
    segment: str
    version: int
    role: str
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    others: dict[str, list[Any]]
    ids: list[str]
    answers: NDArray[np.float64] | list[str]
    times: NDArray[np.float64]
    latencies: NDArray[np.float64]
    weights: NDArray[np.float64]

    def line(self) -> bytes:
        numbers = {name: _text(getattr(self, name)) for name in _NUMBERS}
        content = {**self.__dict__, **numbers, "values": _text(self.values)}
        return json.dumps(content, separators=(",", ":"), default=str).encode() + b"\n"

    def column(self, name: str) -> list[Any] | None:
        if name in self.others:
            return self.others[name]
        if name in self.columns:
            return list(self.values[:, self.columns.index(name)].tolist())
        return None

    def without(self, names: set[str]) -> Block:
        keep = [place for place, name in enumerate(self.columns) if name not in names]
        others = {name: values for name, values in self.others.items() if name not in names}
        return replace(
            self, columns=tuple(self.columns[place] for place in keep), values=self.values[:, keep], others=others
        )


def gathered(entries: Iterable[Entry]) -> Iterator[Block]:
    """The entries as few blocks, in their order within each."""
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        names = tuple(name for name, _ in entry.extras)
        key = (entry.model, entry.segment, entry.version, entry.role, entry.columns, names, type(entry.rows))
        groups.setdefault(key, []).append(entry)
    for same in groups.values():
        yield _block(same)


def _block(entries: list[Entry]) -> Block:
    first, sizes = entries[0], [len(entry.ids) for entry in entries]
    others: dict[str, list[Any]] = {
        name: [value for entry in entries for value in entry.extras[place][1]]
        for place, (name, _) in enumerate(first.extras)
    }
    if isinstance(first.rows, np.ndarray):
        columns, values = first.columns, np.concatenate([entry.rows for entry in entries])
    else:
        columns, values = (), np.empty((sum(sizes), 0))
        rows = [row for entry in entries for row in _lists(entry.rows)]
        others = {**{name: [row[place] for row in rows] for place, name in enumerate(first.columns)}, **others}
    return Block(
        first.model,
        first.segment,
        first.version,
        first.role,
        columns,
        values,
        others,
        [key for entry in entries for key in entry.ids],
        _answers([answer for entry in entries for answer in entry.answers]),
        np.repeat([entry.at for entry in entries], sizes),
        np.repeat([entry.latency_ms for entry in entries], sizes),
        np.repeat([entry.weight for entry in entries], sizes),
    )


def _answers(answers: list[Any]) -> NDArray[np.float64] | list[str]:
    return answers if any(isinstance(one, str) for one in answers) else np.array(answers, dtype=np.float64)


def frame(lines: list[dict[str, Any]]) -> pd.DataFrame:
    """Lines of the same columns as one table."""
    columns, rows = lines[0]["columns"], [len(line["ids"]) for line in lines]
    values = [_numbers(line["values"]).reshape(size, len(columns)) for line, size in zip(lines, rows, strict=True)]
    own: dict[str, Any] = {name: [v for line in lines for v in line["others"][name]] for name in lines[0]["others"]}
    own[ID] = [key for line in lines for key in line["ids"]]
    answers = [_numbers(kept) if isinstance(kept := line["answers"], str) else np.array(kept, object) for line in lines]
    own["prediction"] = np.concatenate(answers)
    for name, kept in (("latency_ms", "latencies"), (WEIGHT, "weights")):
        own[name] = np.concatenate([_numbers(line[kept]) for line in lines])
    if "weight" not in {*columns, *own}:  # many a model has a column of that name, which must not be written over
        own["weight"] = own[WEIGHT]
    for name in ("version", "role"):
        own[name] = np.repeat([line[name] for line in lines], rows)
    times = np.concatenate([_numbers(line["times"]) for line in lines])
    own["time"] = pd.to_datetime(times, unit="s", utc=True)
    return pd.DataFrame(np.concatenate(values), columns=columns).assign(**own)


def _text(numbers: NDArray[np.float64] | list[str]) -> str | list[str]:
    if isinstance(numbers, list):
        return numbers
    return base64.b64encode(np.ascontiguousarray(numbers, dtype="<f8").tobytes()).decode()


def _numbers(text: str) -> NDArray[np.float64]:
    return np.frombuffer(base64.b64decode(text), dtype="<f8")


def _lists(rows: Any) -> list[list[Any]]:
    if isinstance(rows, pd.DataFrame):
        lists: list[list[Any]] = json.loads(rows.to_json(orient="values", date_format="iso"))
        return lists
    return list(rows)
