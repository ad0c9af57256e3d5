"""The preloaded process. Imports once, then forks a kernel for each request on its socket, and reports each one's end.

It has one thread and holds no event loop, so a fork copies nothing half done. When the other end of its socket closes, by
whatever death of the parent, it exits, and the kernels it forked are killed with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import sys
import threading
import types
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """`python -m jupyter_mlops.kernels.zygote FD MODULE...`: serve the socket at this descriptor until it closes."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    sys.path[:] = sys.path[1:]  # `-m` put the parent's working directory there; each kernel has its own
    missing = _preload(sys.argv[2:])
    _send(channel, {"ready": True, "missing": missing, "threads": threading.active_count()})
    gc.collect()
    gc.freeze()
    _serve(channel)


def _preload(names: list[str]) -> list[str]:
    """Import what notebooks will; the names that cannot be imported are given back."""
    missing = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    return missing


def _serve(channel: socket.socket) -> None:
    waker = _wake_on_child()
    buffer = b""
    while True:
        readable, _, _ = select.select([channel, waker], [], [])
        if waker in readable:
            waker.recv(4096)
            _reap(channel)
        if channel in readable:
            part = channel.recv(65536)
            if not part:
                return
            *lines, buffer = (buffer + part).split(b"\n")
            for line in lines:
                _fork(channel, waker, json.loads(line))


def _wake_on_child() -> socket.socket:
    """A socket that becomes readable when a child ends, so that waiting for requests and for ends is one wait."""
    mine, its = socket.socketpair()
    its.setblocking(False)
    mine.setblocking(False)
    signal.set_wakeup_fd(its.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the parent's terminal is for the parent to handle
    global _wakeup
    _wakeup = its
    return mine


_wakeup: socket.socket | None = None


def _reap(channel: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _send(channel, {"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _send(channel: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        channel.sendall(json.dumps(message).encode() + b"\n")


def _fork(channel: socket.socket, waker: socket.socket, request: dict[str, Any]) -> None:
    pid = os.fork()
    if pid:
        _send(channel, {"started": request["id"], "pid": pid})
        return
    parent = os.getppid()
    signal.set_wakeup_fd(-1)
    for inherited in (channel, waker, _wakeup):
        if inherited is not None:
            inherited.close()
    _become_kernel(request, parent)


def _become_kernel(request: dict[str, Any], parent: int) -> NoReturn:
    """Make this copy look like a process of its own, then be a stock ipykernel."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # the zygote died between the fork and the line above
    os.setsid()
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    _null_input()
    _reseed()
    _limit_threads()
    sys.modules["__main__"] = types.ModuleType("__main__")
    launcher = importlib.import_module("ipykernel_launcher").__file__ or "ipykernel_launcher"
    sys.argv = [launcher, *request["argv"]]
    from ipykernel.kernelapp import IPKernelApp

    code = 0
    try:
        # It would warn at each start that loopback is not encrypted; that is known.
        options = [f"--IPKernelApp.parent_handle={parent}", "--IPKernelApp.log_level=40"]
        IPKernelApp.launch_instance(argv=[*request["argv"], *options])
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _null_input() -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _limit_threads() -> None:
    """Libraries loaded before the fork read these variables then; a kernel's own are applied to them now."""
    for variable, kind in (
        ("OMP_NUM_THREADS", "openmp"),
        ("OPENBLAS_NUM_THREADS", "blas"),
        ("MKL_NUM_THREADS", "blas"),
    ):
        wanted = os.environ.get(variable, "")
        if wanted.isdigit() and int(wanted):
            importlib.import_module("threadpoolctl").threadpool_limits(int(wanted), user_api=kind)


def _reseed() -> None:
    """Two kernels of one zygote must not draw the same numbers."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


if __name__ == "__main__":
    main()
