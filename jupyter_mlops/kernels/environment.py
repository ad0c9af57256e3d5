"""Which environment variables a preloaded process has used up, and which can still be applied after the fork."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

# Read once, by the interpreter at its start or by a library at its import; a later value would be passed over in silence.
_READ_ONCE = (
    "PYTHON", "LD_", "LC_", "LANG", "GLIBC_TUNABLES", "MALLOC_", "ARROW_", "OMP_", "GOMP_", "KMP_", "MKL_", "BLIS_",
    "OPENBLAS_", "GOTO_", "NPY_", "NUMPY_", "SCIPY_", "SKLEARN_", "PANDAS_", "JOBLIB_MULTIPROCESSING", "PYDEVD_",
)  # fmt: skip

# How many threads each kind of pool may have, the first variable that is set; applied in the child by `child`.
POOLS = {
    "openblas": ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"),
    "mkl": ("MKL_NUM_THREADS", "OMP_NUM_THREADS"),
    "openmp": ("OMP_NUM_THREADS",),
}
_APPLIED = {name for names in POOLS.values() for name in names}

# What the zygote itself preloads under: no library may start a thread, since a fork would lose it.
WITHOUT_THREADS = {
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # not a thread: debugpy would print a warning at each start
}


def used_up(preloaded: Mapping[str, str], asked: Mapping[str, str]) -> list[str]:
    """The variables in which a kernel that is asked for differs from the preloaded process too late to matter."""
    names = {name for name in {*preloaded, *asked} if name.startswith(_READ_ONCE)} - _APPLIED
    return sorted(name for name in names if preloaded.get(name) != asked.get(name))


def pool_size(kind: str, environment: Mapping[str, str]) -> int:
    """How many threads a process started with this environment would give its pool of this kind."""
    for name in POOLS[kind]:
        with contextlib.suppress(ValueError):
            size = int(environment.get(name, "").split(",")[0])
            if size > 0:
                return size
    return len(os.sched_getaffinity(0))
