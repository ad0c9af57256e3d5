"""The one zygote of this process: started when first needed, replaced when it died or is out of date."""

from __future__ import annotations

import contextlib
import os
import platform
import sysconfig
import threading
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jupyter_mlops import config
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.kernels.handle import Outdated, WarmProcess, Zygote
from jupyter_mlops.kernels.learning import OURS, learned

# What every kernel imports by itself as it starts.
KERNEL = (
    "ipykernel_launcher",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "tornado.platform.asyncio",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "sqlite3",
    "jupyter_mlops.kernels.observing",
)
# What training notebooks import. Not mlflow: ours ship to it from outside the kernel.
PRELOAD = (
    "numpy",
    "pandas",
    "pyarrow",
    "pyarrow.parquet",
    "scipy.sparse",
    "scipy.stats",
    "sklearn.pipeline",
    "sklearn.compose",
    "sklearn.preprocessing",
    "sklearn.linear_model",
    "sklearn.ensemble",
    "sklearn.metrics",
    "sklearn.model_selection",
    *OURS,
)
TRY_AGAIN_AFTER = 60.0  # seconds without a zygote, after one that did not come up

_lock = threading.Lock()
_zygote: Zygote | None = None
_successor: Zygote | None = None
_chosen: tuple[str, ...] = ()
_learned: tuple[str, ...] | None = None
_failed: tuple[float, Unavailable] | None = None
_all: weakref.WeakSet[Zygote] = weakref.WeakSet()


def unsafe(environment: Mapping[str, str] = os.environ) -> str:
    """Why kernels cannot be forked here, in a few words; empty where they can."""
    if not config.warm_kernels(environment):
        return "MLOPS_WARM=0"
    if platform.system() != "Linux":
        return f"fork is not safe on {platform.system()}"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "fork is not safe in a free-threaded Python"
    return ""


def warm_up(preload: Sequence[str] | None = None) -> None:
    """Start the zygote, so that the first kernel need not wait for its imports. Returns at once.

    `preload` names the modules it holds from now on; else `MLOPS_PRELOAD` does, or what `learn` was told, or the usual ones
    are taken.
    """
    global _chosen, _learned
    if preload is not None:
        _chosen, _learned = tuple(preload), None
        _replace(_zygote, _wanted())
    if not unsafe():
        with contextlib.suppress(Unavailable):  # said where it matters: when a kernel is asked for
            _current()


def learn(notebooks: Iterable[Path]) -> None:
    """Hold from now on what these notebooks import, and what earlier ones did; unless somebody chose what is held.

    A notebook that imports nothing else has the usual modules no longer waited for. Kernels that are asked for while more is
    imported do without it.
    """
    global _learned
    _learned = tuple(sorted({*(_learned or ()), *learned(notebooks)}))


def fork(command: Sequence[str], environment: Mapping[str, str], cwd: str) -> tuple[WarmProcess, dict[str, str]]:
    """A forked kernel, and the modules it does without, each with the reason.

    Safe to call from any thread. Raises Unavailable, which says why there can be none.
    """
    for attempt in (1, 2):
        zygote = _ready()
        try:
            return zygote.fork(command, environment, cwd), zygote.left_out
        except Outdated:
            _replace(zygote)
            if attempt == 2:
                raise
    raise AssertionError


def _ready() -> Zygote:
    """Only once its imports are done is it known whether a variable that changed here is one that they set there too."""
    zygote = _current()
    _wait_ready(zygote)
    current = _current()
    if current is not zygote:
        _wait_ready(current)
    return current


def _wanted() -> tuple[str, ...]:
    usual = PRELOAD if _learned is None else _learned
    return KERNEL + (_chosen or tuple(config.preload()) or usual)


def _current() -> Zygote:
    global _zygote
    wanted = _wanted()
    with _lock:
        if _failed and time.monotonic() < _failed[0] + TRY_AGAIN_AFTER:
            raise _failed[1]
        if _zygote and _zygote.ready and _zygote.late_for(os.environ):
            _zygote.retire()
            _zygote = None
        if _zygote is None or _zygote.gone:
            _zygote = _next(wanted)
        elif not _zygote.holds(wanted):
            _zygote = _succeeded(_zygote, wanted)
        return _zygote


def _next(wanted: tuple[str, ...]) -> Zygote:
    """The one that imports these already, or a new one."""
    global _successor
    found, _successor = _successor, None
    if found and not found.gone and found.holds(wanted):
        return found
    if found:
        found.retire()
    made = Zygote(wanted)
    _all.add(made)
    return made


def _succeeded(serving: Zygote, wanted: tuple[str, ...]) -> Zygote:
    """The one to fork from: it serves until one that holds more has imported it, so that nobody waits for that."""
    global _successor
    successor = _next(wanted)
    if serving.ready and not successor.ready:
        _successor = successor
        return serving
    serving.retire()
    return successor


def _wait_ready(zygote: Zygote) -> None:
    global _failed
    try:
        zygote.wait_ready()
    except Unavailable as error:
        with _lock:
            _failed = (time.monotonic(), error)
        raise


def _replace(old: Zygote | None, kept_if: tuple[str, ...] = ()) -> None:
    """Retire this zygote, unless it holds exactly these modules."""
    global _zygote
    with _lock:
        if old is not None and _zygote is old and old.preload != kept_if:
            old.retire()
            _zygote = None


def _forget() -> None:
    """A fork of this process has no zygote yet, and must not keep this one's alive by its copy of the socket."""
    global _lock, _zygote, _successor, _failed
    _lock, _zygote, _successor, _failed = threading.Lock(), None, None, None
    for zygote in list(_all):
        zygote.forget()
    _all.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
