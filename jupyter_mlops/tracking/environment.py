"""Where a cell ran: interpreter, packages in use, hardware, threads, memory, and the local modules it imported."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
import sysconfig
from pathlib import Path
from typing import Any

_MOST_SOURCE = 200_000  # bytes of one local module
_MOST_MODULES = 100
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Going through thousands of modules at each cell would take longer than all the rest: each is looked at once.
_looked_at: set[str] = set()
_packaged: set[str] = set()
_own: dict[str, str] = {}
"""The files of modules that are no package's."""
_STDLIB = (sysconfig.get_path("stdlib") + os.sep, str(Path(__file__).parents[1]))


def environment() -> dict[str, Any]:
    """Interpreter, platform, and the top-level modules imported from packages; their versions are looked up when shipped."""
    return {
        "python": platform.python_version(),
        "platform": sys.platform,
        "machine": platform.machine(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": _physical_memory(),
        "threads": {name: os.environ[name] for name in _THREADS if name in os.environ},
        "modules": _packages(),
    }


def _packages() -> list[str]:
    _look()
    return sorted(_packaged.intersection(sys.modules.copy()))


def _look() -> None:
    """Sort the modules imported since the last look."""
    # Copied in one step: a list of the items is made one by one, and a collection meanwhile may import.
    modules = sys.modules.copy()
    if _looked_at.issuperset(modules):
        return
    for name, module in modules.items():
        if name not in _looked_at:
            _sort(name, str(getattr(module, "__file__", None) or ""))
    _looked_at.update(modules)


def _sort(name: str, path: str) -> None:
    packaged = "-packages" in path
    if packaged and "." not in name and not name.startswith("_"):
        _packaged.add(name)
    if path.endswith(".py") and not packaged and not path.startswith(_STDLIB) and name != "__main__":
        _own[name] = path


def _physical_memory() -> int | None:
    with contextlib.suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def local_modules(folder: Path) -> list[dict[str, str]]:
    """Modules imported from files of the person's own, below the project or beside the notebook: name, path, digest, text."""
    _look()
    inside = f"{folder}{os.sep}"
    found = []
    for name, path in _own.copy().items():  # another thread may look at the same time
        if path.startswith(inside) and name in sys.modules:
            text = _text(path)
            if text is not None:
                digest = hashlib.sha256(text).hexdigest()
                found.append({"name": name, "path": path, "digest": digest, "text": text.decode()})
    return found[:_MOST_MODULES]


def _text(path: str) -> bytes | None:
    try:
        text = Path(path).read_bytes()
        text.decode()
    except (OSError, UnicodeDecodeError):
        return None
    return text if len(text) <= _MOST_SOURCE else None


class PeakMemory:
    """The most memory resident since this was made, in bytes, where the system can tell; else None."""

    def __init__(self) -> None:
        self._reset = False
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
            self._reset = True

    def read(self) -> int | None:
        if not self._reset:
            return None
        with contextlib.suppress(OSError, ValueError, StopIteration):
            lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
            line = next(line for line in lines if line.startswith("VmHWM"))
            return int(line.split()[1]) * 1024
        return None
