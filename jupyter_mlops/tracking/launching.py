"""The shipper is a process of its own, so that no kernel imports MLflow for us and a killed kernel's records still arrive."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from jupyter_mlops import config

LOCK = "shipper.lock"


def ship_soon(folder: Path) -> None:
    """Start a shipper for the project around this folder, unless a supervisor ships or one is at it already."""
    if not config.ship_in_background():
        return
    from jupyter_mlops.project import HOME, root_around

    root = root_around(folder)
    if _at_work(root / HOME / LOCK):
        return
    try:
        subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlops.tracking.shipper", str(root)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return  # no more processes here; the record stays in the journal, for whoever ships next


def _at_work(lock: Path) -> bool:
    """Whether a shipper holds its lock: it lingers, and will find what was just written."""
    try:
        with lock.open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
