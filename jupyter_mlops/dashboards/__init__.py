"""The pages for executives: they show figures that were computed when something changed, and compute nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlops.dashboards.pages import governance, monitoring, portfolio
    from jupyter_mlops.dashboards.starting import voila_command

__all__ = ["governance", "monitoring", "portfolio", "voila_command"]

# Voila's own process asks for the command and no more; a page's kernel for a page.
_HOME = {"governance": "pages", "monitoring": "pages", "portfolio": "pages", "voila_command": "starting"}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"jupyter_mlops.dashboards.{_HOME[name]}"), name)
    raise AttributeError(name)
