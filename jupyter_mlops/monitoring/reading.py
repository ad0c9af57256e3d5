"""Any data a person has, as a profile: frames, Arrow, files, folders, URLs, saved profiles. Files are read in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring.buckets import count
from jupyter_mlops.monitoring.profiles import FORMAT, MOST_CATEGORIES, Column, Profile, bounded

_BATCH = 1_000_000
_FORMATS = {".parquet": "parquet", ".csv": "csv", ".arrow": "ipc", ".feather": "ipc", ".ipc": "ipc"}


def profile(data: Any) -> Profile:
    """One pass over the data, in memory that does not grow with its rows. BadInput says what cannot be read."""
    if isinstance(data, Profile):
        return data
    if isinstance(data, str | Path):
        return _profile_path(str(data))
    parts = [_profile_batch(table) for table in _tables(data)]
    return reduce(Profile.merge, parts) if parts else Profile(0, {})


def _tables(data: Any) -> Iterator[pa.Table]:
    if isinstance(data, pa.Table):
        yield data
    elif isinstance(data, pa.RecordBatch):
        yield pa.Table.from_batches([data])
    elif hasattr(data, "to_arrow"):
        yield data.to_arrow()
    elif hasattr(data, "columns") and hasattr(data, "iloc"):
        yield _from_pandas(data)
    else:
        raise BadInput(f"{type(data).__name__} is no data set", "give a DataFrame, an Arrow table or a path")


def _from_pandas(frame: Any) -> pa.Table:
    """Column by column, so that one of mixed types does not spoil the others: it is read as text."""
    names = [str(name) for name in frame.columns]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise BadInput(f"two columns have the name {twice[0]!r}", "give each column a name of its own", columns=twice)
    arrays = []
    for position in range(len(names)):
        column = frame.iloc[:, position]
        try:
            arrays.append(pa.Array.from_pandas(column))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            arrays.append(pa.Array.from_pandas(column.astype(str)))
    return pa.table(arrays, names=names)


def _profile_path(path: str) -> Profile:
    if "://" not in path:
        file = Path(path)
        if not file.exists():
            raise BadInput(f"there is no file or folder {path}", "check the path", path=path)
        if file.is_file() and _starts_with(file, FORMAT):
            return Profile.load(file)
    try:
        found = _dataset(path)
        parts = [_profile_batch(pa.Table.from_batches([b])) for b in found.to_batches(batch_size=_BATCH) if b.num_rows]
        nothing = _profile_batch(found.schema.empty_table())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read: {str(error)[:200]}", "give CSV, Parquet or Arrow files", path=path
        ) from error
    return reduce(Profile.merge, parts) if parts else nothing


def _starts_with(file: Path, mark: bytes) -> bool:
    with file.open("rb") as handle:
        return handle.read(len(mark)) == mark


def _dataset(path: str) -> Any:
    """A pyarrow dataset of one format, which the first file's name tells."""
    import fsspec
    import pyarrow.dataset as ds

    filesystem, place = fsspec.core.url_to_fs(path)
    files = [place] if filesystem.isfile(place) else sorted(filesystem.find(place))
    kinds = {_FORMATS[Path(f).suffix] for f in files if Path(f).suffix in _FORMATS}
    if not kinds:
        raise BadInput(f"{path} holds no CSV, Parquet or Arrow file", "name such a file or a folder of them", path=path)
    if len(kinds) > 1:
        raise BadInput(
            f"{path} holds files of several formats: {', '.join(sorted(kinds))}", "name a folder of one format"
        )
    kept = [f for f in files if Path(f).suffix in _FORMATS]
    return ds.dataset(kept, format=kinds.pop(), filesystem=filesystem)


def _profile_batch(table: pa.Table) -> Profile:
    return Profile(table.num_rows, {name: _column(table.column(name)) for name in table.column_names})


def _column(values: pa.ChunkedArray) -> Column:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numeric(values.cast(pa.float64(), safe=False))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        seconds = values.cast(pa.timestamp("us")).cast(pa.int64())
        return _numeric(pc.divide(seconds.cast(pa.float64(), safe=False), 1e6))
    return _categorical(values)


def _numeric(values: pa.ChunkedArray) -> Column:
    floats = values.drop_null().to_numpy()
    finite = floats[np.isfinite(floats)]
    infinite = int(np.isinf(floats).sum())
    return Column("numeric", len(values), len(values) - len(finite) - infinite, infinite, count(finite))


def _categorical(values: pa.ChunkedArray) -> Column:
    """Counts of each value as text; what is nested counts only as there or not."""
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type):
        there = len(values) - values.null_count
        return Column(
            "categorical", len(values), values.null_count, categories=Counter({"(present)": there} if there else {})
        )
    counted = values.drop_null().value_counts()
    names = counted.field("values").cast(pa.string()).to_pylist()
    counts = Counter(dict(zip(names, counted.field("counts").to_pylist(), strict=True)))
    kept = bounded(counts) if len(counts) > MOST_CATEGORIES else counts
    return Column("categorical", len(values), values.null_count, categories=kept)
