"""Warm kernels: a preloaded process, the zygote, forked on demand behind jupyter_client's provisioner seam.

`provisioner` asks `current` for a kernel; `current` keeps one `handle` on one zygote, which holds what `learning` found in
notebooks; in that process `zygote` imports and forks, `snapshot` knows when its imports are out of date, `environment` what
they depended on; each fork becomes a `child`. `observing` runs in the kernel of a job, warm or not;
`grammars` spares who reads notebooks what nobody asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlops.kernels.current import learn, warm_up
    from jupyter_mlops.kernels.grammars import postpone_grammars
    from jupyter_mlops.kernels.learning import notebooks_of
    from jupyter_mlops.kernels.observing import observe
    from jupyter_mlops.kernels.provisioner import WarmProvisioner

__all__ = ["WARM_KERNEL", "WarmProvisioner", "learn", "notebooks_of", "observe", "postpone_grammars", "warm_up"]

WARM_KERNEL = "python3-warm"
"""The kernelspec's name. Where fork is unsafe it gives an ordinary kernel, and says so."""

# The zygote imports this package too, and must hold as little as possible before it preloads.
_HOME = {
    "WarmProvisioner": "provisioner",
    "learn": "current",
    "notebooks_of": "learning",
    "observe": "observing",
    "postpone_grammars": "grammars",
    "warm_up": "current",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"jupyter_mlops.kernels.{_HOME[name]}"), name)
    raise AttributeError(name)
