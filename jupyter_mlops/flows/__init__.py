"""What needs several stages: train, promote, watch, retrain, show the figures, and the quickstart that runs them all."""

from __future__ import annotations

from importlib import import_module

__all__ = [
    "Quickstart",
    "promote",
    "quickstart",
    "refresh_figures",
    "retrain",
    "rollback",
    "score_and_watch",
    "train",
    "validate_version",
    "watch",
]

# Each flow brings its own heavy libraries, so each is imported when it is first used.
_HOME = {
    "Quickstart": "quickstart",
    "promote": "promote",
    "quickstart": "quickstart",
    "refresh_figures": "figures",
    "retrain": "retrain",
    "rollback": "promote",
    "score_and_watch": "watch",
    "train": "train",
    "validate_version": "promote",
    "watch": "watch",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"jupyter_mlops.flows.{_HOME[name]}"), name)
    raise AttributeError(name)
