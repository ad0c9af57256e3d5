"""Jobs in a process of their own, which outlives the notebook, terminal or server that asked for them."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from jupyter_mlops.errors import MlopsError, Unavailable
from jupyter_mlops.jobs import Task, prepared
from jupyter_mlops.project import Project, load
from jupyter_mlops.store import open_store

LOG = "supervisor.log"


def start_jobs(project: Project, tasks: Sequence[Task], **options: Any) -> str:
    """Begin them as `run_jobs` does with the same options, and return at once: the run to follow, of the job or the fleet.

    What does not fit its notebook is BadInput before anything is started. Takes the few seconds in which a Python imports
    MLflow. `jobs.progress` follows the run, `jobs.cancel` ends it.
    """
    tasks = [prepared(task)[0] for task in tasks]
    home = project.home / "jobs"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlops.flows.detaching"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=project.root,
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin as given, process.stdout as told:
        with contextlib.suppress(BrokenPipeError):
            given.write(pickle.dumps((project.root, tasks, options)))
            given.close()
        return _heard(told.readline(), home / LOG)


def _heard(line: bytes, log: Any) -> str:
    said = json.loads(line) if line else {}
    if "run_id" in said:
        return str(said["run_id"])
    if "error" in said:
        error = said["error"]
        kind = next((k for k in MlopsError.__subclasses__() if k.code == error["code"]), MlopsError)
        raise kind(error["message"], error["fix"], code=error["code"], **error["details"])
    raise Unavailable("the job's supervisor ended without a word", f"what it wrote is in {log}")


class _Told:
    """One line to whoever started this, who then no longer listens."""

    def __init__(self) -> None:
        self._to = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # whatever else is printed goes to the log

    def __call__(self, **said: Any) -> None:
        if not self._to.closed:
            with contextlib.suppress(BrokenPipeError), self._to as to:
                to.write(json.dumps(said) + "\n")


def main() -> None:
    """The supervisor's whole life."""
    from jupyter_mlops.flows.training import run_jobs  # papermill and MLflow: not for who only asks

    tell = _Told()
    root, tasks, options = pickle.loads(sys.stdin.buffer.read())  # noqa: S301  # written by `start_jobs`, nobody else
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        store = open_store(load(root))
        jobs = run_jobs(store, tasks, begun=lambda run_id: tell(run_id=run_id), **options)
        tell(run_id=next(iter(jobs.values())).run_id)
    except MlopsError as error:
        tell(error=error.as_dict())


if __name__ == "__main__":
    main()
