"""The preloaded process: imports once, then forks a kernel for each request on its socket, and reports each one's end.

It has one thread and no event loop, so a fork copies nothing half done. It ends with the process that uses it, however that
ends, or once it is retired and its last kernel has ended; the kernels it forked are killed with it.

Messages are JSON, one to a packet. In: {fork, command, environment, cwd} with two descriptors; {retire}. Out: {left_out,
why}, {loaded}, {ready, by_imports}, {forked, pid}, {refused, why, outdated}, {ended, code}.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any

from jupyter_mlops.kernels.child import Launch, become_kernel, die_with, find_pools
from jupyter_mlops.kernels.snapshot import Snapshot

_TOLD = 500  # names of modules in one message
LARGEST = 4 << 20  # bytes of a message; an environment is far smaller


def main() -> None:
    """`python -m jupyter_mlops.kernels.zygote SOCKET PARENT MODULE...`"""
    began = time.time_ns()
    socket_fd, parent, *modules = sys.argv[1:]
    die_with(int(parent))
    channel = socket.socket(fileno=int(socket_fd))
    if not sys.flags.safe_path:
        del sys.path[0]  # `-m` put the working directory there; each kernel puts its own
    given = dict(os.environ)
    _preload(channel, modules, given)
    os.set_inheritable(channel.fileno(), False)
    by_imports = {name: value for name, value in os.environ.items() if name not in given}
    find_pools()
    for first in range(0, len(loaded := sorted(sys.modules)), _TOLD):
        _send(channel, {"loaded": loaded[first : first + _TOLD]})
    server = _Server(channel, Snapshot(began), by_imports)
    gc.collect()
    gc.freeze()
    launch = server.serve()
    if launch:
        become_kernel(launch)


def _preload(channel: socket.socket, modules: list[str], given: dict[str, str]) -> None:
    """Import what notebooks will. What cannot be imported is left out; so is what starts a thread, in a fresh process."""
    for name in modules:
        try:
            importlib.import_module(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a stranger's module may raise anything
            _send(channel, {"left_out": name, "why": f"{type(error).__name__}: {error}"[:300]})
        threads = _threads()
        if len(threads) > 1:
            _send(channel, {"left_out": name, "why": f"it starts a thread ({threads[-1]}), which a fork would lose"})
            rest = [module for module in modules if module != name]
            command = [sys.executable, "-m", "jupyter_mlops.kernels.zygote", *sys.argv[1:3], *rest]
            os.execve(sys.executable, command, given)  # noqa: S606  # a thread cannot be undone, only begun without


def _threads() -> list[str]:
    """The names of this process's threads, those of C libraries too, its first one first."""
    names = []
    for task in sorted(os.listdir("/proc/self/task"), key=int):  # noqa: PTH208
        with open(f"/proc/self/task/{task}/comm", encoding="utf-8") as name:  # noqa: PTH123
            names.append(name.read().strip())
    return names


def _send(channel: socket.socket, message: dict[str, Any]) -> None:
    try:
        channel.send(json.dumps(message).encode())
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(0)  # nobody is there to fork for


class _Server:
    def __init__(self, channel: socket.socket, snapshot: Snapshot, by_imports: dict[str, str]) -> None:
        self._channel = channel
        self._snapshot = snapshot
        self._by_imports = by_imports  # variables that libraries set when they were imported
        self._kernels: set[int] = set()
        self._retired = False
        self._wake, self._woken = socket.socketpair()

    def serve(self) -> Launch | None:
        """Answers until nobody asks any more: None. In each forked child it returns at once, with what to become."""
        self._wake_when_a_child_ends()
        _send(self._channel, {"ready": True, "by_imports": self._by_imports})
        while not (self._retired and not self._kernels):
            readable, _, _ = select.select([self._channel, self._woken], [], [])
            if self._woken in readable:
                self._woken.recv(4096)
                self._reap()
            if self._channel in readable:
                data, streams, _, _ = socket.recv_fds(self._channel, LARGEST, 2, socket.MSG_CMSG_CLOEXEC)
                if not data:
                    return None
                launch = self._answer(json.loads(data), streams)
                if launch:
                    return launch
        return None

    def _wake_when_a_child_ends(self) -> None:
        """One wait for requests and for ends: a signal writes into a socket that is waited on too."""
        self._wake.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _reap(self) -> None:
        while self._kernels:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if pid in self._kernels:
                self._kernels.remove(pid)
                _send(self._channel, {"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _answer(self, message: dict[str, Any], streams: list[int]) -> Launch | None:
        if "retire" in message:
            self._retired = True
            return None
        number = message["fork"]
        change = self._snapshot.change()
        if change:
            _send(self._channel, {"refused": number, "why": change, "outdated": True})
        launch = None if change else self._fork(number, message, streams)
        if not launch:
            for stream in streams:
                os.close(stream)
        return launch

    def _fork(self, number: int, message: dict[str, Any], streams: list[int]) -> Launch | None:
        zygote = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            pid = os.fork()
        except OSError as error:
            _send(self._channel, {"refused": number, "why": f"fork failed: {error}", "outdated": False})
            return None
        if pid:
            self._kernels.add(pid)
            _send(self._channel, {"forked": number, "pid": pid})
            return None
        signal.set_wakeup_fd(-1)
        for inherited in (self._channel, self._wake, self._woken):
            inherited.close()
        stdout, stderr = streams
        environment = {**self._by_imports, **message["environment"]}
        return Launch(message["command"], environment, message["cwd"], (stdout, stderr), zygote)


if __name__ == "__main__":
    main()
