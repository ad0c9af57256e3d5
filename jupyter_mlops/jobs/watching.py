"""One kernel's keeper: it holds the time limit, the memory limit and the cancel, and measures what the kernel uses.

It looks from outside, at the process and what descends from it, so nothing a notebook does can keep it from ending.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

_EVERY = 0.25  # seconds between two looks
_GRACE = 2.0  # seconds for a cell to tidy up after its KeyboardInterrupt
RENEW = 30.0
"""Seconds between two signs of life of a run."""
_RESERVE = 0.03  # of the machine's memory: below this the largest kernel is ended before the system picks one


class Watch:
    """`ended_by` is why it ended the kernel (timeout, cancelled, memory), or empty. `peak` is in bytes, `cpu` in seconds."""

    def __init__(
        self,
        *,
        seconds: float,
        stop: threading.Event,
        cancel_file: Path,
        memory: int | None = None,
        renew: Callable[[], None] = lambda: None,
    ) -> None:
        self.ended_by = ""
        self.peak = 0
        self.cpu = 0.0
        self._deadline = time.monotonic() + seconds
        self._stop, self._cancel_file, self._memory, self._renew = stop, cancel_file, memory, renew
        self._done = threading.Event()
        self._kernel: psutil.Process | None = None
        self._process: Any = None
        self._family: dict[int, psutil.Process] = {}
        self._oom = _oom_kills()
        self._thread = threading.Thread(target=self._keep, name="mlops-watch", daemon=True)
        self._thread.start()

    def attach(self, pid: int | None, process: Any) -> None:
        """The kernel is there: `process` answers `poll()`."""
        self._process = process
        if pid:
            with contextlib.suppress(psutil.Error):
                self._kernel = psutil.Process(pid)

    @property
    def exit_status(self) -> int | None:
        """What the kernel ended with, -9 when it was killed; None while it lives or where that cannot be known."""
        for _ in range(20):
            status = self._process.poll() if self._process is not None else None
            if status is not None:
                return int(status)
            time.sleep(0.05)
        return None

    @property
    def out_of_memory(self) -> bool:
        """Whether it, or the system, ended a process for want of memory meanwhile."""
        return self.ended_by == "memory" or _oom_kills() > self._oom

    def look(self) -> None:
        """Measure now."""
        kernel = self._kernel
        if kernel is None:
            return
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            family = [p for p in (self._family.get(pid) or _process(pid) for pid in _descendants(kernel.pid)) if p]
            self._family |= {p.pid: p for p in family}
            times = kernel.cpu_times()
            used = times.user + times.system + times.children_user + times.children_system
            resident = _resident(kernel)
            for process in family:
                with contextlib.suppress(psutil.Error):
                    own = process.cpu_times()
                    used += own.user + own.system
                    resident += process.memory_info().rss
            self.cpu = max(self.cpu, used)
            self.peak = max(self.peak, resident)

    def close(self) -> None:
        """The notebook is done with: whatever the kernel left running is ended."""
        self._done.set()
        self._thread.join(timeout=10)
        kernel = self._kernel
        if kernel is None:
            return
        for process in [*self._family.values(), *_session(kernel.pid)]:
            with contextlib.suppress(psutil.Error):
                process.kill()  # psutil refuses when the number is another process's by now

    def _keep(self) -> None:
        renewed = time.monotonic()
        wait = 0.02
        while not self._done.wait(wait):
            wait = min(_EVERY, wait * 2)
            self.look()
            why = self._why()
            if why and self._kernel is not None:
                self._end(why)
                return
            if time.monotonic() > renewed + RENEW:
                renewed = time.monotonic()
                with contextlib.suppress(Exception):  # a sign of life that fails is sent again soon
                    self._renew()

    def _why(self) -> str:
        if self._stop.is_set() or self._cancel_file.exists():
            return "cancelled"
        if time.monotonic() > self._deadline:
            return "timeout"
        if self._memory is not None:
            return "memory" if self._now() > self._memory else ""
        memory = psutil.virtual_memory()
        return "memory" if memory.available < _RESERVE * memory.total and self._now() > 0.25 * memory.total else ""

    def _now(self) -> int:
        total = 0
        for process in [self._kernel, *self._family.values()]:
            with contextlib.suppress(psutil.Error, AttributeError):
                total += process.memory_info().rss  # type: ignore[union-attr]
        return total

    def _end(self, why: str) -> None:
        self.ended_by = why
        kernel = self._kernel
        with contextlib.suppress(psutil.Error, AttributeError):
            if why != "memory":
                kernel.send_signal(signal.SIGINT)  # type: ignore[union-attr]
                self._done.wait(_GRACE)
            if not self._done.is_set():
                kernel.kill()  # type: ignore[union-attr]


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def _resident(process: psutil.Process) -> int:
    """The most this process ever held, as the system counted; what it holds now where the system does not count."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:", 1)[1].split(None, 1)[0]) * 1024
    except (OSError, IndexError, ValueError):
        return int(process.memory_info().rss)


def _descendants(pid: int) -> list[int]:
    """Read from `/proc` directly: to ask psutil is to read every process of the machine, several times a second."""
    if not Path("/proc/self/task").is_dir():
        return [p.pid for p in psutil.Process(pid).children(recursive=True)]
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):  # noqa: PTH208
                children = Path(f"/proc/{parent}/task/{task}/children").read_text(encoding="ascii").split()
                waiting += [int(c) for c in children]
                found += [int(c) for c in children]
    return found


def _session(leader: int) -> list[psutil.Process]:
    """What still runs in a kernel's session after it: processes it forked and left."""
    found = []
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        if entry.name.isdigit() and int(entry.name) != leader:
            with contextlib.suppress(OSError, psutil.Error):
                if os.getsid(int(entry.name)) == leader:
                    found.append(psutil.Process(int(entry.name)))
    return found


def _oom_kills() -> int:
    """How many processes of this container (else machine) were ended for want of memory so far."""
    for file in ("/sys/fs/cgroup/memory.events", "/proc/vmstat"):
        with contextlib.suppress(OSError, ValueError):
            words = Path(file).read_text(encoding="ascii").split()
            if "oom_kill" in words:
                return int(words[words.index("oom_kill") + 1])
    return 0
