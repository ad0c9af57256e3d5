"""`python -m jupyter_mlops.tracking.shipper ROOT`: ship what waits, linger for more, leave. One at a time for a project.

It stays while a cell runs, so that a kernel killed in the middle is told of within seconds, and while the tracking server
is away, so that nobody has to think of it when it is back.
"""

from __future__ import annotations

import fcntl
import sys
import time
from pathlib import Path
from typing import Any

LINGER = 20.0  # seconds without anything to do
EVERY = 0.5
AGAIN_AFTER = 5.0  # when the store did not answer
GIVE_UP_AFTER = 6 * 3600.0  # without a record shipped: what still waits is for `jupyter mlops recover`


def main(root: Path) -> None:
    from jupyter_mlops.project import load
    from jupyter_mlops.tracking import journal
    from jupyter_mlops.tracking.launching import LOCK

    project = load(root)
    while True:
        with (project.home / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return  # another one is at it, and lingers for what we came for
            gave_up = _serve(project)
        # What was written between the last look and the lock's release was left to us.
        if gave_up or not any(journal.waiting(project.home)):
            return


def _serve(project: Any) -> bool:
    from jupyter_mlops.errors import MlopsError
    from jupyter_mlops.tracking import journal
    from jupyter_mlops.tracking.shipping import ship

    busy = shipped = time.monotonic()
    while time.monotonic() - busy < LINGER:
        pause = EVERY
        if any(journal.waiting(project.home)):
            busy = time.monotonic()
            try:
                done = ship(project)
                shipped = time.monotonic() if done.count or done.waiting else shipped
                pause = AGAIN_AFTER if done.failed else EVERY
            except (MlopsError, OSError):
                pause = AGAIN_AFTER
        if time.monotonic() - shipped > GIVE_UP_AFTER:
            return True
        time.sleep(pause)
    return False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
