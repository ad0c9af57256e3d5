"""What data was read: shape and a digest of the content, so that the same rows are known again whatever they are called."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from jupyter_mlops.records import Dataset

MOST_BYTES = 2**30
"""Beyond this a part of the rows is hashed, and the digest says so."""
_SAMPLED = 2**28
_BLOCKS = 256
"""Rows that lie together are read together: every k-th one would be all of a file's pages."""
_SMALL = 2**26
"""Bytes of a frame of one kind of numbers that are looked at as one array, which may be a copy."""


def describe(value: Any, name: str, source: str, context: str) -> Dataset | None:
    """The Dataset of a frame, series, array or matrix of any common library, or a list; None for what is none of them."""
    value = _table(value)
    shape = getattr(value, "shape", None)
    if not isinstance(shape, tuple) or not shape:
        return None
    columns = int(shape[1]) if len(shape) > 1 else 1
    return Dataset(name=name, digest=digest(value), source=source, rows=int(shape[0]), columns=columns, context=context)


def _table(value: Any) -> Any:
    """Boosters' own tables as the matrix in them, a list as an array of it."""
    library = type(value).__module__.partition(".")[0]
    if library == "xgboost" and hasattr(value, "get_data"):
        return value.get_data()
    if library == "catboost" and hasattr(value, "get_features"):
        return value.get_features()
    if library == "torch" and hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if isinstance(value, list | tuple) and value:
        return _listed(value)
    return value


def _listed(values: Any) -> Any:
    try:
        array = np.asarray(values)
    except ValueError:  # rows of several lengths
        return None
    return array if array.dtype.kind in "biufcU" else None


def digest(value: Any) -> str:
    """BLAKE2b over names, types and bytes of every column; `~` before it says that rows were sampled."""
    rows, size = int(value.shape[0]), _bytes(value)
    parts = [value] if size <= MOST_BYTES else _sample(value, rows, size)
    hashed = hashlib.blake2b(digest_size=16)
    hashed.update(str(rows).encode())
    for part in parts:
        for name, column in _columns(part):
            hashed.update(f"\0{name}\0{column.dtype}\0".encode())
            hashed.update(_buffer(column))
    return ("~" if size > MOST_BYTES else "") + hashed.hexdigest()


def _sample(value: Any, rows: int, size: int) -> Iterator[Any]:
    """Blocks of rows, evenly over all of them, the first and the last among them; each a view."""
    length = max(1, rows * _SAMPLED // size // _BLOCKS)
    for number in range(min(_BLOCKS, rows)):
        start = (rows - length) * number // max(1, min(_BLOCKS, rows) - 1)
        yield value.iloc[start : start + length] if hasattr(value, "iloc") else value[start : start + length]


def _columns(value: Any) -> list[tuple[str, Any]]:
    if hasattr(value, "iloc") and hasattr(value, "columns"):
        if (
            _plain_dtype(value) is not None and _bytes(value) <= _SMALL
        ):  # a column by itself takes longer than its bytes
            return list(zip(map(str, value.columns), value.to_numpy().T, strict=True))
        return [(str(name), value.iloc[:, i]) for i, name in enumerate(value.columns)]
    if hasattr(value, "tocsr"):
        matrix = value.tocsr()
        return [("values", matrix.data), ("columns", matrix.indices), ("rows", matrix.indptr)]
    if hasattr(value, "to_pandas"):  # polars, Arrow: every library of tables has it
        whole = value.to_pandas()
        return _columns(whole) if hasattr(whole, "columns") else [("", whole)]
    return [(str(getattr(value, "name", "")), value if hasattr(value, "iloc") else np.asarray(value))]


def _buffer(column: Any) -> Any:
    """The bytes of a column: its own where it has plain ones, else a hash of each value."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biufcmM":
        return np.ascontiguousarray(np.asarray(column)).view(np.uint8).data
    from pandas import Series
    from pandas.util import hash_array, hash_pandas_object

    if isinstance(column, Series):
        with suppress(TypeError):  # lists, dicts and the like have no hash
            return np.ascontiguousarray(hash_pandas_object(column, index=False).to_numpy()).data
    return np.ascontiguousarray(hash_array(np.asarray(column, dtype=object).ravel().astype(str).astype(object))).data


def _plain_dtype(frame: Any) -> Any:
    """The type of its numbers, where all columns have the same."""
    kinds = set(getattr(frame, "dtypes", ()))
    dtype = kinds.pop() if len(kinds) == 1 else None
    return dtype if isinstance(dtype, np.dtype) and dtype.kind in "biufc" else None


def _bytes(value: Any) -> int:
    dtype = _plain_dtype(value) if hasattr(value, "columns") else None
    if dtype is not None:
        return int(value.shape[0] * value.shape[1] * dtype.itemsize)
    if hasattr(value, "memory_usage"):
        used = value.memory_usage(index=False)
        return int(used.sum() if hasattr(used, "sum") else used)
    if hasattr(value, "tocsr"):
        return int(getattr(getattr(value, "data", None), "nbytes", 0))
    size = getattr(value, "nbytes", 0)
    return int(size) if isinstance(size, int | np.integer) else 0
