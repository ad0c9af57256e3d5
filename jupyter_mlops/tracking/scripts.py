"""`with track("churn"):` in scripts, in functions, and within a notebook's cell."""

from __future__ import annotations

import ast
import inspect
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import dedent
from types import FrameType
from typing import Any

from jupyter_mlops.masking import mask
from jupyter_mlops.tracking.cell import Cell, Options, Source
from jupyter_mlops.tracking.launching import ship_soon
from jupyter_mlops.tracking.session import Session

_notebooks: list[Session] = []
_times: Counter[int] = Counter()  # blocks tracked so far: in a script 0 -> n, in a notebook cells executed before -> n


def serve(session: Session) -> None:
    """From now on blocks are tracked as parts of this notebook's cells."""
    _notebooks[:] = [session]


@contextmanager
def track(name: str = "", *, note: str = "") -> Iterator[Cell]:
    """Track the block; what it fitted and scored becomes a run. Gives the Cell, whose metrics may be added to."""
    frame = sys._getframe(2)
    session, source, again = _in_a_cell(frame) or _in_a_script(frame) or _elsewhere(frame)
    executed = len(session.history.cells)
    _times[executed] += 1
    options = Options(name=name, note=note, again=again and {**again, "nth": _times[executed]})
    with session.track(source, frame.f_locals, options) as cell:
        try:
            yield cell
        finally:
            _ = frame.f_locals  # a function's locals are copied into this mapping when it is asked for
    ship_soon(session.folder)


_Place = tuple[Session, Source, dict[str, Any]]


def _in_a_cell(frame: FrameType) -> _Place | None:
    if not _notebooks or _notebooks[0].running is None:
        return None
    running = _notebooks[0].running
    return _notebooks[0], Source(running.text, running.python, block=_around(frame)), {"file": "", "argv": []}


def _in_a_script(frame: FrameType) -> _Place | None:
    """What a replay runs is the whole script, as it is now, with the words that it was started with."""
    main = sys.modules.get("__main__")
    file = Path(getattr(main, "__file__", None) or "")
    if file.suffix != ".py" or getattr(main, "__spec__", None) is not None:
        return None
    try:
        source = file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    again = {"file": str(file.resolve()), "argv": [mask(word) for word in sys.argv[1:]]}
    return Session(file.stem, path=str(file)), Source(source, source, block=_around(frame)), again


def _around(frame: FrameType) -> str:
    """The body of the function that the block stands in, whose names are then those of the block; empty where there is none."""
    if frame.f_code.co_name == "<module>":
        return ""
    with suppress(OSError, SyntaxError, ValueError):
        [function] = ast.parse(dedent(inspect.getsource(frame))).body
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            return ast.unparse(ast.Module(function.body, []))
    return ""


def _elsewhere(frame: FrameType) -> _Place:
    """A module run by another program: its function is kept, and what called it is not ours to start."""
    file = Path(frame.f_code.co_filename)
    try:
        source = inspect.getsource(frame)
    except OSError:
        source = ""
    return Session(file.stem if file.suffix == ".py" else "script", path=str(file)), Source(source, source), {}
