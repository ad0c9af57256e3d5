"""The using process's side: one zygote, started when first needed, asked for kernels by any thread, rebuilt when stale."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from jupyter_mlops import config
from jupyter_mlops.errors import Unavailable

PRELOAD = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "IPython",
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "sklearn.pipeline",
    "sklearn.compose",
    "sklearn.preprocessing",
    "sklearn.linear_model",
    "sklearn.ensemble",
    "sklearn.model_selection",
    "sklearn.metrics",
    "skops.io",
    "jupyter_mlops.tracking",
)
START_WITHIN = 120.0
# What a library reads when it is imported: a kernel that wants another value needs a process of its own.
READ_AT_IMPORT = (
    "PYTHONPATH",
    "PYTHONHASHSEED",
    "LD_LIBRARY_PATH",
)


def unsafe() -> str:
    """Why kernels cannot be forked here, in a few words; empty where they can."""
    if not config.warm_kernels():
        return "MLOPS_WARM=0"
    if platform.system() != "Linux":
        return f"fork is not safe on {platform.system()}"
    return ""


def warm_up(preload: Sequence[str] | None = None) -> None:
    """Start the zygote in the background, so that the first kernel need not wait for its imports."""
    if not unsafe():
        threading.Thread(target=lambda: _ready(preload), name="mlops-warm-up", daemon=True).start()


def _ready(preload: Sequence[str] | None) -> None:
    with contextlib.suppress(Unavailable):  # said where it matters: when a kernel is asked for
        zygote(preload)


class WarmProcess:
    """A forked kernel, with the few methods of `subprocess.Popen` that a provisioner uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, ended: Future[int]) -> None:
        self.pid = pid
        self._ended = ended

    def poll(self) -> int | None:
        return self._ended.result() if self._ended.done() else None

    def wait(self) -> int:
        return self._ended.result(10)

    def send_signal(self, number: int) -> None:
        """Nothing is sent to a process that ended: its number may be somebody else's by now."""
        if not self._ended.done():
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class Zygote:
    """One preloaded process and the conversation with it. Threads may share it."""

    def __init__(self, preload: Sequence[str]) -> None:
        self.fingerprint = fingerprint()
        self.environment = {name: os.environ.get(name) for name in READ_AT_IMPORT}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._started: dict[int, Future[int]] = {}
        self._ended: dict[int, Future[int]] = {}
        self._ready: Future[dict[str, Any]] = Future()
        mine, its = socket.socketpair()
        self._channel = mine
        command = [sys.executable, "-m", "jupyter_mlops.kernels.zygote", str(its.fileno()), *preload]
        self._process = subprocess.Popen(command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL)
        its.close()
        threading.Thread(target=self._listen, name="mlops-zygote", daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait_ready(self) -> None:
        """Raises Unavailable when the zygote did not come up, or started threads that a fork would lose."""
        try:
            answer = self._ready.result(START_WITHIN)
        except TimeoutError as error:
            raise Unavailable("the preloaded process did not start in time", "MLOPS_WARM=0 does without") from error
        if answer["threads"] != 1:
            raise Unavailable("a preloaded module starts threads, which a fork would lose", "MLOPS_WARM=0 does without")

    def fork(self, argv: Sequence[str], env: Mapping[str, str], cwd: str) -> WarmProcess:
        """A new kernel process; returns when it exists, not when it answers."""
        with self._lock:
            number = next(self._ids)
            started: Future[int] = Future()
            self._started[number] = started
            request = {"id": number, "argv": list(argv), "env": dict(env), "cwd": cwd}
            try:
                self._channel.sendall(json.dumps(request).encode() + b"\n")
            except OSError as error:
                raise Unavailable("the preloaded process is gone", "start the kernel again") from error
        pid = started.result(START_WITHIN)
        with self._lock:
            return WarmProcess(pid, self._end_of(pid))

    def stop(self) -> None:
        """Let it go: it exits when its socket closes, and takes its kernels along."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)

    def retire(self) -> None:
        """Fork no more from it, but let the kernels it has live; called when a newer one takes its place."""
        _retired.append(self)

    def _end_of(self, pid: int) -> Future[int]:
        return self._ended.setdefault(pid, Future())

    def _listen(self) -> None:
        with self._channel.makefile("rb") as lines:
            for line in lines:
                self._hear(json.loads(line))
        gone = Unavailable("the preloaded process ended", "MLOPS_WARM=0 does without")
        with self._lock:
            waiting: list[Future[Any]] = [self._ready, *self._started.values()]
            ended = list(self._ended.values())
        for future in waiting:
            if not future.done():
                future.set_exception(gone)
        for end in ended:
            if not end.done():
                end.set_result(-signal.SIGKILL)  # the kernels die with the process they were forked from

    def _hear(self, message: dict[str, Any]) -> None:
        if "ready" in message:
            self._ready.set_result(message)
            return
        with self._lock:
            if "started" in message:
                self._ended[message["pid"]] = Future()
                self._started.pop(message["started"]).set_result(message["pid"])
            elif "ended" in message:
                end = self._end_of(message["ended"])
                if not end.done():
                    end.set_result(message["code"])


_current: Zygote | None = None
_retired: list[Zygote] = []
_current_lock = threading.Lock()


def zygote(preload: Sequence[str] | None = None) -> Zygote:
    """The living zygote of this process and this environment, started or rebuilt if need be, and ready."""
    global _current
    with _current_lock:
        stale = _current is not None and (not _current.alive or _current.fingerprint != fingerprint())
        if _current is not None and stale:
            _current.retire()
            _current = None
        if _current is None:
            _current = Zygote(preload or config.preload() or PRELOAD)
        found = _current
    found.wait_ready()
    return found


def fits(found: Zygote, env: Mapping[str, str]) -> bool:
    """Whether a kernel of this environment may be forked: what was read at import must be what it would read."""
    return all(env.get(name) == value for name, value in found.environment.items())


_checked: tuple[float, tuple[Any, ...]] | None = None


def fingerprint() -> tuple[Any, ...]:
    """Changes when packages are installed or removed, or our own code is edited. Looked at once a second at most."""
    global _checked
    now = time.monotonic()
    if _checked is None or now - _checked[0] > 1:
        _checked = (now, _fingerprint())
    return _checked[1]


def _fingerprint() -> tuple[Any, ...]:
    places = [Path(place) for place in sys.path if place.endswith(("site-packages", "dist-packages"))]
    own = max(path.stat().st_mtime_ns for path in Path(__file__).parents[1].rglob("*.py"))
    return (sys.executable, sys.version, own, *((str(p), p.stat().st_mtime_ns) for p in places if p.is_dir()))
