"""The papermill engine: the notebook's own kernel, warm when it is Python, in its own folder, with its own environment.

papermill's `cwd` changes the directory of the whole process, which several jobs share; here the kernel alone is given it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine

from jupyter_mlops import config
from jupyter_mlops.kernels import WARM_KERNEL

_PLAIN_PYTHON = ("python3", "python", "", None)


class WarmEngine(Engine):  # type: ignore[misc]  # papermill ships no types
    """`papermill --engine mlops-warm`."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        seconds_left: Callable[[], int] | None = None,
        start_timeout: int = 120,
        **_papermill_options: Any,
    ) -> None:
        name = WARM_KERNEL if kernel_name in _PLAIN_PYTHON and config.warm_kernels() else kernel_name or "python3"
        client = PapermillNotebookClient(
            nb_man,
            kernel_name=name,
            startup_timeout=start_timeout,
            timeout_func=(lambda _cell: seconds_left()) if seconds_left else None,
            shutdown_kernel="immediate",
        )
        client.execute(env={**os.environ, **(env or {})}, cwd=cwd or os.getcwd())  # noqa: PTH109
