"""Any data a person has, as a profile: frames, Arrow, files, folders, URLs, saved profiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jupyter_mlops.errors import BadInput, unknown
from jupyter_mlops.monitoring.columns import column, in_rows, is_number, value_type
from jupyter_mlops.monitoring.files import Batch, Part, different, read_part, retyped, split
from jupyter_mlops.monitoring.pairs import Names, Pair, pair_of
from jupyter_mlops.monitoring.profiles import FORMAT, Profile
from jupyter_mlops.monitoring.tables import tables

_AT_ONCE = 1 << 20


def profile(
    data: Any, *, exact: bool = False, executor: Executor | None = None, pairs: Iterable[Sequence[str]] = ()
) -> Profile:
    """One pass over the data, in memory that does not grow with its rows. BadInput says what cannot be read.

    `exact` keeps every different value, so that figures are those of the raw rows to the last digits; memory then grows.
    With an `executor` (any concurrent.futures one, Dask's too) the files and row groups of a path, and the pieces of what is held
    in memory, are profiled on it and merged. How the columns of `pairs` move together is kept too.
    """
    chosen = chosen_pairs(pairs)
    made = data if isinstance(data, Profile) else _profile(data, exact, executor, chosen)
    _answer(made, chosen)
    return made


def chosen_pairs(pairs: Iterable[Sequence[str]]) -> tuple[Names, ...]:
    """Each pair once, its names sorted. BadInput when one is not two different columns."""
    found = set()
    for names in pairs:
        if isinstance(names, str) or len(names) != 2 or names[0] == names[1]:
            raise BadInput(f"{names!r} is no pair of columns", "give two different names, as ('a', 'b')")
        found.add((min(names), max(names)))
    return tuple(sorted(found))


def _answer(made: Profile, chosen: tuple[Names, ...]) -> None:
    """BadInput when a pair was asked for that cannot be told of this data."""
    for name in dict.fromkeys(name for names in chosen for name in names):
        column = made.columns.get(name)
        if column is None:
            raise unknown("column of a pair", name, made.columns)
        if column.present and column.kind != "numeric":
            raise BadInput(f"column {name!r} holds no numbers, so it has no correlation", "pair columns of numbers")
    missing = [names for names in chosen if names not in made.pairs]
    if missing and made.rows:
        raise BadInput(
            f"this saved profile was made without the pair {', '.join(missing[0])}",
            f"make it again, with `jupyter mlops profile FILE --pair {','.join(missing[0])} -o FILE`",
        )


def _profile(data: Any, exact: bool, executor: Executor | None, pairs: tuple[Names, ...]) -> Profile:
    if isinstance(data, str | Path):
        return _profile_path(str(data), exact, executor, pairs)
    if isinstance(data, list | tuple) and data and all(isinstance(path, str | Path) for path in data):
        return reduce(Profile.merge, (_profile_path(str(path), exact, executor, pairs) for path in data))
    work = partial(_profile_table, exact=exact, pairs=pairs)
    pieces = (
        table.slice(first, _AT_ONCE) for table in tables(data) for first in range(0, table.num_rows or 1, _AT_ONCE)
    )
    return _merged(executor.map(work, pieces) if executor else map(work, pieces))


def _merged(parts: Iterable[Profile]) -> Profile:
    """A part of no columns is no part: it would call every column of the others null in its rows."""
    held = (part for part in parts if part.columns or part.lost)
    return reduce(Profile.merge, held, next(held, Profile(0, {})))


def _profile_path(path: str, exact: bool, executor: Executor | None, pairs: tuple[Names, ...]) -> Profile:
    if is_profile(path):
        return Profile.load(path)
    parts = split(path)
    work = partial(_profile_part, exact=exact, pairs=pairs)
    together = _merged(executor.map(work, parts) if executor else map(work, parts))
    if together.lost and not together.rows:
        raise BadInput(f"{path} cannot be read: {together.lost[0]}", "give CSV, Parquet or Arrow files", path=path)
    return together


def _profile_part(part: Part, exact: bool, pairs: tuple[Names, ...]) -> Profile:
    """One file or row group, column by column, so that memory holds one column of it. What is corrupt is said, not used."""
    made = Profile(0, {})
    try:
        for batch in read_part(part):
            one = _profile_batch(batch, exact, pairs)
            made = made.merge(one) if made.columns else one
    except (pa.ArrowException, OSError, ValueError) as error:
        again = retyped(part, error)
        if again:
            return _profile_part(again, exact, pairs)
        return replace(made, lost=(f"{part.label}: {str(error)[:200]}",))
    return made


def _profile_batch(batch: Batch, exact: bool, pairs: tuple[Names, ...]) -> Profile:
    rows, columns, held = 0, {}, {}
    wanted = {name for names in pairs for name in names}
    for name, values in batch:
        columns[name], rows = column(values, exact), len(values)
        if name in wanted and is_number(value_type(values)):
            held[name] = in_rows(values)
    return Profile(rows, columns, pairs=_paired(held, pairs))


def _paired(held: dict[str, NDArray[np.float64]], pairs: tuple[Names, ...]) -> dict[Names, Pair]:
    """Of a part in which one of the columns holds nothing, or is not there, no row counts."""
    return {names: pair_of(*(held[n] for n in names)) if held.keys() >= set(names) else Pair() for names in pairs}


def is_profile(path: str) -> bool:
    """Whether a saved profile stands at this path."""
    if "://" in path or not Path(path).is_file():
        return False
    with Path(path).open("rb") as handle:
        return handle.read(len(FORMAT)) == FORMAT


def _profile_table(table: pa.Table, exact: bool, pairs: tuple[Names, ...]) -> Profile:
    different(table.column_names)
    made = _profile_batch(zip(table.column_names, table.columns, strict=True), exact, pairs)
    return replace(made, rows=table.num_rows)
