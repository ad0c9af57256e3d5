"""Any data a person holds in memory, as Arrow tables: pandas by itself, everything else through the protocols it speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring.files import different

_AT_ONCE = 1 << 18  # rows: fewer would cost more to count than to read
_FIX = "give a DataFrame, an Arrow table, an iterable of those, or a path"


def tables(data: Any) -> Iterator[pa.Table]:
    """The data piece by piece, so that what streams is never held whole. BadInput when it is no data set."""
    if hasattr(data, "npartitions") and hasattr(data, "partitions"):  # Dask's frames
        for number in range(data.npartitions):
            yield from tables(data.partitions[number].compute())
    elif hasattr(data, "iloc") and hasattr(data, "to_frame"):
        yield _from_pandas(data.to_frame("value" if data.name is None else data.name))
    elif hasattr(data, "iloc") and hasattr(data, "columns"):
        yield _from_pandas(data)
    elif isinstance(data, pa.Table):
        yield data
    elif isinstance(data, pa.RecordBatch):
        yield pa.Table.from_batches([data])
    else:
        yield from _from_others(data)


def _from_others(data: Any) -> Iterator[pa.Table]:
    reader = _reader(data)
    if reader is not None:
        yield from _gathered(reader)
    elif hasattr(data, "to_frame") and hasattr(data, "__arrow_c_stream__"):  # a series of polars
        yield from tables(data.to_frame())
    elif isinstance(data, Mapping) or hasattr(data, "__array_interface__") or _rows(data):
        yield _built(data)
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes):
        for piece in data:
            yield from tables(piece)
    else:
        raise BadInput(f"{type(data).__name__} is no data set", _FIX)


def _rows(data: Any) -> bool:
    return isinstance(data, list | tuple) and bool(data) and all(isinstance(row, Mapping) for row in data)


def _reader(data: Any) -> pa.RecordBatchReader | None:
    """Of Arrow's readers, data sets and files, of DuckDB's relations and results, of polars' frames, of what streams batches."""
    if isinstance(data, pa.RecordBatchReader):
        return data
    if hasattr(data, "iter_batches") and hasattr(data, "schema_arrow"):  # an open Parquet file
        return pa.RecordBatchReader.from_batches(data.schema_arrow, data.iter_batches())
    if hasattr(data, "collect") and hasattr(data, "collect_schema"):  # a lazy frame of polars
        return _reader(data.collect())
    if hasattr(data, "scanner"):  # an Arrow data set
        return data.scanner().to_reader()
    for door in ("to_reader", "to_arrow_reader", "fetch_record_batch"):  # an Arrow scanner, DuckDB new and old
        if hasattr(data, door):
            return getattr(data, door)()
    return _speaking(data)


def _speaking(data: Any) -> pa.RecordBatchReader | None:
    """By a protocol: Arrow's stream before the data frame interchange, which copies."""
    if hasattr(data, "__arrow_c_stream__") and not hasattr(data, "to_frame"):
        return pa.RecordBatchReader.from_stream(data)
    for door in ("to_arrow_table", "to_arrow"):
        if hasattr(data, door) and not hasattr(data, "to_frame"):
            return getattr(data, door)().to_reader()
    if hasattr(data, "__dataframe__"):
        from pyarrow.interchange import from_dataframe

        return from_dataframe(data).to_reader()
    return None


def _gathered(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Batches put together until they are worth counting; an empty last one says which columns there are."""
    held, rows = [], 0
    for batch in reader:
        held.append(batch)
        rows += batch.num_rows
        if rows >= _AT_ONCE:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    yield pa.Table.from_batches(held, reader.schema)


def _built(data: Any) -> pa.Table:
    """Columns or rows as plain Python holds them, and numpy's arrays."""
    import pandas as pd

    try:
        return _from_pandas(pd.DataFrame(data))
    except (ValueError, TypeError) as error:
        raise BadInput(f"these values make no table: {str(error)[:200]}", _FIX) from error


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
