"""Files, folders and URLs cut into parts that are read apart: Parquet by row group, CSV and Arrow by file.

A Parquet column is decoded by itself, text as codes into its dictionary: that is all the memory a part needs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from csv import reader as csv_lines
from dataclasses import dataclass, replace
from glob import glob
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from jupyter_mlops.errors import BadInput

_FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
_PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_BLOCK = 16 << 20
MOST_COLUMNS = 50_000
"""A table of more is no table of features, but one that lies on its side or a line that never ends."""
_MAPPED = 256 << 20  # bytes of a row group: what was read of it counts as our memory until it is closed
Batch = Iterator[tuple[str, pa.ChunkedArray | pa.Array]]


@dataclass(frozen=True)
class Part:
    """One file, or one row group of it. `folders` are the columns that its path says (`year=2026/`), as Hive lays them out."""

    url: str
    format: str
    group: int | None = None
    types: tuple[tuple[str, str], ...] = ()
    folders: tuple[tuple[str, int | str], ...] = ()

    @property
    def label(self) -> str:
        name = PurePosixPath(self.url.partition("::")[0]).name
        return name if self.group is None else f"{name}, row group {self.group}"


def split(path: str) -> list[Part]:
    """The parts of a file, of a folder of files of one format, or of an fsspec URL. BadInput when there is none."""
    files = [(file, _format(file)) for file in _files(path)]
    files = [(file, kind) for file, kind in files if kind]
    if not files:
        raise BadInput(f"{path} holds no CSV, Parquet or Arrow file", "name such a file or a folder of them", path=path)
    kinds = sorted({kind for _, kind in files})
    if len(kinds) > 1:
        raise BadInput(f"{path} holds files of several formats: {', '.join(kinds)}", "name a folder of one format")
    parts = [part for file, kind in files for part in _parts(file, kind)]
    return [replace(part, folders=said) for part, said in zip(parts, _said(path, parts), strict=True)]


def _said(path: str, parts: list[Part]) -> list[tuple[tuple[str, int | str], ...]]:
    """What the folders below the named one say of each part; numbers only where every part's are."""
    below = [part.url.removeprefix(path.rstrip("/")).split("/")[:-1] for part in parts]
    named = [tuple(tuple(map(unquote, word.split("=", 1))) for word in words if "=" in word) for words in below]
    numbers = {key for key, _ in chain(*named)} - {k for k, v in chain(*named) if not re.fullmatch(r"-?\d{1,18}", v)}
    return [tuple((key, int(value) if key in numbers else value) for key, value in one) for one in named]


def _parts(file: str, kind: str) -> list[Part]:
    if kind != "parquet":
        return [Part(file, kind)]
    try:
        with _parquet(file) as opened:
            return [Part(file, kind, group) for group in range(opened.num_row_groups)] or [Part(file, kind)]
    except (pa.ArrowException, OSError, ValueError):
        return [Part(file, kind)]  # reading it says what is wrong with it


def _files(path: str) -> list[str]:
    if "://" not in path:
        return _local(Path(path))
    import fsspec

    try:
        filesystem, root = fsspec.core.url_to_fs(path)
        if filesystem.isfile(root):
            return [path]
        named = filesystem.glob(root) if any(mark in root for mark in "*[") else filesystem.find(root)
    except (ImportError, ValueError, OSError) as error:
        fix = f"{error}" if isinstance(error, ImportError) else "check the URL, and that you may read there"
        raise BadInput(f"{path} cannot be opened: {str(error)[:200]}", fix, path=path) from error
    if not named:
        raise BadInput(f"there is nothing to be read at {path}", "check the URL, and that it can be reached", path=path)
    return [filesystem.unstrip_protocol(file) for file in sorted(named)]


def _local(place: Path) -> list[str]:
    if place.is_file():
        return [str(place)]
    if place.is_dir():
        return sorted(str(file) for file in place.rglob("*") if file.is_file() and not _hidden(file, place))
    found = sorted(glob(str(place), recursive=True))  # noqa: PTH207 - Path.glob takes no whole path
    if not found:
        raise BadInput(f"there is no file or folder {place}", "check the path", path=str(place))
    return [file for name in found for file in _local(Path(name))]


