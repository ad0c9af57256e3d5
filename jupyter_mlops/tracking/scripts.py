"""`with track("churn"):` in scripts and functions, where there is no cell."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_mlops.tracking.cell import Cell, Options, Source
from jupyter_mlops.tracking.launching import ship_soon
from jupyter_mlops.tracking.session import Session


@contextmanager
def track(name: str = "", *, note: str = "") -> Iterator[Cell]:
    """Track the block; what it fitted and scored becomes a run. Gives the Cell, whose metrics may be added to."""
    frame = sys._getframe(2)
    file = Path(frame.f_code.co_filename)
    try:
        source = inspect.getsource(frame)
    except OSError:
        source = ""
    session = Session(file.stem if file.suffix == ".py" else "script", path=str(file))
    with session.track(Source(source, source), frame.f_locals, Options(name=name, note=note)) as cell:
        try:
            yield cell
        finally:
            _ = frame.f_locals  # a function's locals are copied into this mapping when it is asked for
    ship_soon(session.folder)
