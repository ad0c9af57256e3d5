"""A notebook and its parameters become a run, one or many; what happened is the supervisor's word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.jobs.parameters import Parameter, check, schema

if TYPE_CHECKING:
    from jupyter_mlops.jobs.engine import WarmEngine
    from jupyter_mlops.jobs.fleet import Task, run_fleet
    from jupyter_mlops.jobs.supervise import run_notebook

__all__ = ["Parameter", "Task", "WarmEngine", "check", "run_fleet", "run_notebook", "schema"]

# papermill costs seconds to import, so it waits until a job is run.
_LATER = {"WarmEngine": "engine", "Task": "fleet", "run_fleet": "fleet", "run_notebook": "supervise"}


def __getattr__(name: str) -> object:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f"jupyter_mlops.jobs.{_LATER[name]}"), name)
    raise AttributeError(name)
