"""One Arrow column of one batch, counted: numbers and times into buckets, everything else into categories."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from jupyter_mlops.monitoring import buckets, categories
from jupyter_mlops.monitoring.buckets import Buckets, count_within
from jupyter_mlops.monitoring.categories import Categories, of_names
from jupyter_mlops.monitoring.counting import Stretches, stretches
from jupyter_mlops.monitoring.profiles import Column
from jupyter_mlops.monitoring.texts import Text, of_strings

_EVERYTHING = 1 << 62


def column(values: pa.ChunkedArray | pa.Array, exact: bool = False) -> Column:
    """The profile of these values; `exact` keeps every different value, however many."""
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    kind = value_type(values)
    if is_number(kind):
        return _numeric(chunks, kind, exact)
    return _categorical(chunks, kind, exact)


def value_type(values: pa.ChunkedArray | pa.Array) -> pa.DataType:
    return values.type.value_type if pa.types.is_dictionary(values.type) else values.type


def type_name(kind: pa.DataType) -> str:
    """Arrow's word for a type, without what a mere change of the file format changes: unit, offset width."""
    if pa.types.is_timestamp(kind):
        return f"timestamp[{kind.tz}]" if kind.tz else "timestamp"
    return "string" if _has_text(kind) and not pa.types.is_boolean(kind) else str(kind)


def is_number(kind: pa.DataType) -> bool:
    t = pa.types
    tests = (t.is_integer, t.is_floating, t.is_decimal, t.is_temporal)
    return any(test(kind) for test in tests) and not t.is_interval(kind)


def in_rows(values: pa.ChunkedArray | pa.Array) -> NDArray[np.float64]:
    """A column of numbers or times as they stand, NaN where there is none."""
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    whole = whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole
    if not whole.null_count:
        return _floats(whole)
    found = np.full(len(whole), np.nan)
    found[_raw(whole.is_valid().cast(pa.uint8()), "uint8") == 1] = _floats(whole.drop_null())
    return found


def _numeric(chunks: list[pa.Array], kind: pa.DataType, exact: bool) -> Column:
    most = _EVERYTHING if exact else buckets.MOST
    held, nulls, nan, infinite, n = buckets.empty(most), 0, 0, 0, 0
    for chunk in chunks:
        whole = chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk
        floats = _floats(whole.drop_null() if whole.null_count else whole)
        finite, extent, wild = _finite(floats)
        n, infinite = n + len(chunk), infinite + wild
        nulls += len(chunk) - len(finite) - wild
        nan += len(floats) - len(finite) - wild
        held = _merged(held, count_within(finite, extent, most))
    return Column("numeric", n, nulls, infinite, buckets=held, type=type_name(kind), nan=nan)


def _merged(one: Buckets, two: Buckets) -> Buckets:
    return one.merge(two) if len(one.keys) else two


def _floats(values: pa.Array) -> NDArray[np.float64]:
    """Numbers as float64; times as seconds since 1970 UTC, of a day or of a span, whatever their unit."""
    kind = values.type
    if pa.types.is_temporal(kind):
        return _seconds(values, kind)
    if not pa.types.is_float64(kind):
        values = values.cast(pa.float64(), safe=False)
    return _raw(values, "float64")


def _raw(values: pa.Array, kind: str) -> NDArray[Any]:
    """The values as they lie in memory. Arrow's own to_numpy imports pandas, which takes longer than many a column."""
    whole = values.buffers()[1]
    if whole is None:
        return np.empty(0, dtype=kind)
    return np.frombuffer(whole, dtype=kind)[values.offset : values.offset + len(values)]


_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def _seconds(values: pa.Array, kind: Any) -> NDArray[np.float64]:
    if pa.types.is_date(kind):
        values = values.cast(pa.timestamp("s"))
        kind = values.type
    whole = _raw(values, "int32" if pa.types.is_time32(kind) else "int64")
    return np.asarray(whole / _UNITS[kind.unit], dtype=np.float64)


def _finite(floats: NDArray[np.float64]) -> tuple[NDArray[np.float64], Stretches, int]:
    """The finite ones, their extent, and how many were infinite; a column without any other costs one look."""
    extent = stretches(floats)
    if extent.finite:
        return floats, extent, 0
    finite = floats[np.isfinite(floats)]
    return finite, stretches(finite), int(np.isinf(floats).sum())


def _categorical(chunks: list[pa.Array], kind: pa.DataType, exact: bool) -> Column:
    most = _EVERYTHING if exact else categories.NAMED
    n, nulls = sum(len(c) for c in chunks), 0
    held, text, worded = Categories(most=most), Text(), _has_text(kind) and not pa.types.is_boolean(kind)
    for chunk in chunks:
        names, counts = _counted(chunk, kind)
        held = held.merge(of_names(names, counts, most))
        text = text.merge(of_strings(names, counts)) if worded else text
        nulls += len(chunk) - int(counts.sum())
    return Column("categorical", n, nulls, categories=held, type=type_name(kind), text=text)


def _counted(chunk: pa.Array, kind: pa.DataType) -> tuple[list[str], NDArray[np.int64]]:
    """Each different value as text and how often it occurs. What is nested or raw bytes counts only as there or not."""
    if pa.types.is_nested(kind) or not _has_text(kind):
        there = len(chunk) - chunk.null_count
        return (["(present)"], np.array([there])) if there else ([], np.empty(0, dtype=np.int64))
    if pa.types.is_boolean(kind):
        counted = chunk.drop_null().value_counts()
        return _texts(counted.field("values")), _raw(counted.field("counts"), "int64")
    coded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
    codes = coded.indices.drop_null() if coded.indices.null_count else coded.indices
    counts = np.bincount(_raw(codes, str(codes.type)), minlength=len(coded.dictionary))
    return _distinct(coded.dictionary, counts)


def _distinct(dictionary: pa.Array, counts: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
    """Without what does not occur; a dictionary may hold a null, or twice the same text."""
    held = np.flatnonzero(counts)
    names = _texts(dictionary if len(held) == len(dictionary) else dictionary.take(pa.array(held)))
    counts = counts[held]
    if None in names or len(set(names)) < len(names):
        summed: Counter[str] = Counter()
        for name, times in zip(names, counts.tolist(), strict=True):
            if name is not None:
                summed[name] += times
        return list(summed), np.fromiter(summed.values(), dtype=np.int64, count=len(summed))
    return names, counts


def _has_text(kind: pa.DataType) -> bool:
    t = pa.types
    return bool(t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind) or t.is_boolean(kind))


def _texts(values: pa.Array) -> list[Any]:
    if pa.types.is_boolean(values.type):
        return ["true" if value else "false" for value in pc.fill_null(values, False).to_pylist()]
    return list(values.to_pylist())
