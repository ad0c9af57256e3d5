"""Rows from files that people name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring import check_width


def _separated(path: Path, by: str = ",") -> pd.DataFrame:
    check_width(str(path), by)
    head = pd.read_csv(path, sep=by, header=None, nrows=1, dtype=str).iloc[0].dropna()
    twice = sorted(set(head[head.duplicated()]))
    if twice:  # pandas would call the second `name.1`, and whoever asks for the name would get the first
        raise BadInput(
            f"{path} has columns twice: {', '.join(twice[:5])}",
            "give each column one name",
            columns=twice,
            path=str(path),
        )
    return pd.read_csv(path, sep=by)


_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _separated,
    ".tsv": lambda path: _separated(path, "\t"),
    ".arrow": pd.read_feather,
    ".feather": pd.read_feather,
}
_PACKED = (".gz", ".bz2", ".xz", ".zst")


def read_rows(path: Path) -> pd.DataFrame:
    """A CSV, TSV, Arrow or Parquet file, or a folder of Parquet files, as a frame; what is missing or unreadable is named."""
    if not path.is_file() and not any(path.glob("**/*.parquet")):
        what = "is a folder without Parquet files" if path.is_dir() else "is not there"
        raise BadInput(f"{path} {what}", "check the path, or prepare the data first", path=str(path))
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = next((s for s in reversed(suffixes) if s not in _PACKED), ".csv" if suffixes else "")
    try:
        return _READERS.get(kind, pd.read_parquet)(path)
    except (OSError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise BadInput(f"{path} cannot be read: {said}", "give a CSV, TSV, Arrow or Parquet file") from error


def digest_of(path: Path) -> str:
    """SHA-256 of a file, or of the files of a folder with their names."""
    if path.is_file():
        return _digest(path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    lines = "".join(f"{p.relative_to(path).as_posix()} {_digest(p)}\n" for p in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
