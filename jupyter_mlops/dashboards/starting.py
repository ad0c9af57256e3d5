"""How Voila is started for a project: loopback, a token, idle kernels culled, our own template."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path


def voila_command(root: Path, port: int, token: str | None = None) -> list[str]:
    """The command line; Voila prints the address with its token."""
    return [
        sys.executable,
        "-m",
        "voila",
        str(root / "dashboards"),
        f"--port={port}",
        "--Voila.ip=127.0.0.1",
        "--no-browser",
        "--template=mlops",
        f"--token={token or secrets.token_urlsafe(16)}",
        "--VoilaConfiguration.extension_denylist=jupyter-mlops",
        "--MappingKernelManager.cull_idle_timeout=120",
        "--MappingKernelManager.cull_interval=30",
        "--MappingKernelManager.cull_connected=False",
    ]
