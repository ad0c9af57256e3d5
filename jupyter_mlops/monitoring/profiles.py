"""A data set's profile: one column after another, in bounded memory, mergeable exactly, small on disk."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring.buckets import Buckets, empty

FORMAT = b"mlops-profile-1\n"
MOST_CATEGORIES = 10_000
OTHER = "\0other"
Kind = Literal["numeric", "categorical"]


@dataclass(frozen=True)
class Column:
    """`n` counts all rows; nulls and infinities are in no bucket. Times are seconds since 1970, flags categories."""

    kind: Kind
    n: int = 0
    nulls: int = 0
    infinite: int = 0
    buckets: Buckets = field(default_factory=empty)
    categories: Counter[str] = field(default_factory=Counter)

    def merge(self, other: Column) -> Column:
        if self.kind != other.kind:
            raise BadInput(
                f"a {self.kind} column cannot be merged with a {other.kind} one", "profile parts of one data set"
            )
        return Column(
            self.kind,
            self.n + other.n,
            self.nulls + other.nulls,
            self.infinite + other.infinite,
            self.buckets.merge(other.buckets),
            bounded(self.categories + other.categories),
        )

    @property
    def seen(self) -> int:
        """Rows with a value that could be compared."""
        return self.buckets.n if self.kind == "numeric" else sum(self.categories.values())

    def range(self) -> tuple[float, float] | None:
        values = self.buckets.values()
        return (float(values[0]), float(values[-1])) if len(values) else None


def bounded(categories: Counter[str]) -> Counter[str]:
    """Beyond ten thousand categories the rarest are counted together (ties by name, so that the order of parts is all one)."""
    if len(categories) <= MOST_CATEGORIES:
        return categories
    ordered = sorted(categories.items(), key=lambda item: (item[0] != OTHER, -item[1], item[0]))
    kept = Counter(dict(ordered[: MOST_CATEGORIES - 1]))
    kept[OTHER] += sum(count for _, count in ordered[MOST_CATEGORIES - 1 :])
    return kept


@dataclass(frozen=True)
class Profile:
    rows: int
    columns: dict[str, Column]

    def merge(self, other: Profile) -> Profile:
        """The profile of both data sets together; a column that only one has counts as null in the other."""
        names = dict.fromkeys([*self.columns, *other.columns])
        merged = {}
        for name in names:
            kind = (self.columns.get(name) or other.columns[name]).kind
            one = self.columns.get(name) or Column(kind, self.rows, self.rows)
            two = other.columns.get(name) or Column(kind, other.rows, other.rows)
            merged[name] = one.merge(two)
        return Profile(self.rows + other.rows, merged)

    def as_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "columns": [_summary(name, column) for name, column in self.columns.items()]}

    def to_bytes(self) -> bytes:
        body = {"rows": self.rows, "columns": {name: _pack(column) for name, column in self.columns.items()}}
        return FORMAT + zlib.compress(json.dumps(body, separators=(",", ":")).encode(), 6)

    @staticmethod
    def from_bytes(data: bytes) -> Profile:
        """BadInput when these bytes are no profile."""
        if not data.startswith(FORMAT):
            raise BadInput("this is no saved profile", "make one with `jupyter mlops profile FILE -o FILE`")
        body = json.loads(zlib.decompress(data[len(FORMAT) :]))
        return Profile(body["rows"], {name: _unpack(packed) for name, packed in body["columns"].items()})

    def save(self, path: str | Path) -> None:
        Path(path).write_bytes(self.to_bytes())

    @staticmethod
    def load(path: str | Path) -> Profile:
        return Profile.from_bytes(Path(path).read_bytes())


def _summary(name: str, column: Column) -> dict[str, Any]:
    line: dict[str, Any] = {"name": name, "kind": column.kind, "n": column.n, "nulls": column.nulls}
    if column.kind == "numeric":
        bounds = column.range()
        values, counts = column.buckets.values(), column.buckets.counts
        mean = float(np.average(values, weights=counts)) if len(values) else None
        return (
            line
            | {"infinite": column.infinite, "mean": mean}
            | dict(zip(("min", "max"), bounds or (None, None), strict=True))
        )
    return line | {"distinct": len(column.categories), "top": column.categories.most_common(5)}


def _pack(column: Column) -> list[Any]:
    b = column.buckets
    gaps = np.diff(b.keys, prepend=0).tolist()
    return [
        column.kind,
        column.n,
        column.nulls,
        column.infinite,
        b.shift,
        gaps,
        b.counts.tolist(),
        dict(column.categories),
    ]


def _unpack(packed: list[Any]) -> Column:
    kind, n, nulls, infinite, shift, gaps, counts, categories = packed
    keys = np.cumsum(np.array(gaps, dtype=np.int64))
    buckets = Buckets(shift, keys, np.array(counts, dtype=np.int64))
    return Column(kind, n, nulls, infinite, buckets, Counter(categories))
