"""One job that jupyter-scheduler was asked for, in a process of its own."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from jupyter_scheduler.executors import DefaultExecutionManager
from jupyter_scheduler.models import Status
from jupyter_scheduler.orm import Job as Row
from jupyter_scheduler.utils import get_utc_timestamp

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.jobs import Task, cancel, read_duration, read_words, schema
from jupyter_mlops.project import HOME, Project, load, root_around
from jupyter_mlops.records import Job
from jupyter_mlops.store import Store, lease, open_store

_LONGEST = 1000  # characters of a status message, as wide as the column
_SAID = {"FINISHED": Status.COMPLETED, "KILLED": Status.STOPPED}


def noted(copy: Path) -> Path:
    """The note that belongs to a staged notebook: beside its folder, so that no job's files are mixed with it."""
    return copy.parent.with_suffix(".json")


def source_of(copy: Path) -> dict[str, Any]:
    """What was noted of a staged notebook; nothing where it is no such copy."""
    try:
        note = json.loads(noted(copy).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) and "notebook" in note else {}


def given(notebook: Path, words: Mapping[str, str] | None) -> dict[str, Any]:
    """The dialog's parameters by the notebook's own types. A text may stand in quotes, as jupyter-scheduler asks for it."""
    return read_words([f"{n}={_unquoted(v)}" for n, v in (words or {}).items()], schema(notebook), notebook.name)


def _unquoted(text: str) -> str:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if isinstance(value, str) else text


class JobManager(DefaultExecutionManager):  # type: ignore[misc]  # jupyter-scheduler ships no types
    """`process` only starts `execute` elsewhere: what the server starts would end with it, or keep it from ending."""

    def process(self) -> None:
        asked = {"job_id": self.job_id, "root_dir": self.root_dir, "db_url": self.db_url, "paths": self.staging_paths}
        with self._beside(".log").open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "jupyter_mlops.flows.scheduled"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert started.stdin is not None
        with started.stdin as to:
            to.write(json.dumps(asked).encode())

    def execute(self) -> None:
        self._beside(".lease").write_text(lease(), encoding="utf-8")
        if self._status() == Status.STOPPING:
            self._enter(Status.STOPPED, "stopped before it began")
            return
        self.before_start()
        try:
            job = self._job()
            self._write(job)
        except KeyboardInterrupt:
            self._enter(Status.STOPPED, "the job was cancelled")
        except MlopsError as error:
            self._enter(Status.FAILED, f"{error.message}; {error.fix}" if error.fix else error.message)
        except Exception as error:  # whatever else it is: a job that failed says so
            self._enter(Status.FAILED, f"{type(error).__name__}: {error}")
            raise
        else:
            self._enter(_SAID.get(job.status, Status.FAILED), job.reason)

    def validate(self, input_path: str) -> bool:
        """The scheduler has held the notebook against its parameters, and says more than yes or no."""
        return bool(input_path)

    def _job(self) -> Job:
        from jupyter_mlops.flows.training import run_jobs

        copy, asked = Path(self.staging_paths["input"]), self.model
        note = source_of(copy)
        original = Path(note.get("notebook", copy))
        store = open_store(_project(original, Path(self.root_dir)))
        task = Task(
            name=asked.name,
            notebook=copy if note.get("packaged") or not original.parent.is_dir() else original,
            content=copy.read_bytes(),
            parameters=given(copy, asked.parameters),
            experiment=original.stem,
            tags={"mlops.scheduler_job": self.job_id},
            **_limits(store.project, original, {**note, **(asked.runtime_environment_parameters or {})}),
        )
        return run_jobs(store, [task], begun=lambda run_id: self._begun(store, run_id), force=True)[task.name]

    def _begun(self, store: Store, run_id: str) -> None:
        self._beside(".run").write_text(json.dumps([str(store.project.root), run_id]), encoding="utf-8")
        if self._status() == Status.STOPPING:
            cancel(store, run_id)

    def _write(self, job: Job) -> None:
        """The executed notebook in every format that was asked for, a failed job's too."""
        folder = Path(self.staging_paths["input"]).parent
        if folder.is_dir() and Path(job.output).is_file():  # it is gone where the job was deleted meanwhile
            self.create_output_files(self.model, nbformat.read(job.output, as_version=4))
            if source_of(Path(self.staging_paths["input"])).get("packaged"):
                os.chdir(folder)  # it names the files relative to where it is
                self.add_side_effects_files(str(folder))

    def _status(self) -> Status | None:
        with self.db_session() as session:
            row = session.query(Row).filter(Row.job_id == self.job_id).first()
            return Status(row.status) if row else None

    def _enter(self, status: Status, reason: str) -> None:
        values = {"status": str(status), "status_message": reason[:_LONGEST] or None, "end_time": get_utc_timestamp()}
        with self.db_session() as session:
            session.query(Row).filter(Row.job_id == self.job_id).update(values)
            session.commit()

    def _beside(self, suffix: str) -> Path:
        return Path(self.staging_paths["input"]).parent.with_suffix(suffix)


def _project(notebook: Path, server: Path) -> Project:
    """The notebook's own; where none is around it, the server's folder."""
    around = root_around(notebook.parent)
    return load(around if around != notebook.parent.resolve() or (around / HOME).is_dir() else root_around(server))


def _limits(project: Project, notebook: Path, asked: Mapping[str, Any]) -> dict[str, Any]:
    """How long and how often: as the job was asked for, or as a model of mlops.yaml that this notebook trains has it."""
    for model in project.file.models.values():
        if (project.root / model.train.notebook).resolve() == notebook:
            return {"timeout": model.train.timeout, "retries": model.train.retries}
    return {"timeout": read_duration(asked.get("timeout", "1d")), "retries": asked.get("retries", 0)}


def main() -> None:
    """The supervisor's whole life."""
    asked = json.loads(sys.stdin.buffer.read())
    JobManager(asked["job_id"], asked["root_dir"], asked["db_url"], asked["paths"]).execute()


if __name__ == "__main__":
    main()
