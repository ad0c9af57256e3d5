"""jupyter_mlops: MLOps without leaving the notebook.

Nothing heavy is imported here: every public name is looked up when it is first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "DriftStream": "monitoring",
    "Profile": "monitoring",
    "drift": "monitoring",
    "endpoint": "serving",
    "log": "tracking",
    "profile": "monitoring",
    "track": "tracking",
}

__all__ = [*_PUBLIC, "load", "run_notebook", "validate"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        found = globals()[name] = getattr(import_module(f"jupyter_mlops.{_PUBLIC[name]}"), name)
        return found
    raise AttributeError(f"module 'jupyter_mlops' has no attribute {name!r}")


def load(reference: str) -> Any:
    """The fitted model behind `churn@champion`, `churn/3` or `churn`; refused if its files are not what was registered."""
    from jupyter_mlops.project import find
    from jupyter_mlops.registry import load as load_model
    from jupyter_mlops.store import open_store

    return load_model(open_store(find()), reference).model


def validate(model: Any, rows: Any, target: str, **options: Any) -> Any:
    """The evidence of a fitted model on a frame whose column `target` is the outcome; no project needed.

    `model` and `champion=` are fitted models, or references such as `churn@champion`. Further options: `task`, `gates` (as
    in mlops.yaml), `entity`, `timestamp`, `weight`, `sensitive`, `training`, `seed`.
    """
    from jupyter_mlops.validation import judge_rows

    champion = options.pop("champion", None)
    mine, rival = (load(one) if isinstance(one, str) else one for one in (model, champion))
    return judge_rows(mine, rows, target, champion=rival, **options)


def run_notebook(
    path: str,
    parameters: dict[str, Any] | None = None,
    *,
    executor: Any = None,
    timeout: str | float = "15m",
    retries: int = 0,
    force: bool = False,
) -> Any:
    """Run a notebook as a job of the project around the working directory; the Job says how it ended.

    A finished run of the same notebook, parameters, environment and data stands for it unless `force`.
    """
    from pathlib import Path

    from jupyter_mlops.flows import run_jobs, shown
    from jupyter_mlops.jobs import Task, prepared, read_duration
    from jupyter_mlops.project import find
    from jupyter_mlops.store import open_store

    notebook = Path(path)
    task = Task(notebook.stem, notebook, parameters or {}, timeout=read_duration(timeout), retries=retries)
    prepared(task)
    # A script's log is no place for a bar.
    with shown(1, notebook.stem, silent=not (sys.stderr.isatty() or "ipykernel" in sys.modules)) as told:
        return run_jobs(open_store(find()), [task], executor=executor, force=force, **told)[task.name]


def load_ipython_extension(shell: Any) -> None:
    from jupyter_mlops.magics import load as load_magics

    load_magics(shell)


def unload_ipython_extension(shell: Any) -> None:
    from jupyter_mlops.magics import unload

    unload(shell)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_mlops.lab import MlopsExtension

    return [{"module": "jupyter_mlops", "app": MlopsExtension}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-mlops"}]
