"""The servers of a project that run: each keeps a locked file that says where it is and by which versions it answers."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops.project import Project

FOLDER = "endpoints"
TOUCH_EVERY = 15.0
# Seconds: the lock of a server on another host may not be seen from here, so its sign of life counts.
BELIEVED_FOR = 60.0


@dataclass(frozen=True)
class Running:
    """`models` maps each model's name to the version that answers."""

    url: str
    host: str
    pid: int
    models: dict[str, int]


class Presence:
    """This server's own file. What cannot be written is left unsaid: nobody waits for it."""

    def __init__(self, project: Project, url: str) -> None:
        self._url = url
        self._file = project.home / FOLDER / f"{uuid.uuid4().hex}.json"
        self._said: dict[str, int] | None = None
        self._touched = 0.0
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def say(self, models: dict[str, int]) -> None:
        now = time.monotonic()
        if models == self._said and now - self._touched < TOUCH_EVERY:
            return
        content = {"url": self._url, "host": socket.gethostname(), "pid": os.getpid(), "models": models}
        with contextlib.suppress(OSError):
            text = json.dumps(content).encode()
            os.pwrite(self._lock, text, 0)  # in place, since a lock belongs to the file and not to its name
            os.ftruncate(self._lock, len(text))
            self._said, self._touched = dict(models), now

    def close(self) -> None:
        self._file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            os.close(self._lock)


def running(project: Project) -> list[Running]:
    """Those that are alive; files of dead ones are removed."""
    folder = project.home / FOLDER
    found = [_alive(file) for file in sorted(folder.glob("*.json"))] if folder.is_dir() else []
    return [one for one in found if one is not None]


def _alive(file: Path) -> Running | None:
    try:
        with file.open("rb") as handle:
            said = Running(**json.loads(handle.read()))
            fresh = time.time() - os.fstat(handle.fileno()).st_mtime < BELIEVED_FOR
            if said.host != socket.gethostname():
                return said if fresh else None
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (OSError, ValueError, TypeError) as error:
        return said if isinstance(error, BlockingIOError) else None
    file.unlink(missing_ok=True)
    return None
