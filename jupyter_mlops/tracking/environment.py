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
_packaged: dict[str, bool] = {}
_files: dict[str, str] = {}
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
    # Copied in one step: a list of the items is made one by one, and a collection meanwhile may import.
    for name, module in sys.modules.copy().items():
        if name not in _packaged:
            top = "." not in name and not name.startswith("_")
            _packaged[name] = top and "-packages" in (getattr(module, "__file__", None) or "")
    return sorted(name for name, packaged in _packaged.items() if packaged and name in sys.modules)


def _physical_memory() -> int | None:
    with contextlib.suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def local_modules(folder: Path) -> list[dict[str, str]]:
    """Modules imported from files of the person's own, below the project or beside the notebook: name, path, digest, text."""
    inside = f"{folder}{os.sep}"
    found = []
    for name, path in list(_own().items()):  # another thread may look at the same time
        if path.startswith(inside) and name in sys.modules:
            text = _text(path)
            if text is not None:
                digest = hashlib.sha256(text).hexdigest()
                found.append({"name": name, "path": path, "digest": digest, "text": text.decode()})
    return found[:_MOST_MODULES]


def _own() -> dict[str, str]:
    for name, module in sys.modules.copy().items():
        if name not in _files:
            path = str(getattr(module, "__file__", None) or "")
            own = path.endswith(".py") and "-packages" not in path and not path.startswith(_STDLIB)
            _files[name] = path if own and name != "__main__" else ""
    return _files


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
