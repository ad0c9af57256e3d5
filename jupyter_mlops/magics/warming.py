"""What a tracked cell needs is imported while the kernel rests, so that the first one does not wait a second for it.

A person thinks between two cells; the next cell finds it done. Where no rest comes, as in a job, nothing is begun beside the
cells: they would share Python's lock with it, and lose what the tracked one gains.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module

from jupyter_mlops import config

RESTED = 1.0  # seconds without a cell
# Each with what must be there already: what a notebook does not use is not imported for it.
_STEPS = (
    ("jupyter_mlops.tracking.capturing", ""),
    ("jupyter_mlops.tracking.environment", ""),
    ("jupyter_mlops.tracking.observing", ""),
    ("jupyter_mlops.tracking.streaming", ""),
    ("jupyter_mlops.store", ""),
    ("jupyter_mlops.magics.showing", ""),
    ("jupyter_mlops.magics.card", ""),
    ("pyarrow.ipc", "pandas"),
    ("jupyter_mlops.tracking.writing", "sklearn"),
    ("skops.io", "sklearn"),
)


class Warming:
    """Told of each cell's begin and end. Its thread ends when all is there; a kernel that ends does not wait for it."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._busy, self._cells, self._rested = True, 0, -1
        self._thread: threading.Thread | None = None

    def begins(self) -> None:
        with self._turn:
            self._busy, self._cells = True, self._cells + 1
            self._turn.notify_all()

    def ended(self) -> None:
        with self._turn:
            self._busy = False
            self._turn.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="mlops-warming", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        left = list(_STEPS)
        while left:
            cells = self._rest()
            ready = next((step for step in left if not step[1] or step[1] in sys.modules), None)
            if ready is None:
                self._next_after(cells)
            else:
                left.remove(ready)
                _import(ready[0])

    def _rest(self) -> int:
        """Until no cell has run for a while; how many have."""
        with self._turn:
            while True:
                self._turn.wait_for(lambda: not self._busy)
                pause = 0.01 if self._rested == self._cells else RESTED
                if not self._turn.wait_for(lambda: self._busy, timeout=pause):
                    self._rested = self._cells
                    return self._cells

    def _next_after(self, cells: int) -> None:
        with self._turn:
            self._turn.wait_for(lambda: self._cells != cells)


def _import(name: str) -> None:
    try:
        import_module(name)
    except Exception:  # the cell that needs it says what is wrong with it
        if config.strict():
            raise
