"""The shipper is a process of its own, so that no kernel imports MLflow for us and a killed kernel's records still arrive."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from jupyter_mlops import config


def ship_soon(folder: Path) -> None:
    """Start a shipper for the project around this folder, unless a supervisor ships or one is at it already."""
    if not config.ship_in_background():
        return
    from jupyter_mlops.project import find

    root = find(config.project_dir() or folder).root
    subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlops.tracking.shipper", str(root)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
