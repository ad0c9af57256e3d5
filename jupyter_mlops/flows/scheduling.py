"""jupyter-scheduler's "Create notebook job" runs our jobs: the same checks, retries and truthful ends.

The server keeps jupyter-scheduler's own tables. A job is run by a process of its own, which outlives the server, writes the
end into those tables, and leaves a lease by which a job whose process is gone is known.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_scheduler.exceptions import SchedulerError
from jupyter_scheduler.executors import ExecutionManager
from jupyter_scheduler.models import Status
from jupyter_scheduler.orm import Job as Row
from jupyter_scheduler.scheduler import Scheduler
from jupyter_scheduler.utils import get_utc_timestamp
from traitlets import Integer, Type, Unicode

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.flows.scheduled import JobManager, given, noted, source_of
from jupyter_mlops.jobs import cancel, check, read_duration, schema
from jupyter_mlops.project import load
from jupyter_mlops.store import expired, open_store

_STARTS_WITHIN = 300_000  # milliseconds: a job that was asked for and has no process by then has none
_OPEN = (Status.QUEUED, Status.IN_PROGRESS, Status.STOPPING)


class MlopsScheduler(Scheduler):  # type: ignore[misc]  # jupyter-scheduler ships no types
    """`c.SchedulerApp.scheduler_class`; installed with us, it is what jupyter-scheduler takes unless configured otherwise."""

    execution_manager_class = Type(JobManager, klass=ExecutionManager, config=True)
    retries = Integer(1, config=True, help="how often a job whose kernel was killed is tried again")
    timeout = Unicode("1d", config=True, help="how long a job may run, like 30m or 2h")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        read_duration(self.timeout)  # a wrong word of the server's configuration is told as the server starts

    def create_job(self, model: Any) -> str:
        """Refused here, before anything is started, where notebook and parameters do not fit."""
        self._check(model)
        job_id: str = super().create_job(model)
        self._update(job_id, Status.STOPPED, status=Status.QUEUED)  # its first state says that somebody stopped it
        return job_id

    def create_job_definition(self, model: Any) -> str:
        self._check(model)
        found: str = super().create_job_definition(model)
        return found

    def _check(self, model: Any) -> None:
        notebook = Path(self.root_dir, model.input_uri)
        try:
            check(schema(notebook), given(notebook, model.parameters), notebook.name)
        except MlopsError as error:
            raise SchedulerError(f"{error.message}; {error.fix}") from error

    def copy_input_file(self, input_uri: str, copy_to_path: str) -> None:
        super().copy_input_file(input_uri, copy_to_path)
        self._note(input_uri, copy_to_path, packaged=False)

    def copy_input_folder(self, input_uri: str, nb_copy_to_path: str) -> Any:
        copied = super().copy_input_folder(input_uri, nb_copy_to_path)
        self._note(input_uri, nb_copy_to_path, packaged=True)
        return copied

    def _note(self, input_uri: str, copy: str, *, packaged: bool) -> None:
        """Beside the copy's folder: where it came from, and what holds for it. Of a definition's copy, what was noted there."""
        original = Path(self.root_dir, input_uri).resolve()
        known = source_of(original)
        note = {
            "notebook": str(known.get("notebook", original)),
            "packaged": packaged,
            "retries": self.retries,
            "timeout": self.timeout,
        }
        noted(Path(copy)).write_text(json.dumps(note), encoding="utf-8")

    def get_job(self, job_id: str, job_files: bool | None = True) -> Any:
        self._close_lost()
        return super().get_job(job_id, job_files)

    def list_jobs(self, query: Any) -> Any:
        self._close_lost()
        return super().list_jobs(query)

    def stop_job(self, job_id: str) -> None:
        """Its supervisor ends it within a second, whichever server started it, and says so."""
        for status in (Status.QUEUED, Status.IN_PROGRESS):
            self._update(job_id, status, status=Status.STOPPING)
        place = self._lease(job_id).with_suffix(".run")
        with suppress(OSError, ValueError, MlopsError):  # one that has not begun yet reads its state as it begins
            root, run_id = json.loads(place.read_text(encoding="utf-8"))
            cancel(open_store(load(Path(root))), run_id)

    def delete_job(self, job_id: str) -> None:
        super().delete_job(job_id)
        for suffix in (".lease", ".run", ".json"):
            self._lease(job_id).with_suffix(suffix).unlink(missing_ok=True)

    def _lease(self, job_id: str) -> Path:
        return Path(self.staging_path, f"{job_id}.lease")

    def _close_lost(self) -> None:
        """A job whose process is gone failed, whatever its last word was."""
        with self.db_session() as session:
            rows = session.query(Row).filter(Row.status.in_([s.value for s in _OPEN])).all()
            lost = [(row.job_id, row.status, why) for row in rows if (why := self._lost(row))]
        for job_id, status, why in lost:
            self._update(job_id, status, status=Status.FAILED, status_message=why, end_time=get_utc_timestamp())

    def _lost(self, row: Any) -> str:
        try:
            return expired(self._lease(row.job_id).read_text(encoding="utf-8"))
        except OSError:
            late = get_utc_timestamp() - row.create_time > _STARTS_WITHIN
            return "its process did not start" if late else ""

    def _update(self, job_id: str, before: str, **values: Any) -> None:
        with self.db_session() as session:
            session.query(Row).filter(Row.job_id == job_id, Row.status == str(before)).update(
                {name: str(v) if isinstance(v, Status) else v for name, v in values.items()}
            )
            session.commit()
