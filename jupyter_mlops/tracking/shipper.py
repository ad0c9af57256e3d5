"""`python -m jupyter_mlops.tracking.shipper ROOT`: ship what waits, linger for more, leave. One at a time for a project."""

from __future__ import annotations

import fcntl
import sys
import time
from pathlib import Path

LINGER = 20.0
EVERY = 0.5


def main(root: Path) -> None:
    from jupyter_mlops.project import load
    from jupyter_mlops.tracking import journal
    from jupyter_mlops.tracking.shipping import ship

    project = load(root)
    with (project.home / "shipper.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # another one is at it, and lingers for what we came for
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < LINGER:
            if any(journal.waiting(project.home)) and ship(project).count:
                idle_since = time.monotonic()
            time.sleep(EVERY)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
