"""A data set's profile: one column after another, in bounded memory, mergeable exactly, small on disk."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring import packing
from jupyter_mlops.monitoring.buckets import Buckets, empty
from jupyter_mlops.monitoring.categories import SAVED, Categories
from jupyter_mlops.monitoring.describing import described, held
from jupyter_mlops.monitoring.pairs import Names, Pair
from jupyter_mlops.monitoring.texts import Text

FORMAT = packing.FORMAT
Kind = Literal["numeric", "categorical"]


@dataclass(frozen=True)
class Column:
    """`n` counts all rows; nulls and infinities are in no bucket. Times are seconds since 1970, flags categories. `text` is how
    strings are written.

    `type` is Arrow's word for how the values were stored; of parts that differ, all of them. `nan` of the nulls are NaN.
    """

    kind: Kind
    n: int = 0
    nulls: int = 0
    infinite: int = 0
    buckets: Buckets = field(default_factory=empty)
    categories: Categories = field(default_factory=Categories)
    type: str = ""
    text: Text = field(default_factory=Text)
    nan: int = 0

    def merge(self, other: Column, name: str = "a column") -> Column:
        kind = self.kind if self.present or not other.present else other.kind
        if self.present and other.present and self.kind != other.kind:
            raise BadInput(
                f"{name} is {self.holds} in one part and {other.holds} in another",
                "profile parts of one data set, or make its type one",
                column=name,
            )
        types = sorted({*self.type.split("|"), *other.type.split("|")} - {"", "null"})
        return Column(
            kind,
            self.n + other.n,
            self.nulls + other.nulls,
            self.infinite + other.infinite,
            self.buckets.merge(other.buckets),
            self.categories.merge(other.categories),
            "|".join(types),
            self.text.merge(other.text),
            self.nan + other.nan,
        )

    @property
    def holds(self) -> str:
        """Its kind in a person's word: also boolean, datetime, duration, text, nested, binary."""
        return held(self)

    @property
    def seen(self) -> int:
        """Rows with a value that could be compared."""
        return self.buckets.n if self.kind == "numeric" else self.categories.n

    @property
    def present(self) -> bool:
        """Whether there is any value at all, which is what tells its kind."""
        return self.n > self.nulls

    @property
    def integral(self) -> bool:
        return bool(self.type) and all(t.lstrip("u").startswith("int") for t in self.type.split("|"))

    @property
    def temporal(self) -> bool:
        return bool(self.type) and all(t.startswith(("timestamp", "date")) for t in self.type.split("|"))

    def range(self) -> tuple[float, float] | None:
        return self.buckets.range()


@dataclass(frozen=True)
class Profile:
    """`lost` says in sentences what could not be read; the rest was. `pairs` are those that were chosen, by sorted names."""

    rows: int
    columns: dict[str, Column]
    lost: tuple[str, ...] = ()
    pairs: dict[Names, Pair] = field(default_factory=dict)

    def merge(self, other: Profile) -> Profile:
        """The profile of both data sets together; a column that only one has counts as null in the other."""
        names = dict.fromkeys([*self.columns, *other.columns])
        merged = {}
        for name in names:
            kind = (self.columns.get(name) or other.columns[name]).kind
            one = self.columns.get(name) or Column(kind, self.rows, self.rows)
            two = other.columns.get(name) or Column(kind, other.rows, other.rows)
            merged[name] = one.merge(two, f"column {name!r}")
        chosen = sorted({*self.pairs, *other.pairs})
        pairs = {names: self.pairs.get(names, Pair()).merge(other.pairs.get(names, Pair())) for names in chosen}
        return Profile(self.rows + other.rows, merged, (*self.lost, *other.lost), pairs)

    def as_dict(self) -> dict[str, Any]:
        columns = [described(name, column) for name, column in self.columns.items()]
        pairs = [{"columns": list(names), **pair.as_dict()} for names, pair in self.pairs.items()]
        return {"rows": self.rows, "columns": columns, "pairs": pairs, "lost": list(self.lost)}

    def to_bytes(self) -> bytes:
        """Compact, the same for the same profile. Beyond 8,192 hashed categories a column keeps a sample of them."""
        packed = {name: _pack(column) for name, column in self.columns.items()}
        pairs = [[*names, pair.n, *map(hex, pair.sums)] for names, pair in sorted(self.pairs.items())]
        return packing.pack({"rows": self.rows, "lost": list(self.lost), "pairs": pairs}, packed)

    @staticmethod
    def from_bytes(data: bytes) -> Profile:
        """BadInput when these bytes are no profile."""
        head, packed = packing.unpack(data)
        columns = {name: _unpack(*parts) for name, parts in packed.items()}
        pairs = {(a, b): Pair(n, tuple(int(s, 16) for s in sums)) for a, b, n, *sums in head.get("pairs", [])}
        return Profile(head["rows"], columns, tuple(head["lost"]), pairs)

    def save(self, path: str | Path) -> None:
        Path(path).write_bytes(self.to_bytes())

    @staticmethod
    def load(path: str | Path) -> Profile:
        return Profile.from_bytes(Path(path).read_bytes())


def _pack(column: Column) -> tuple[dict[str, Any], list[packing.Ints]]:
    b, c = column.buckets, column.categories.bounded(SAVED)
    head = {name: getattr(column, name) for name in ("kind", "n", "nulls", "infinite", "type")}
    head |= {"shift": b.shift, "most": [b.most, c.most], "categorised": c.n, "level": c.level}
    head["named"] = dict(sorted(c.named.items()))
    text, parts = column.text.packed()
    return head | {"text": text, "nan": column.nan}, [
        b.keys,
        b.counts,
        b.least,
        b.greatest,
        c.hashes.view(np.int64),
        c.counts,
        *parts,
    ]


def _unpack(head: dict[str, Any], parts: list[packing.Ints]) -> Column:
    keys, counts, least, greatest, hashes, times = parts[:6]
    buckets = Buckets(head["shift"], keys, counts, least, greatest, head["most"][0])
    named = Counter(head["named"])
    categories = Categories(head["categorised"], named, hashes.view(np.uint64), times, head["level"], head["most"][1])
    whole = (head["n"], head["nulls"], head["infinite"])
    text = Text.unpacked(head["text"], parts[6:]) if "text" in head else Text()
    more = {"type": head["type"], "text": text, "nan": head.get("nan", 0)}
    return Column(head["kind"], *whole, buckets=buckets, categories=categories, **more)
