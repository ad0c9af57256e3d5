"""How the strings of a column are written: lengths, kinds of characters, and the words most of them share.

No language is assumed: characters are told apart by their Unicode class, words by white space. Everything is a count, so that
parts merge exactly; words are counted as categories are, in bounded memory.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from unicodedata import category

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from jupyter_mlops.monitoring import packing
from jupyter_mlops.monitoring.buckets import Buckets, Keys, empty
from jupyter_mlops.monitoring.categories import SAVED, Categories, of_names
from jupyter_mlops.monitoring.counting import ordered

CLASSES = {
    "letters": "L",
    "digits": "N",
    "spaces": "Z",
    "punctuation": "PS",
}  # the first letter of Unicode's categories
_WORDS = 1000


@dataclass(frozen=True)
class Text:
    """`lengths` in characters; `classes` counts characters of each class of `CLASSES`, and `characters` all of them."""

    n: int = 0
    characters: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    lengths: Buckets = field(default_factory=empty)
    words: Categories = field(default_factory=lambda: Categories(most=_WORDS))

    def merge(self, other: Text) -> Text:
        if not self.n or not other.n:
            return self if self.n else other
        return Text(
            self.n + other.n,
            self.characters + other.characters,
            self.classes + other.classes,
            self.lengths.merge(other.lengths),
            self.words.merge(other.words).bounded(SAVED),
        )

    def as_dict(self) -> dict[str, Any]:
        low, high = self.lengths.range() or (0.0, 0.0)
        told = {name: self.classes[name] / max(1, self.characters) for name in CLASSES}
        length = {"min": low, "mean": self.characters / self.n, "max": high}
        words = {"distinct": self.words.distinct, "top": [list(pair) for pair in self.words.named.most_common(5)]}
        return {"length": length, "characters": told, "words": words}

    def packed(self) -> packing.Packed:
        w = self.words
        head = {
            "n": self.n,
            "characters": self.characters,
            "classes": {name: self.classes[name] for name in CLASSES},
            "shift": self.lengths.shift,
        }
        head |= {"words": w.n, "named": dict(sorted(w.named.items())), "level": w.level}
        b = self.lengths
        return head, [b.keys, b.counts, b.least, b.greatest, w.hashes.view(np.int64), w.counts]

    @staticmethod
    def unpacked(head: dict[str, Any], parts: list[Keys]) -> Text:
        keys, counts, least, greatest, hashes, times = parts
        lengths = Buckets(head["shift"], keys, counts, least, greatest)
        named = Counter(head["named"])
        words = Categories(head["words"], named, hashes.view(np.uint64), times, head["level"], _WORDS)
        return Text(head["n"], head["characters"], Counter(head["classes"]), lengths, words)


def of_strings(names: list[str], counts: NDArray[np.int64]) -> Text:
    """Of these strings, each so often."""
    n = int(counts.sum())
    if not n:
        return Text()
    lengths = np.fromiter(map(len, names), dtype=np.int64, count=len(names))
    classes, words = _classes(names, lengths, counts), _words(pa.array(names, pa.string()), counts)
    return Text(n, int((lengths * counts).sum()), classes, _lengths(lengths, counts), words)


def _classes(names: list[str], lengths: NDArray[np.int64], counts: NDArray[np.int64]) -> Counter[str]:
    """Characters of each class; each different character is looked up once."""
    points = np.frombuffer("".join(names).encode("utf-32-le"), dtype=np.uint32)
    times = np.bincount(points, weights=np.repeat(counts, lengths))
    found: Counter[str] = Counter()
    for point in np.flatnonzero(times).tolist():
        kind = "Z" if chr(point).isspace() else category(chr(point))[0]
        for name, kinds in CLASSES.items():
            found[name] += int(times[point]) if kind in kinds else 0
    return found


def _lengths(lengths: NDArray[np.int64], counts: NDArray[np.int64]) -> Buckets:
    held, place = np.unique(lengths, return_inverse=True)
    summed = np.bincount(place, weights=counts, minlength=len(held)).astype(np.int64)
    keys = ordered(held.astype(np.float64))
    return Buckets(0, keys, summed, keys[:0], keys[:0]).merge(empty())


def _words(values: pa.Array, counts: NDArray[np.int64]) -> Categories:
    """Each word counts once for every time it is written."""
    split = pc.utf8_split_whitespace(values)
    words = split.flatten().dictionary_encode()
    if not len(words):
        return Categories(most=_WORDS)
    each = np.repeat(counts, np.diff(split.offsets.to_numpy()))
    times = np.bincount(words.indices.to_numpy(), weights=each, minlength=len(words.dictionary)).astype(np.int64)
    names = words.dictionary.to_pylist()
    kept = [i for i, name in enumerate(names) if name]
    return of_names([names[i] for i in kept], times[kept], _WORDS).bounded(SAVED)
