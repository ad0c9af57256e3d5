"""Records as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any


def table(rows: Sequence[Sequence[Any]], headers: Sequence[str], empty: str) -> str:
    """Columns aligned under their headers, numbers to the right; `empty` when there are no rows."""
    if not rows:
        return empty
    cells = [[show(value) for value in row] for row in rows]
    widths = [max(len(header), *(len(row[i]) for row in cells)) for i, header in enumerate(headers)]
    right = [all(isinstance(row[i], int | float) or row[i] is None for row in rows) for i in range(len(headers))]
    lines = [list(headers), *cells]
    return "\n".join(
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True)).rstrip()
        for line in lines
    )


def show(value: Any) -> str:
    """One value, short: four significant digits, minutes for times, a dash for nothing; control characters made visible."""
    if value is None or value == "":
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(value))


def metrics(values: dict[str, float], most: int = 4) -> str:
    shown = [f"{name} {value:.4g}" for name, value in sorted(values.items())[:most]]
    return ", ".join(shown) + (f", +{len(values) - most} more" if len(values) > most else "")
