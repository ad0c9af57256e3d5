"""In the kernel of a job: which files its code reads, told to the supervisor line by line as it happens.

Python's own audit events tell of every file that Python opens. Libraries that open files below Python are wrapped (pyarrow)
or named (the others), so that the supervisor knows when it cannot know. Costs a few microseconds for each file opened.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import Any

FILE = "MLOPS_INPUTS"
_UNSEEN = ("polars", "duckdb", "pyspark", "tensorflow", "h5py", "netCDF4", "rasterio", "lance", "vaex", "datatable")
_READ_NO_DATA = (
    "lscpu",
    "ldconfig",
    "uname",
    "git",
    "gcc",
    "cc",
    "ld",
    "nvidia-smi",
    "nproc",
    "sysctl",
)  # libraries ask these
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC


def observe() -> None:
    """From now on; once, and only where a supervisor asked for it."""
    place = os.environ.pop(FILE, "")
    if not place:
        return
    notes = _Notes(place)
    for module in sys.modules.copy().values():
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            notes.note("r", file)
    notes.heard("open", (os.devnull, "r", 0))
    notes.note("begin", "")
    sys.addaudithook(notes.heard)


class _Notes:
    def __init__(self, place: str) -> None:
        self._place = place
        self._mine = threading.local()
        self._wrapped = False
        self._told: set[tuple[str, str]] = set()
        home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
        self._ours = tuple(
            {sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix), home, "/proc/", "/dev/", "/sys/"}
        )

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """What an audit hook raises would stop the very call it hears of, so nothing is."""
        if getattr(self._mine, "busy", False):
            return
        with suppress(Exception):
            self._hear(event, arguments)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = any(c in mode for c in "wax+") if isinstance(mode, str) else bool((flags or 0) & _WRITES)
            self.note("w" if writes else "r", path)
            self._wrap_what_came()
        elif event in _HEARD:
            _HEARD[event](self, arguments)

    def imported(self, arguments: tuple[Any, ...]) -> None:
        package = arguments[0].partition(".")[0]
        if package in _UNSEEN:
            self.note("unseen", package)

    def listed(self, arguments: tuple[Any, ...]) -> None:
        asking = sys._getframe(3).f_code.co_filename  # past `_hear` and `heard`
        if not asking.startswith("<frozen importlib"):  # which looks through every folder it imports from
            self.note("d", arguments[0] if arguments and arguments[0] is not None else os.getcwd())  # noqa: PTH109

    def connected(self, arguments: tuple[Any, ...]) -> None:
        if not _local(arguments[1]):
            self.note("unseen", "the network")

    def started(self, arguments: tuple[Any, ...]) -> None:
        words = arguments[1] if len(arguments) > 1 else ""
        program = words if isinstance(words, str) else os.fspath(words[0]) if words else ""
        name = os.path.basename(str(program).partition(" ")[0])  # noqa: PTH119
        if name not in _READ_NO_DATA:
            self.note("unseen", f"a process it started ({name or 'a shell'})")

    def _wrap_what_came(self) -> None:
        """pyarrow's readers open files in C++; each is asked what it opens as it is called."""
        parquet = sys.modules.get("pyarrow.parquet.core")
        if self._wrapped or parquet is None or not hasattr(parquet, "read_table"):
            return
        self._wrapped = True
        for name in ("ParquetDataset", "ParquetFile"):
            kind = getattr(parquet, name, None)
            if kind is not None:
                kind.__init__ = _telling(kind.__init__, self)

    def note(self, what: str, path: Any) -> None:
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if not isinstance(path, str) or "\n" in path:
            return
        if what in "rwd":
            path = os.path.abspath(path)  # noqa: PTH100
            if path.startswith(self._ours):
                return
        if (what, path) not in self._told:
            self._told.add((what, path))
            self._write(f"{what} {path}\n".encode("utf-8", "surrogateescape"))

    def _write(self, line: bytes) -> None:
        """Opened each time: a number kept open may be another file's by now, in a fork that closed all it had."""
        self._mine.busy = True
        try:
            handle = os.open(self._place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, line)
            finally:
                os.close(handle)
        finally:
            self._mine.busy = False


def _local(address: Any) -> bool:
    host = address[0] if isinstance(address, tuple) and address else ""
    return not isinstance(host, str) or host in ("", "localhost", "::1") or host.startswith("127.")


def _telling(function: Any, notes: _Notes) -> Any:
    from functools import wraps

    @wraps(function)
    def told(self: Any, source: Any, *args: Any, **kwargs: Any) -> Any:
        for path in source if isinstance(source, list | tuple) else [source]:
            path = os.fspath(path) if isinstance(path, os.PathLike) else path
            if isinstance(path, str) and "://" in path and not path.startswith("file://"):
                notes.note("unseen", "the network")
            elif isinstance(path, str):
                notes.note("r", path.removeprefix("file://"))
        return function(self, source, *args, **kwargs)

    return told


_HEARD = {
    "import": _Notes.imported,
    "socket.connect": _Notes.connected,
    "sqlite3.connect": lambda notes, arguments: notes.note("r", arguments[0]),
    "subprocess.Popen": _Notes.started,
    "os.system": lambda notes, _arguments: notes.note("unseen", "a process it started (a shell)"),
    "os.forkpty": lambda notes, _arguments: notes.note("unseen", "a process it started (a shell)"),
    "os.listdir": _Notes.listed,
    "os.scandir": _Notes.listed,
}