def _hidden(file: Path, folder: Path) -> bool:
    """Spark and its like leave marks and drafts beside the data, whose names begin so."""
    return any(part[0] in "._" for part in file.relative_to(folder).parts)


def _format(file: str) -> str:
    endings = PurePosixPath(file.partition("::")[0].partition("?")[0]).suffixes  # zip://a.csv::b.zip is a.csv
    endings = endings[:-1] if endings and endings[-1] in _PACKED else endings
    return _FORMATS.get(endings[-1].lower(), "") if endings else ""


def _open(file: str) -> Any:
    if "://" not in file:
        return pa.memory_map(file)
    import fsspec

    if "::" in file:  # a file within a file is closed with it, and nobody would hold the outer one
        with fsspec.open(file, "rb") as inner:
            return pa.BufferReader(inner.read())
    filesystem, path = fsspec.core.url_to_fs(file)
    return filesystem.open(path, "rb") if _in_pieces(filesystem, path) else pa.BufferReader(filesystem.cat_file(path))


def _in_pieces(filesystem: Any, path: str) -> bool:
    """A web server that gives no pieces of a file is asked for the whole, since Parquet is read from its end."""
    return not path.startswith(("http://", "https://")) or bool(filesystem.info(path).get("partial"))


def read_part(part: Part) -> Iterator[Batch]:
    """Batches of named columns. Arrow's errors come through, at the batch that has the fault."""
    readers: dict[str, Callable[[Part], Iterator[Batch]]] = {"parquet": _group, "csv": _csv, "arrow": _arrow}
    batches = readers[part.format](part)
    return (_and_folders(batch, part) for batch in batches) if part.folders else batches


def _and_folders(batch: Batch, part: Part) -> Batch:
    rows, named = 0, set()
    for name, values in batch:
        rows = len(values)
        named.add(name)
        yield name, values
    for name, value in part.folders:
        if name not in named:
            yield name, pa.repeat(value, rows)


def _parquet(file: str, *, mapped: bool = True, **more: Any) -> pq.ParquetFile:
    source = _open(file) if mapped or "://" in file else pa.OSFile(file)
    return pq.ParquetFile(source, page_checksum_verification=True, **more)


def _group(part: Part) -> Iterator[Batch]:
    with _parquet(part.url) as opened:
        schema, footer = opened.schema_arrow, opened.metadata
    _narrow(len(schema.names), part.label)
    different(schema.names)
    if part.group is None:
        yield ((name, pa.chunked_array([], type=schema.field(name).type)) for name in schema.names)
        return
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    mapped = footer.row_group(part.group).total_byte_size <= _MAPPED
    with _parquet(part.url, mapped=mapped, metadata=footer, read_dictionary=texts) as opened:
        yield _columns(opened, schema, part.group)


def _columns(opened: pq.ParquetFile, schema: pa.Schema, group: int) -> Batch:
    flat = opened.metadata.num_columns == len(schema.names)
    rows = opened.metadata.row_group(group).num_rows
    for position, name in enumerate(schema.names):
        if name.startswith("__index_level_"):  # pandas' row labels are no data
            continue
        if flat:
            table = opened.reader.read_row_group(group, column_indices=[position], use_threads=False)
        else:
            table = opened.read_row_group(group, columns=[name], use_threads=False)
        if table.num_rows != rows:
            raise ValueError(f"column {name} has {table.num_rows} of {rows} rows")
        yield name, table.column(name)


def _csv(part: Part) -> Iterator[Batch]:
    from pyarrow import csv

    skipped: list[str] = []

    def skip(row: Any) -> str:
        skipped.append(
            f"line {row.number}" if row.number else f"{row.actual_columns} in place of {row.expected_columns}"
        )
        return "skip"

    delimiter = _delimiter(part.url)
    check_width(part.url, delimiter)
    parsing = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip)
    types = csv.ConvertOptions(column_types=dict(part.types), strings_can_be_null=True)
    with _unpacked(part.url) as source:
        reader = csv.open_csv(source, csv.ReadOptions(block_size=_BLOCK), parsing, types)
        for batch in reader:
            yield _named(_as_text(batch))
        yield _named(_as_text(pa.RecordBatch.from_pylist([], schema=reader.schema)))
    foreign = [field.name for field in reader.schema if pa.types.is_binary(field.type)]
    told = [f"{len(skipped)} rows have another number of fields than the header: {skipped[0]}"] if skipped else []
    told += [f"column {foreign[0]} is not in UTF-8 and was read as Latin-1"] if foreign else []
    if told:
        raise Skipped("; ".join(told))


