"""The process that runs what was asked for from a form: it is given the project's folder and a key, and the request on stdin."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.flows.launching import asked_jobs, filled, forget, write
from jupyter_mlops.flows.training import run_jobs, train
from jupyter_mlops.jobs import Task
from jupyter_mlops.project import Project, load
from jupyter_mlops.records import AskedJob, Job
from jupyter_mlops.store import Store, open_store


def main(root: str, key: str) -> int:
    """Exit status 1 where a job did not finish, 2 where none could be started; the reason is kept for who asked."""
    signal.signal(signal.SIGTERM, _interrupt)
    request = json.load(sys.stdin)
    project = load(Path(root))
    try:
        jobs = _run(open_store(project), request)
    except MlopsError as error:
        _tell(project, key, problem=error.message, fix=error.fix)
        return 2
    except KeyboardInterrupt:
        return 1  # each run says so itself
    reused = [job.run_id for job in jobs.values() if job.reused]
    if jobs and len(reused) == len(jobs):
        _tell(project, key, reused=reused[0])
    else:
        _forget(project, key)
    return 0 if all(job.status == "FINISHED" for job in jobs.values()) else 1


def _run(store: Store, request: dict[str, Any]) -> dict[str, Job]:
    if "model" in request:
        targets = store.project.targets(request["model"])
        return train(store, targets, force=request["force"], resume=request["resume"])
    notebook = Path(request["notebook"])
    wanted = filled(notebook, request["words"], request["several"])
    tasks = [Task(_called(notebook, given, request["several"]), notebook, given) for given in wanted]
    return run_jobs(store, tasks, force=request["force"])


def _called(notebook: Path, given: dict[str, Any], several: dict[str, str]) -> str:
    """What tells one job of several from the others is in its name."""
    return " ".join([notebook.stem, *(f"{name}={given[name]}" for name in several)])


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _asked(project: Project, key: str) -> AskedJob | None:
    return next((a for a in asked_jobs(project, []) if a.key == key), None)


def _tell(project: Project, key: str, **facts: Any) -> None:
    asked = _asked(project, key)
    if asked:
        write(project, asked.model_copy(update=facts), os.getpid())


def _forget(project: Project, key: str) -> None:
    if _asked(project, key):
        forget(project, key)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
