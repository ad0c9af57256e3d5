"""`with track("churn"):` in scripts and functions, where there is no cell; `log` adds a metric by hand."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_mlops.tracking.launching import ship_soon
from jupyter_mlops.tracking.session import Cell, Options, Session

_open: list[Cell] = []


@contextmanager
def track(name: str = "", *, note: str = "") -> Iterator[Cell]:
    """Track the block; what it fitted and scored becomes a run. Gives the Cell, whose metrics may be added to."""
    frame = sys._getframe(2)
    file = Path(frame.f_code.co_filename)
    try:
        source = inspect.getsource(frame)
    except OSError:
        source = ""
    session = Session(file.stem if file.suffix == ".py" else "script")
    with session.track(source, source, frame.f_locals, Options(name=name, note=note)) as cell:
        _open.append(cell)
        try:
            yield cell
        finally:
            _ = frame.f_locals  # a function's locals are copied into this mapping when it is asked for
            _open.remove(cell)
    ship_soon(session.folder)


def log(**metrics: float) -> None:
    """Add metrics to the tracked block under way; outside of one, nothing is lost in silence: it raises BadInput."""
    from jupyter_mlops.errors import BadInput

    if not _open:
        raise BadInput("log() outside of a tracked block", "call it inside `with track(...)`")
    _open[-1].metrics |= {name: float(value) for name, value in metrics.items()}