def _as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Text that is not UTF-8 comes as bytes; Latin-1 gives each byte a letter, so nothing is lost but the right accent."""
    for position, field in enumerate(batch.schema):
        if pa.types.is_binary(field.type):
            coded = batch.column(position).dictionary_encode()
            words = [word.decode("latin-1") for word in coded.dictionary.to_pylist()]
            column = pa.DictionaryArray.from_arrays(coded.indices, pa.array(words, pa.string())).cast(pa.string())
            batch = batch.set_column(position, field.name, column)
    return batch


class Skipped(ValueError):
    """Everything that could be read has been handed over; this says what could not."""


def retyped(part: Part, error: Exception) -> Part | None:
    """The CSV part to read again when a value did not fit the type its column's first rows had; None: nothing to try.

    What failed as a whole number or as nothing at all may be a number; what is no number either is text, of whatever encoding.
    """
    # Where there is one processor only, Arrow says the row too.
    found = re.search(r"In CSV column #(\d+):(?: Row #\d+:)? CSV conversion error to (\w+)", str(error))
    if part.format != "csv" or not found:
        return None
    with _unpacked(part.url) as source:
        line = source.read(1 << 20).split(b"\n", 1)[0].decode("utf-8-sig", "replace").rstrip("\r")
    name = next(csv_lines([line], delimiter=_delimiter(part.url)))[int(found[1])]
    wanted = {"int64": "double", "null": "double", "string": "binary"}.get(found[2], "string")
    tried = dict(part.types)
    return None if tried.get(name) == "binary" else replace(part, types=tuple({**tried, name: wanted}.items()))


def _delimiter(file: str) -> str:
    """The separator that the first line has most of. ValueError when this is no text, or text of another encoding."""
    with _unpacked(file) as source:
        head = source.read(1 << 16)
    if b"\0" in head:
        wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
        raise ValueError("this is UTF-16; save it as UTF-8" if wide else "this is no text: it holds zero bytes")
    line = head.split(b"\n", 1)[0]
    return max(",;\t|", key=lambda mark: line.count(mark.encode()))


def check_width(file: str, delimiter: str) -> None:
    """BadInput when a text file's header names more columns than any table has."""
    _narrow(_width(file, delimiter), PurePosixPath(file).name)


def _width(file: str, delimiter: str) -> int:
    """How many fields the first line has, at least; counted before anything is decoded, and not much beyond what is too many."""
    count = 1
    with _unpacked(file) as source:
        while count <= MOST_COLUMNS and (piece := source.read(1 << 18)):
            line, ended, _ = piece.partition(b"\n")
            count += line.count(delimiter.encode())
            if ended:
                break
    return count


def _narrow(columns: int, what: str = "this data set") -> None:
    if columns > MOST_COLUMNS:
        raise BadInput(
            f"{what} has more than {MOST_COLUMNS:,} columns, which is no table of features",
            "check the separator and the line ends; if rows and columns are exchanged, turn the table round",
        )


def _unpacked(file: str) -> Any:
    ending = PurePosixPath(file).suffix
    source = _open(file)
    return pa.CompressedInputStream(source, _PACKED[ending]) if ending in _PACKED else source


def _named(batch: pa.RecordBatch) -> Batch:
    different(batch.schema.names)
    return ((name, batch.column(i)) for i, name in enumerate(batch.schema.names))


def different(names: list[str]) -> None:
    """BadInput when two columns have one name, or there are more columns than any table has."""
    _narrow(len(names))
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise BadInput(f"two columns have the name {twice[0]!r}", "give each column a name of its own", columns=twice)


def _arrow(part: Part) -> Iterator[Batch]:
    with _open(part.url) as source:
        opened = pa.ipc.open_file(source)
        for number in range(opened.num_record_batches):
            yield _named(opened.get_batch(number))
        yield _named(pa.RecordBatch.from_pylist([], schema=opened.schema))
