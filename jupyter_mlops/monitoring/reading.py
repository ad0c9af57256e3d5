"""Any data a person has, as a profile: frames, Arrow, files, folders, URLs, saved profiles."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring.columns import column
from jupyter_mlops.monitoring.files import Batch, Part, different, read_part, retyped, split
from jupyter_mlops.monitoring.profiles import FORMAT, Profile


def profile(data: Any, *, exact: bool = False, executor: Executor | None = None) -> Profile:
    """One pass over the data, in memory that does not grow with its rows. BadInput says what cannot be read.

    `exact` keeps every different value, so that figures are those of the raw rows to the last digits; memory then grows.
    With an `executor` (any concurrent.futures one, Dask's too) the files and row groups of a path are profiled on it.
    """
    if isinstance(data, Profile):
        return data
    if isinstance(data, str | Path):
        return _profile_path(str(data), exact, executor)
    parts = [_profile_table(table, exact) for table in tables(data)]
    return reduce(Profile.merge, parts) if parts else Profile(0, {})


def _profile_path(path: str, exact: bool, executor: Executor | None) -> Profile:
    if "://" not in path:
        file = Path(path)
        if not file.exists():
            raise BadInput(f"there is no file or folder {path}", "check the path", path=path)
        if is_profile(path):
            return Profile.load(file)
    parts = split(path)
    flags = [exact] * len(parts)
    made = executor.map(_profile_part, parts, flags) if executor else map(_profile_part, parts, flags)
    together = reduce(Profile.merge, made)
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


def tables(data: Any) -> Iterator[pa.Table]:
    """The data as Arrow tables: pandas by itself, everything else through the protocols it speaks."""
    if isinstance(data, pa.RecordBatchReader):
        yield from (pa.Table.from_batches([batch]) for batch in data)
        if data.schema.names:
            yield data.schema.empty_table()
    elif hasattr(data, "iloc") and hasattr(data, "to_frame"):
        yield _from_pandas(data.to_frame())
    elif hasattr(data, "iloc") and hasattr(data, "columns"):
        yield _from_pandas(data)
    else:
        yield _from_arrow(data)


def _from_arrow(data: Any) -> pa.Table:
    """Arrow's own tables and batches, polars frames and DuckDB relations, and whatever speaks the interchange protocol."""
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if hasattr(data, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(data).read_all()
    for door in ("to_arrow", "to_arrow_table", "fetch_arrow_table"):
        if hasattr(data, door):
            return getattr(data, door)()
    if hasattr(data, "__dataframe__"):
        from pyarrow.interchange import from_dataframe

        return from_dataframe(data)
    raise BadInput(f"{type(data).__name__} is no data set", "give a DataFrame, an Arrow table or a path")


def _profile_table(table: pa.Table, exact: bool) -> Profile:
    different(table.column_names)
    return Profile(table.num_rows, {name: column(table.column(i), exact) for i, name in enumerate(table.column_names)})


def _from_pandas(frame: Any) -> pa.Table:
    """Column by column, so that one of mixed types does not spoil the others: it is read as text."""
    names = [str(name) for name in frame.columns]
    different(names)
    arrays = []
    for position in range(len(names)):
        held = frame.iloc[:, position]
        try:
            arrays.append(_array(held))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            arrays.append(pa.Array.from_pandas([None if _missing(v) else str(v) for v in held]))
    return pa.table(arrays, names=names)


def _array(held: Any) -> pa.Array:
    zone = getattr(held.dtype, "tz", None)
    if zone is None or not hasattr(held, "dt"):
        return pa.Array.from_pandas(held)
    naive = pa.Array.from_pandas(held.dt.tz_convert("UTC").dt.tz_localize(None))
    return naive.cast(pa.timestamp(naive.type.unit, "UTC"))  # Arrow asks pandas in a way that pandas warns of


def _missing(value: Any) -> bool:
    return value is None or value is getattr(value, "NaT", 0) or (isinstance(value, float) and value != value)
