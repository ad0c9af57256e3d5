"""Metrics by hand and by epoch: `log(loss=0.3, step=12)` in a tracked cell or block, on disk when it returns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_mlops.errors import BadInput
from jupyter_mlops.tracking.cell import Cell
from jupyter_mlops.tracking.seeing import number

_open: list[tuple[Cell, Any, Callable[[], None]]] = []


@contextmanager
def streaming(cell: Cell, record: Any, begun: Callable[[], None]) -> Iterator[None]:
    """While this lasts, `log` goes to this cell; `begun` is called before its first line, for a record that may lack its own."""
    _open.append((cell, record, begun))
    try:
        yield
    finally:
        _open.pop()


def log(*, step: int | None = None, **metrics: float) -> None:
    """Add metrics to the tracked cell or block under way; with `step`, a point of each one's curve.

    Outside of one, nothing is lost in silence: it raises BadInput. A value that is no number raises BadInput too.
    """
    if not _open:
        raise BadInput(
            "log() outside of a tracked block", "call it in a cell with %%track, or inside `with track(...)`"
        )
    cell, record, begun = _open[-1]
    try:
        values = {name: value if type(value) is float else _figure(value) for name, value in metrics.items()}
    except (TypeError, ValueError) as error:
        raise BadInput(f"log(): a metric is a number: {error}", "log text as a tag or a parameter") from error
    begun()
    cell.streamed |= values
    try:
        record.write({"event": "metrics", "values": values, "step": step or 0, "ms": time.time_ns() // 1_000_000})
    except OSError:
        return  # it waits in memory, and the cell's own record will say so


def _figure(value: Any) -> float:
    """A tensor that is still learned from gives its number without a warning only if asked for it so."""
    found = number(value)
    return float(value) if found is None else found
