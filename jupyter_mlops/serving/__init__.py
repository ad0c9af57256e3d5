"""An alias becomes an endpoint, and every answer it gives is logged and can be held against what came true."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlops.serving.access import new_key
    from jupyter_mlops.serving.client import endpoint
    from jupyter_mlops.serving.deploying import differences, render, write
    from jupyter_mlops.serving.keyed import Keyed
    from jupyter_mlops.serving.log import InferenceLog
    from jupyter_mlops.serving.models import Source
    from jupyter_mlops.serving.presence import Running, running
    from jupyter_mlops.serving.privacy import Privacy
    from jupyter_mlops.serving.scoring import score, score_file
    from jupyter_mlops.serving.server import serve
    from jupyter_mlops.serving.wal import recover
    from jupyter_mlops.serving.writer import tidy

__all__ = [
    "InferenceLog",
    "Keyed",
    "Privacy",
    "Running",
    "Source",
    "differences",
    "endpoint",
    "new_key",
    "recover",
    "render",
    "running",
    "score",
    "score_file",
    "serve",
    "tidy",
    "write",
]

_HOME = {
    "Source": "models",
    "InferenceLog": "log",
    "Keyed": "keyed",
    "Privacy": "privacy",
    "differences": "deploying",
    "endpoint": "client",
    "new_key": "access",
    "recover": "wal",
    "render": "deploying",
    "Running": "presence",
    "running": "presence",
    "score": "scoring",
    "score_file": "scoring",
    "serve": "server",
    "tidy": "writer",
    "write": "deploying",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"jupyter_mlops.serving.{_HOME[name]}"), name)
    raise AttributeError(name)
