"""The project behind the server, opened when first asked for. What cannot be opened is told, and tried again the next time."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Literal

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import Project, find
from jupyter_mlops.records import Record
from jupyter_mlops.store import Database, Store, database, open_store


class Dashboard(Record):
    name: str
    title: str
    path: str


class Status(Record):
    """`state` is broken when `mlops.yaml` or the store cannot be used; `problem` and `fix` say why."""

    state: Literal["ready", "broken"]
    project: str = ""
    root: str = ""
    business_unit: str = ""
    problem: str = ""
    fix: str = ""
    dashboards: list[Dashboard] = []


class Workspace:
    """Threads may share it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._base: Database | None = None

    @property
    def project(self) -> Project:
        """Read each time: a person mends `mlops.yaml` and presses retry."""
        return find(self._root)

    @property
    def store(self) -> Store:
        with self._lock:
            if self._store is None:
                self._store = open_store(self.project)
            return self._store

    @property
    def base(self) -> Database:
        with self._lock:
            if self._base is None:
                self._base = database(self.project)
            return self._base

    def status(self) -> Status:
        try:
            project = self.project
            pages = sorted((project.root / "dashboards").glob("*.ipynb"))
            return Status(
                state="ready",
                project=project.name,
                root=str(project.root),
                business_unit=project.file.business_unit,
                dashboards=[Dashboard(name=p.stem, title=p.stem.capitalize(), path=self._below(p)) for p in pages],
            )
        except MlopsError as error:
            return Status(state="broken", root=str(self._root), problem=error.message, fix=error.fix)

    def _below(self, page: Path) -> str:
        """The page's path as the server's own file browser has it."""
        return page.relative_to(self._root).as_posix() if page.is_relative_to(self._root) else ""

    def close(self) -> None:
        if self._base is not None:
            self._base.close()
