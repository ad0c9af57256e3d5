"""The project's own tables: figures the dashboards show, points of the monitors, alerts. Does not import MLflow."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from jupyter_mlops.errors import BadInput, NotFound, Unavailable
from jupyter_mlops.project import Project
from jupyter_mlops.records import MetricPoint, Record
from jupyter_mlops.store import birth, schema
from jupyter_mlops.store.alerting import Alerting

BUSY_MS = 20_000


def database(project: Project) -> Database:
    """The project's database, created whole if it is not there."""
    shared = project.tracking.startswith("sqlite:///")
    birth.ensure(project.database, project.home / "artifacts", mlflow_tables=shared)
    return Database(project.database)


def foreign_database(url: str) -> Database:
    """A database that is not a project's, as a server keeps it: `postgresql://…`, `mysql://…`, or an SQLite file."""
    try:
        place = sa.make_url(url.removeprefix("mlops+"))
    except sa.exc.ArgumentError as error:
        raise BadInput(f"{url!r} is not a database", "write it as postgresql://… or sqlite:///FILE") from error
    if place.get_backend_name() == "sqlite" and not Path(place.database or "").is_file():
        raise NotFound(f"there is no database {place.database}", "name the file that the server uses")
    try:
        return Database(Path(place.database or ""), place)
    except (sa.exc.NoSuchModuleError, ImportError) as error:
        raise BadInput(f"{place.drivername} cannot be used: {error}", _driver(place)) from error


def _driver(place: sa.URL) -> str:
    if place.get_backend_name() in ("mysql", "mariadb"):
        return "pip install 'jupyter_mlops[mysql]', and write it as mysql+pymysql://…"
    return "pip install 'psycopg[binary]'"


class Database(Alerting):
    """One SQLite file in WAL mode. Threads may share it; every write is one immediate transaction."""

    def __init__(self, path: Path, url: sa.URL | None = None) -> None:
        self.path = path
        if url is None or url.get_backend_name() == "sqlite":
            self.engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_MS / 1000})
            sa.event.listen(self.engine, "connect", _own_transactions)
            sa.event.listen(self.engine, "begin", _begin)
            self._snapshots = self.engine
        else:
            # A writer that waited for its turn must see what was written meanwhile.
            self.engine = sa.create_engine(url, isolation_level="READ COMMITTED")
            self._snapshots = self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._watch: sqlite3.Connection | None = None
        self._watch_lock = threading.Lock()

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A write transaction: exclusive from its first statement, committed at the end, rolled back on any error."""
        writing = self.engine.execution_options(mlops_write=True)
        with self._explained(), writing.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A consistent snapshot to read from."""
        with self._explained(), self._snapshots.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.OperationalError as error:
            raise Unavailable(
                f"the project's database {self.path} cannot be used: {error.orig}",
                "check that the disk is not full and the folder is writable, then run it again",
                path=str(self.path),
            ) from error

    def changed(self) -> int:
        """A number that differs from the last call's when anybody committed anything in between; a few microseconds."""
        with self._watch_lock:
            if self._watch is None:
                self._watch = sqlite3.connect(self.path, check_same_thread=False)
            return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        self.engine.dispose()
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def figures(self, name: str) -> dict[str, Any] | None:
        """The document last put under this name, or None."""
        with self.read() as connection:
            body = connection.scalar(sa.select(schema.figures.c.body).where(schema.figures.c.name == name))
        return json.loads(body) if body else None

    def put_figures(self, name: str, record: Record) -> None:
        row = {"name": name, "body": record.model_dump_json(), "at": datetime.now(UTC).isoformat()}
        with self.begin() as connection:
            connection.execute(upsert(schema.figures).values(row).on_conflict_do_update(["name"], set_=row))

    def add_points(self, points: Sequence[MetricPoint]) -> None:
        """Keep these points. The same window asked again restates its figures, it does not double them."""
        rows = [_point_row(point) for point in points]
        if not rows:
            return
        statement = upsert(schema.points)
        changes = {c.name: statement.excluded[c.name] for c in schema.points.c if not c.primary_key}
        with self.begin() as connection:
            connection.execute(
                statement.on_conflict_do_update([c.name for c in schema.points.primary_key], set_=changes), rows
            )

    def points(
        self, model: str | None = None, segment: str | None = None, metric: str | None = None
    ) -> list[MetricPoint]:
        """Points in order of time; a filter that is None matches all."""
        table = schema.points
        query = sa.select(table).order_by(table.c.start, table.c.model, table.c.segment, table.c.metric)
        for column, value in ((table.c.model, model), (table.c.segment, segment), (table.c.metric, metric)):
            query = query if value is None else query.where(column == value)
        with self.read() as connection:
            return [MetricPoint(**_unblank(row)) for row in connection.execute(query).mappings()]


def _own_transactions(raw: sqlite3.Connection, _record: object) -> None:
    """Take transaction control from the driver, which would begin late and then fail to upgrade under load."""
    raw.isolation_level = None
    raw.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    raw.execute("PRAGMA foreign_keys=ON")


def _begin(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("mlops_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _point_row(point: MetricPoint) -> dict[str, Any]:
    row = point.model_dump()
    row |= {"segment": point.segment or "", "start": _utc(point.start), "end": _utc(point.end)}
    return row


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _unblank(row: Any) -> dict[str, Any]:
    """A segment of no name is stored as '' because a primary key cannot hold NULL."""
    return {**row, "segment": row["segment"] or None}
