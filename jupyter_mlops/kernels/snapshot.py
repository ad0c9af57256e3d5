"""What a preloaded process was made of: whether a new one would be the same."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

_INSTALLED = (".dist-info", ".egg-info", ".egg-link", ".pth")
_Stamp = tuple[int, int] | None


class Snapshot:
    """Taken when the imports are done; `began` is the time (ns) at which they began."""

    def __init__(self, began: int) -> None:
        now = time.time_ns()
        self._packages = _packages()
        self._files = {path: _stamp(path) for path in _files()}
        for path, stamp in self._files.items():
            if stamp and began < stamp[0] <= now:
                self._files[path] = None  # edited meanwhile: nobody knows which text was imported

    def change(self) -> str:
        """The first difference between then and now, in words; empty when there is none."""
        if self._packages != _packages():
            return "packages were installed, upgraded or removed"
        edited = next((path for path, stamp in self._files.items() if _stamp(path) != stamp or stamp is None), None)
        return f"{edited} was edited" if edited else ""


def _files() -> set[str]:
    """Every file this process was made of: the interpreter, its environment's settings, the modules imported."""
    modules = {getattr(module, "__file__", None) for module in sys.modules.copy().values()}
    own = {sys.executable, str(Path(sys.prefix) / "pyvenv.cfg")}
    return {path for path in modules | own if path and os.path.isfile(path)}  # noqa: PTH113  # thousands of them


def _stamp(path: str) -> _Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116  # thousands of them, before each fork
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _packages() -> dict[str, int]:
    """When each installed package's own record last changed, for every folder that is imported from."""
    found = {}
    for place in sys.path:
        try:
            with os.scandir(place) as entries:
                found.update({e.path: e.stat().st_mtime_ns for e in entries if e.name.endswith(_INSTALLED)})
        except OSError:
            continue  # a zip, or a folder that is not there
    return found
