"""The one door to MLflow and to SQL.

`database` opens the project's own tables without importing MLflow; `open_store` adds MLflow's runs and models.
"""

from __future__ import annotations

import os
import threading
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlops.project import Project
    from jupyter_mlops.store.alerting import same_incident
    from jupyter_mlops.store.digests import digest_of, files_below
    from jupyter_mlops.store.flavours import flavour_of, save_flavour
    from jupyter_mlops.store.formats import library_of
    from jupyter_mlops.store.leases import expired, lease
    from jupyter_mlops.store.loaded import LoadedModel
    from jupyter_mlops.store.natives import is_native, write_native
    from jupyter_mlops.store.predicting import Answers, Said, answers, chances, columns_of, finite, predict
    from jupyter_mlops.store.runs import KEY, Store
    from jupyter_mlops.store.tables import Database, database, foreign_database
    from jupyter_mlops.store.trusted import foreign

LEASE = 300.0
"""Seconds for which a job on another machine is believed to live on without a sign of life."""

__all__ = [
    "KEY",
    "LEASE",
    "Answers",
    "Database",
    "LoadedModel",
    "Said",
    "Store",
    "answers",
    "chances",
    "columns_of",
    "database",
    "digest_of",
    "expired",
    "files_below",
    "finite",
    "flavour_of",
    "foreign",
    "foreign_database",
    "import_mlflow",
    "is_native",
    "lease",
    "library_of",
    "open_store",
    "predict",
    "same_incident",
    "save_flavour",
    "write_native",
]

# A kernel asks for a lease and no more, so each name brings its own imports when it is first used.
_HOME = {
    "Database": "tables",
    "KEY": "runs",
    "LoadedModel": "loaded",
    "Store": "runs",
    "database": "tables",
    "digest_of": "digests",
    "expired": "leases",
    "files_below": "digests",
    **dict.fromkeys(("flavour_of", "save_flavour"), "flavours"),
    "foreign": "trusted",
    "foreign_database": "tables",
    "is_native": "natives",
    "lease": "leases",
    "library_of": "formats",
    **dict.fromkeys(("Answers", "Said", "answers", "chances", "columns_of", "finite", "predict"), "predicting"),
    "same_incident": "alerting",
    "write_native": "natives",
}

# MLflow reads these when it is imported. Our journal retries, so its own patience of minutes would only block people.
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_IMPORTING = threading.Lock()


def open_store(project: Project) -> Store:
    """MLflow for this project, imported now; raises Unavailable when the tracking server does not answer."""
    import_mlflow()
    from jupyter_mlops.store.runs import open_runs

    return open_runs(project)


def import_mlflow() -> None:
    """MLflow, whole: threads that begin with it at once would meet a half of it, so here they wait for the first."""
    with _IMPORTING:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        import_module("jupyter_mlops.store.runs")


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"jupyter_mlops.store.{_HOME[name]}"), name)
    raise AttributeError(name)
