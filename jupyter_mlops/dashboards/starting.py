"""How Voila is started for a project: loopback, a token, our template, and kernels few, warm and culled."""

from __future__ import annotations

import sys
from pathlib import Path

CULL_SECONDS = 120


def voila_command(root: Path, port: int, token: str | None = None) -> list[str]:
    """The command line. Voila makes a token of its own and prints the address with it, unless one is given."""
    return [
        sys.executable,
        "-m",
        "voila",
        str(root / "dashboards"),
        f"--port={port}",
        "--Voila.port_retries=0",
        "--Voila.ip=127.0.0.1",
        "--no-browser",
        "--template=mlops",
        "--classic-tree",
        # A token on the command line is seen by every user of the machine, and Voila would not print it.
        f"--token={token}" if token else "--Voila.auto_token=True",
        "--VoilaConfiguration.multi_kernel_manager_class=jupyter_mlops.dashboards.page_kernels.PageKernels",
        f"--PageKernels.cull_idle_timeout={CULL_SECONDS}",
        "--PageKernels.cull_interval=30",
    ]
