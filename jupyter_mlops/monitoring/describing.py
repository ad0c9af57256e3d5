"""What a profiled column is, in the words and figures that a person is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from jupyter_mlops.monitoring.buckets import Buckets
from jupyter_mlops.monitoring.curves import curve

Column = Any  # of a profile, which imports this module to tell itself, so that it cannot be named here

_QUANTILES = {"p01": 0.01, "p25": 0.25, "median": 0.5, "p75": 0.75, "p99": 0.99}
_TOP = 5
OPAQUE = ("nested", "binary")  # counted only as there or not
_WORDS = 3
_STORED = {
    "bool": "boolean",
    "timestamp": "datetime",
    "date": "datetime",
    "duration": "duration",
    "time": "time",
    "binary": "binary",
    "large_binary": "binary",
    "fixed_size_binary": "binary",
    "list": "nested",
    "large_list": "nested",
    "fixed_size_list": "nested",
    "struct": "nested",
    "map": "nested",
}


def held(column: Column) -> str:
    """The column's kind in a person's word, by how it is stored; strings of three words and more are text."""
    found = {_STORED.get(_stem(stored), column.kind) for stored in column.type.split("|")}
    kind = found.pop() if len(found) == 1 else column.kind
    return "text" if kind == "categorical" and column.text.words.n >= _WORDS * max(1, column.text.n) else str(kind)


def _stem(stored: str) -> str:
    """Arrow's word without its unit, width, zone or inner types."""
    return stored.split("[")[0].split("<")[0].rstrip("0123456789")


def described(name: str, column: Column) -> dict[str, Any]:
    line = {"name": name, "kind": column.holds, **{key: getattr(column, key) for key in ("type", "n", "nulls")}}
    if column.kind == "numeric":
        return line | _numbers(column)
    if column.holds in OPAQUE:
        return line | {"distinct": None, "top": [], "text": None}
    top = [list(pair) for pair in column.categories.named.most_common(_TOP)]
    text = column.text.as_dict() if column.text.n else None
    return line | {"distinct": column.categories.distinct, "top": top, "text": text}


def _numbers(column: Column) -> dict[str, Any]:
    """`distinct` and `top` are known, and not None, while the column has 8,192 different values at most."""
    b, bounds = column.buckets, column.range()
    mean, deviation = moments(b)
    often = np.argsort(-b.counts, kind="stable")[:_TOP]
    top = [[float(v), int(n)] for v, n in zip(b.values()[often], b.counts[often], strict=True)] if not b.shift else None
    found: dict[str, Any] = {"nan": column.nan, "infinite": column.infinite, "mean": mean, "std": deviation}
    found |= dict(zip(("min", "max"), bounds or (None, None), strict=True)) | _quantiles(b)
    found |= {"distinct": None if b.shift else len(b.keys), "top": top}
    return found | ({"from": _moment(bounds[0]), "to": _moment(bounds[1])} if bounds and column.temporal else {})


def _quantiles(buckets: Buckets) -> dict[str, float | None]:
    if not len(buckets.keys):
        return dict.fromkeys(_QUANTILES)
    found = curve(buckets).quantiles(np.array(list(_QUANTILES.values())))
    return dict(zip(_QUANTILES, found.tolist(), strict=True))


def _moment(seconds: float) -> str | None:
    """As a date is written; None beyond the years that can be."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def moments(buckets: Buckets) -> tuple[float | None, float | None]:
    """Mean and standard deviation (of the population), of the values their buckets stand for."""
    if not len(buckets.keys):
        return None, None
    values, counts = buckets.values(), buckets.counts
    scale = float(np.abs(values).max()) or 1.0
    mean = float(np.average(values / scale, weights=counts))
    spread = float(np.average((values / scale - mean) ** 2, weights=counts)) ** 0.5
    return mean * scale, spread * scale
