"""The one door to MLflow and to SQL.

`database` opens the project's own tables without importing MLflow; `open_store` adds MLflow's runs and models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.store.database import Database, database

if TYPE_CHECKING:
    from jupyter_mlops.project import Project
    from jupyter_mlops.store.runs import Store

__all__ = ["Database", "Store", "database", "open_store"]


def open_store(project: Project) -> Store:
    """MLflow for this project, imported now; raises Unavailable when the tracking server does not answer."""
    from jupyter_mlops.store.runs import open_runs

    return open_runs(project)


def __getattr__(name: str) -> object:
    if name == "Store":
        from jupyter_mlops.store.runs import Store

        return Store
    raise AttributeError(name)
