"""A cell becomes a run: what it did, the slice of the session that reproduces it, kept in a journal that survives a kill."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from jupyter_mlops.tracking.cell import Cell, Options, Source
from jupyter_mlops.tracking.session import Session

if TYPE_CHECKING:
    from jupyter_mlops.tracking.differing import differences
    from jupyter_mlops.tracking.launching import ship_soon
    from jupyter_mlops.tracking.replaying import replay
    from jupyter_mlops.tracking.scripts import serve, track
    from jupyter_mlops.tracking.shipping import Shipped, arrived, recover, ship
    from jupyter_mlops.tracking.streaming import log

__all__ = [
    "Cell",
    "Options",
    "Session",
    "Shipped",
    "Source",
    "arrived",
    "differences",
    "log",
    "recover",
    "replay",
    "serve",
    "ship",
    "ship_soon",
    "track",
]

# Shipping brings MLflow, which no user's kernel ever imports for us.
_HOME = {
    "Shipped": "shipping",
    "arrived": "shipping",
    "differences": "differing",
    "log": "streaming",
    "recover": "shipping",
    "replay": "replaying",
    "serve": "scripts",
    "ship": "shipping",
    "ship_soon": "launching",
    "track": "scripts",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"jupyter_mlops.tracking.{_HOME[name]}"), name)
    raise AttributeError(name)
