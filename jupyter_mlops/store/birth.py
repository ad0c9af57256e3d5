"""A project's database comes into being whole or not at all, whoever opens it first and whatever is killed meanwhile.

MLflow runs every migration on the first use of a fresh file, in steps that several processes or a kill leave half done for
ever. Here the file is a copy of a template migrated once per MLflow version, made complete under a temporary name, synced,
and renamed; one lock decides who does it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import sqlalchemy as sa

from jupyter_mlops.errors import Unavailable
from jupyter_mlops.store import schema


def ensure(path: Path, artifacts: Path, *, mlflow_tables: bool) -> None:
    """Make sure a complete database stands at `path`. Costs one `stat` when it does."""
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(path.with_suffix(".lock")):
            if not path.exists():
                _make(path, artifacts, mlflow_tables)
    except OSError as error:
        raise Unavailable(
            f"cannot create the project's database {path}: {error.strerror or error}",
            "make the folder writable and the disk not full, then run it again",
            path=str(path),
        ) from error


def _make(path: Path, artifacts: Path, mlflow_tables: bool) -> None:
    unfinished = path.with_suffix(".unfinished")
    for leftover in path.parent.glob(unfinished.name + "*"):
        leftover.unlink()
    if mlflow_tables:
        shutil.copyfile(template(), unfinished)
    _complete(unfinished, artifacts, mlflow_tables)
    unfinished.chmod(0o600)
    _sync(unfinished)
    unfinished.rename(path)
    _sync(path.parent)


def _complete(path: Path, artifacts: Path, mlflow_tables: bool) -> None:
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        schema.metadata.create_all(connection)
        connection.execute(schema.meta.insert().values(key="schema", value=str(schema.VERSION)))
        if mlflow_tables:
            for statement in schema.MLFLOW_INDEXES:
                connection.exec_driver_sql(statement)
            connection.execute(
                sa.text("UPDATE experiments SET artifact_location = :at WHERE experiment_id = 0"),
                {"at": f"{artifacts}/0"},
            )
    engine.dispose()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("ANALYZE")
    raw.close()


def template() -> Path:
    """MLflow's empty database, migrated once for the installed version and kept in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jupyter_mlops"
    ready = cache / f"mlflow-{version('mlflow')}.db"
    if ready.exists():
        return ready
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(cache / "template.lock"):
        if not ready.exists():
            _migrate(ready)
    return ready


def _migrate(ready: Path) -> None:
    """Run the migrations in a process of their own: MLflow need not be imported here, and may be killed there."""
    unfinished = ready.with_suffix(".unfinished")
    for leftover in ready.parent.glob(unfinished.name + "*"):
        leftover.unlink()
    code = (
        "import sys; from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as S;"
        "S('sqlite:///' + sys.argv[1], '/').engine.dispose()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(unfinished)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise Unavailable(f"MLflow could not prepare an empty database: {last}", "run `jupyter mlops doctor`")
    _sync(unfinished)
    unfinished.rename(ready)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
