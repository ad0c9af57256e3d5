"""Several processes behind one port: each accepts from the same socket, is started again when it dies, and counts for all."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import threading
from typing import Any

from jupyter_mlops.project import Project

EVERY = 1.0
_log = logging.getLogger("jupyter_mlops.serving")


class Crew:
    """The other workers of this process. `command` starts one, once the number of the socket is put after it."""

    def __init__(self, command: list[str], listener: socket.socket, count: int) -> None:
        self._command = [*command, str(listener.fileno())]
        self._listener = listener
        self._closing = threading.Event()
        self._workers = [self._start() for _ in range(count)]
        self._thread = threading.Thread(target=self._watch, name="mlops-crew", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(10)
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            try:
                worker.wait(30)
            except subprocess.TimeoutExpired:
                worker.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, pass_fds=[self._listener.fileno()], stdout=subprocess.DEVNULL)

    def _watch(self) -> None:
        while not self._closing.wait(5 * EVERY):
            for place, worker in enumerate(self._workers):
                if worker.poll() is not None:
                    _log.warning("a worker ended with status %s and is started again", worker.returncode)
                    self._workers[place] = self._start()


def end_with_parent() -> None:
    """A worker whose first process is gone ends too, as if it had been told to."""
    parent = os.getppid()

    def watch() -> None:
        while not threading.Event().wait(EVERY):
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGTERM)
                return

    threading.Thread(target=watch, name="mlops-orphan", daemon=True).start()


class Tally:
    """What each process of one server has counted, in a file each; the sum is what `/metrics` says."""

    def __init__(self, project: Project, first: int) -> None:
        self._folder = project.home / "serving" / str(first)
        self._mine = self._folder / f"{os.getpid()}.json"
        if first == os.getpid():  # a number that a server had who was killed, and which is ours by chance
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, counted: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # a full disk must not stop anybody from answering
            temporary = self._mine.with_suffix(".new")
            temporary.write_text(json.dumps(counted), encoding="utf-8")
            temporary.replace(self._mine)

    def others(self) -> list[dict[str, Any]]:
        """What the other processes last counted, those that have died among them: counters never go back."""
        found = []
        for file in sorted(self._folder.glob("*.json")):
            if file != self._mine:
                with contextlib.suppress(OSError, ValueError):
                    found.append(json.loads(file.read_text(encoding="utf-8")))
        return found

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
