"""Any data a person has, as a profile: frames, Arrow, files, folders, URLs, saved profiles."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path
from typing import Any

import pyarrow as pa

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring.columns import column
from jupyter_mlops.monitoring.files import Batch, Part, different, read_part, retyped, split
from jupyter_mlops.monitoring.profiles import FORMAT, Profile
from jupyter_mlops.monitoring.tables import tables

_AT_ONCE = 1 << 20


def profile(data: Any, *, exact: bool = False, executor: Executor | None = None) -> Profile:
    """One pass over the data, in memory that does not grow with its rows. BadInput says what cannot be read.

    `exact` keeps every different value, so that figures are those of the raw rows to the last digits; memory then grows.
    With an `executor` (any concurrent.futures one, Dask's too) the files and row groups of a path, and the pieces of what is held
    in memory, are profiled on it and merged.
    """
    if isinstance(data, Profile):
        return data
    if isinstance(data, str | Path):
        return _profile_path(str(data), exact, executor)
    if isinstance(data, list | tuple) and data and all(isinstance(path, str | Path) for path in data):
        return reduce(Profile.merge, (_profile_path(str(path), exact, executor) for path in data))
    work = partial(_profile_table, exact=exact)
    pieces = (
        table.slice(first, _AT_ONCE) for table in tables(data) for first in range(0, table.num_rows or 1, _AT_ONCE)
    )
    return _merged(executor.map(work, pieces) if executor else map(work, pieces))


def _merged(parts: Iterable[Profile]) -> Profile:
    """A part of no columns is no part: it would call every column of the others null in its rows."""
    return reduce(Profile.merge, (part for part in parts if part.columns or part.lost), Profile(0, {}))


def _profile_path(path: str, exact: bool, executor: Executor | None) -> Profile:
    if is_profile(path):
        return Profile.load(path)
    parts = split(path)
    flags = [exact] * len(parts)
    made = executor.map(_profile_part, parts, flags) if executor else map(_profile_part, parts, flags)
    together = _merged(made)
    if together.lost and not together.rows:
        raise BadInput(f"{path} cannot be read: {together.lost[0]}", "give CSV, Parquet or Arrow files", path=path)
    return together


def _profile_part(part: Part, exact: bool) -> Profile:
    """One file or row group, column by column, so that memory holds one column of it. What is corrupt is said, not used."""
    made = Profile(0, {})
    try:
        for batch in read_part(part):
            one = _profile_batch(batch, exact)
            made = made.merge(one) if made.columns else one
    except (pa.ArrowException, OSError, ValueError) as error:
        again = retyped(part, error)
        if again:
            return _profile_part(again, exact)
        return replace(made, lost=(f"{part.label}: {str(error)[:200]}",))
    return made


def _profile_batch(batch: Batch, exact: bool) -> Profile:
    rows, columns = 0, {}
    for name, values in batch:
        columns[name], rows = column(values, exact), len(values)
    return Profile(rows, columns)


def is_profile(path: str) -> bool:
    """Whether a saved profile stands at this path."""
    if "://" in path or not Path(path).is_file():
        return False
    with Path(path).open("rb") as handle:
        return handle.read(len(FORMAT)) == FORMAT


def _profile_table(table: pa.Table, exact: bool) -> Profile:
    different(table.column_names)
    return Profile(table.num_rows, {name: column(table.column(i), exact) for i, name in enumerate(table.column_names)})
