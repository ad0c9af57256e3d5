"""A fork of the zygote made to look like a process of its own, then a stock ipykernel."""

from __future__ import annotations

import ctypes
import importlib
import logging
import multiprocessing
import multiprocessing.process
import os
import signal
import sys
import tempfile
import time
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.kernels.environment import POOLS, pool_size

_PR_SET_PDEATHSIG = 1
_pools: list[Any] = []


@dataclass(frozen=True)
class Launch:
    """A kernel that was asked for. `command` is what would have been executed; `streams` are its fds for 1 and 2."""

    command: list[str]
    environment: dict[str, str]
    cwd: str
    streams: tuple[int, int]
    parent: int


def die_with(parent: int) -> None:
    """From now on the system kills this process when its parent (strictly: the thread that started it) ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it ended just before


def find_pools() -> None:
    """Once in the zygote, when its imports are done: to look through what is loaded takes each child a tenth of its start."""
    if "numpy" in sys.modules:
        found = importlib.import_module("threadpoolctl").ThreadpoolController().lib_controllers
        _pools[:] = [library for library in found if library.internal_api in POOLS]


def become_kernel(launch: Launch) -> None:
    """Returns when the kernel is shut down; the interpreter then ends as any other does, with its atexit handlers."""
    die_with(launch.parent)
    os.setsid()
    _default_signals()
    _own_streams(launch.streams)
    _own_environment(launch.environment, launch.cwd)
    _own_randomness()
    _own_pools(launch.environment)
    _own_main(launch.command)
    from ipykernel.kernelapp import IPKernelApp

    # It would warn at each start that loopback is not encrypted; that is known.
    logging.getLogger("IPKernelApp").addFilter(lambda record: "without encryption" not in record.getMessage())
    IPKernelApp.launch_instance(argv=sys.argv[1:], parent_handle=launch.parent)


def _default_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _own_streams(streams: tuple[int, int]) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    for number, given in enumerate(streams, start=1):
        os.dup2(given, number)
        os.close(given)


def _own_environment(environment: Mapping[str, str], cwd: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    vars(multiprocessing.process)["ORIGINAL_DIR"] = cwd  # not public: what a spawned process puts first on its path
    time.tzset()
    tempfile.tempdir = None
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None:  # it reads this when it is imported, by when ipykernel would have chosen `inline`
        matplotlib.rcParams["backend"] = environment.get("MPLBACKEND", "module://matplotlib_inline.backend_inline")


def _own_randomness() -> None:
    """Two kernels of one zygote must not draw the same numbers, nor trust each other. (`random` reseeds itself.)"""
    multiprocessing.current_process().authkey = os.urandom(32)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.set_bit_generator(
            numpy.random.MT19937()
        )  # `seed()` would leave it looking like one that was seeded


def _own_pools(environment: Mapping[str, str]) -> None:
    """As many threads as this environment asks for; the zygote had none.

    OpenMP knows this number per thread: the main thread, where cells run, gets it; others keep the zygote's own.
    """
    for library in _pools:
        library.set_num_threads(pool_size(library.internal_api, environment))


def _own_main(command: list[str]) -> None:
    """`python -m ipykernel_launcher …` as the code in the kernel can see it."""
    sys.modules["__main__"] = types.ModuleType("__main__")
    launcher = importlib.import_module("ipykernel_launcher").__file__ or "ipykernel_launcher"
    sys.argv = [launcher, *command[3:]]
    sys.orig_argv = command
