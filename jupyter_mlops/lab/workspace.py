"""The project behind the server, opened when first asked for. What cannot be opened is told, and tried again the next time."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Literal

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.ledger import entries
from jupyter_mlops.project import HOME, Project, find, root_around
from jupyter_mlops.records import Record, Run
from jupyter_mlops.store import Database, Store, database, open_store


class Dashboard(Record):
    name: str
    title: str
    path: str


class Status(Record):
    """`state` is broken when `mlops.yaml` or the store cannot be used; `problem` and `fix` say why.

    `models` are those that `mlops.yaml` declares, with how many segments each has.
    """

    state: Literal["ready", "broken"]
    project: str = ""
    root: str = ""
    business_unit: str = ""
    problem: str = ""
    fix: str = ""
    dashboards: list[Dashboard] = []
    models: dict[str, int] = {}


_BURY = 15.0  # seconds between two looks for runs whose keeper is gone


class Workspace:
    """Threads may share it. `root` is the folder that the server shows."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._declared = ""
        self._base: Database | None = None
        self._buried = 0.0
        self._looked = self._head = -1

    @property
    def project(self) -> Project:
        """Read each time: a person mends `mlops.yaml` and presses retry."""
        return find(self.root)

    @property
    def store(self) -> Store:
        """Opened once, and again when `mlops.yaml` says something else."""
        project = self.project
        declared = project.file.model_dump_json()
        with self._lock:
            if self._store is None or self._declared != declared:
                self._store, self._declared = open_store(project), declared
            return self._store

    @property
    def base(self) -> Database:
        with self._lock:
            if self._base is None:
                self._base = database(self.project)
            return self._base

    def changes(self) -> dict[str, int]:
        """A number for each part; it differs from the last call's when somebody wrote to that part in between."""
        try:
            jobs = (root_around(self.root) / HOME / "jobs").stat().st_mtime_ns  # each save replaces a file in there
        except OSError:
            jobs = 0
        store = self.base.changed()
        if store != self._looked:
            with self.base.read() as connection:
                newest = entries(connection, limit=1)
            self._looked, self._head = store, newest[0].seq if newest else 0
        return {"store": store, "ledger": self._head, "jobs": jobs}

    def bury(self) -> None:
        """Close the runs that lost their keeper, now and then; it is the first sign of life that does."""
        with self._lock:
            if time.monotonic() < self._buried + _BURY:
                return
            self._buried = time.monotonic()
        from jupyter_mlops.jobs import close_dead

        close_dead(self.store)

    def seen(self, run: Run) -> str:
        """Names the state of a run's executed notebook: another name, another state."""
        with contextlib.suppress(OSError):
            return f"{run.status} {Path(run.tags.get('mlops.output', '')).stat().st_mtime_ns}"
        return run.status

    def notebook_of(self, run: Run) -> str:
        """The path, as the server's own file browser has it, of the notebook that a job was made of."""
        return self._below(Path(run.tags.get("mlops.folder", "/")) / run.tags.get("mlops.notebook", ""))

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
                models={name: len(model.segments) for name, model in project.file.models.items()},
            )
        except MlopsError as error:
            return Status(state="broken", root=str(self.root), problem=error.message, fix=error.fix)

    def _below(self, page: Path) -> str:
        """The page's path as the server's own file browser has it."""
        return page.relative_to(self.root).as_posix() if page.is_relative_to(self.root) else ""

    def close(self) -> None:
        if self._base is not None:
            self._base.close()
