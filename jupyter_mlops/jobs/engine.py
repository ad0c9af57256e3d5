"""The papermill engine: the notebook's own kernel, warm when it is Python, in its own folder, with its own environment.

papermill's `cwd` changes the directory of the whole process, which several jobs share; here the kernel alone is given it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.utils import run_sync
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager

from jupyter_mlops import config
from jupyter_mlops.jobs.connecting import context, ready
from jupyter_mlops.jobs.notebooks import first_line, write_notebook
from jupyter_mlops.jobs.watching import Watch
from jupyter_mlops.kernels import WARM_KERNEL

PLAIN_PYTHON = ("python3", "python", "", None)
MOST_OUTPUT = 8 << 20  # characters a notebook may print; what is beyond is left out, and said so
LEAST_OUTPUT = 64 << 10  # that each cell may print all the same, whatever the cells before it did
_SOON = 0.7  # seconds from an output to the file
_SAVE_SHARE = 10.0  # a save that takes longer waits this many times as long before the next
_OBSERVE = "from jupyter_mlops.kernels import observe as _o; _o(); del _o"


class Exited(Exception):
    """A cell called `exit()` with cells still to run."""


class Client(PapermillNotebookClient):  # type: ignore[misc]  # papermill ships no types
    """Runs the cells of one job, watched; output without end is cut."""

    watch: Watch | None = None
    observed = False

    def __init__(self, nb_man: Any, **options: Any) -> None:
        super().__init__(nb_man, raise_on_iopub_timeout=False, iopub_timeout=60, **options)
        self.on_cell_executed = self._after_cell
        self._printed = 0
        self._cell, self._room = -1, 0

    def create_kernel_manager(self) -> Any:
        manager = super().create_kernel_manager()
        manager.context = context()
        return manager

    async def async_start_new_kernel_client(self) -> Any:
        client = self.kc = self.km.client()
        client.start_channels()
        try:
            await ready(client, self.startup_timeout)
        except Exception:  # whatever it was, no kernel is left behind
            await self._async_cleanup_kernel()
            raise
        client.allow_stdin = False
        return client

    start_new_kernel_client = run_sync(async_start_new_kernel_client)

    def papermill_execute_cells(self) -> None:
        provisioner = self.km.provisioner
        if self.watch is not None:
            self.watch.attach(getattr(provisioner, "pid", None), getattr(provisioner, "process", None))
        if self.observed:
            self.kc.execute(_OBSERVE, silent=True, store_history=False)
        try:
            super().papermill_execute_cells()
        finally:
            if self.watch is not None:
                self.watch.look()

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        if cell_index != self._cell:
            self._cell, self._room = cell_index, max(MOST_OUTPUT - self._printed, LEAST_OUTPUT)
        size = _size(msg)
        if not size or size <= self._room:
            self._room -= size
            self._printed += size
        elif self._room < 0:  # it was said already
            self.nb_man.autosave_cell()
            return None
        else:
            _cut(msg, self._room)
            self._room = -1
        return super().process_message(msg, cell, cell_index)

    def _after_cell(self, cell: Any, cell_index: int, execute_reply: Any) -> None:  # noqa: ARG002  # nbclient's names
        asked = any(p.get("source") == "ask_exit" for p in execute_reply["content"].get("payload", []))
        if asked and any(c.cell_type == "code" and c.source.strip() for c in self.nb.cells[cell_index + 1 :]):
            raise Exited


def _cut(message: Any, room: int) -> None:
    """The message becomes as much of its text as there is room for, and a line that says so."""
    kept = message["content"]["text"][:room] if message["msg_type"] == "stream" else ""
    message["msg_type"] = message["header"]["msg_type"] = "stream"
    said = f"{kept}\n[output beyond {MOST_OUTPUT >> 20} MB is left out]\n"
    message["content"] = {"name": message["content"].get("name", "stderr"), "text": said}


def _size(message: Any) -> int:
    if message["msg_type"] == "stream":
        return len(message["content"]["text"])
    if message["msg_type"] in ("display_data", "execute_result", "update_display_data"):
        return sum(len(v) for v in message["content"]["data"].values() if isinstance(v, str))
    return 0


class Manager(NotebookExecutionManager):  # type: ignore[misc]
    """Saves the notebook as it goes: whole or not at all, without its secrets, and soon enough to be followed."""

    def __init__(self, node: Any, output: Path, masked: Callable[[Any], Any]) -> None:
        super().__init__(node, output_path=str(output), progress_bar=False)
        self.masked = masked
        self.cell_done: Callable[[int, int, str], None] = lambda _done, _all, _line: None
        self._due: asyncio.TimerHandle | None = None
        self._took = 0.0

    def save(self, **_: Any) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        began = time.monotonic()
        write_notebook(self.masked(self.nb), Path(self.output_path))
        self._took = time.monotonic() - began

    def autosave_cell(self) -> None:
        """An output came: it is saved within a second (a large notebook later), even if none follows it.

        papermill looks at the clock only as an output comes, so the last words of a long silent cell would wait for its end.
        """
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(max(_SOON, _SAVE_SHARE * self._took), self._save_quietly)

    def _save_quietly(self) -> None:
        with contextlib.suppress(OSError):  # the end of the cell saves too, and there it is told
            self.save()

    def cell_start(self, cell: Any, cell_index: int | None = None, **more: Any) -> None:
        super().cell_start(cell, cell_index=cell_index, **more)
        self.cell_done(cell_index or 0, len(self.nb.cells), first_line(cell.source))

    def cell_complete(self, cell: Any, cell_index: int | None = None, **more: Any) -> None:
        super().cell_complete(cell, cell_index=cell_index, **more)
        self.cell_done((cell_index or 0) + 1, len(self.nb.cells), "")


class WarmEngine(Engine):  # type: ignore[misc]
    """`papermill --engine mlops-warm`."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        watch: Watch | None = None,
        observed: bool = False,
        kernel: Any = None,
        start_timeout: int = 120,
        execution_timeout: int | None = None,
        **_papermill_options: Any,
    ) -> None:
        name = WARM_KERNEL if kernel_name in PLAIN_PYTHON and _warm() else kernel_name or "python3"
        client = Client(
            nb_man,
            km=kernel,
            kernel_name=name,
            startup_timeout=start_timeout,
            timeout=execution_timeout,
            shutdown_kernel="immediate",
        )
        client.watch, client.observed = watch, observed
        client.owns_km = True  # one that was given is shut down all the same
        client.execute(env={**os.environ, **(env or {})}, cwd=cwd or os.getcwd())  # noqa: PTH109


def _warm() -> bool:
    """Whether warm kernels are wanted, and their kernelspec is installed where this Python looks for it."""
    return config.warm_kernels() and WARM_KERNEL in KernelSpecManager().find_kernel_specs()


def execute(manager: Manager, kernel_name: str, **options: Any) -> None:
    """As papermill's own `execute_notebook`, with the manager given."""
    manager.notebook_start()
    try:
        WarmEngine.execute_managed_notebook(manager, kernel_name, **options)
    finally:
        manager.notebook_complete()
