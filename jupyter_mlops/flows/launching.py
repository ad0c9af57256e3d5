"""Jobs asked for from a form, started so that they outlive who asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jupyter_mlops.errors import BadInput, Conflict
from jupyter_mlops.flows.detaching import start_jobs
from jupyter_mlops.flows.forms import filled
from jupyter_mlops.flows.training import task_of
from jupyter_mlops.jobs import Task, asked_of, called
from jupyter_mlops.project import Project
from jupyter_mlops.records import Run
from jupyter_mlops.store import open_store


def launch(
    project: Project,
    notebook: Path,
    words: Mapping[str, str],
    several: Mapping[str, str] | None = None,
    *,
    force: bool = False,
) -> str:
    """Start the job, or the jobs, that a filled-in form asks for, in a process of their own; the run to follow.

    What does not fit is BadInput, and nothing is started.
    """
    wanted = filled(notebook, words, several)
    tasks = [Task(called(notebook, given, several or {}), notebook, given) for given in wanted]
    return start_jobs(project, tasks, force=force)


def launch_segments(project: Project, model: str, *, resume: bool = False) -> str:
    """Train every segment of a model of `mlops.yaml`; with `resume`, only those that its last fleet did not finish."""
    tasks = [task_of(project, target) for target in project.targets(model)]
    return start_jobs(project, tasks, force=not resume, resume=resume, name=model)


def resume_fleet(project: Project, run: Run) -> str:
    """Go on with a fleet: only what did not finish is run, as `mlops.yaml` has it now, or as it was asked for."""
    if run.tags.get("mlops.kind") != "fleet":
        raise BadInput(f"run {run.run_id[:8]} is no fleet, so there is nothing to go on with", "run it again")
    if run.status == "RUNNING":
        raise Conflict(f"fleet {run.run_id[:8]} is running", "wait until it ended, or cancel it")
    if run.experiment in project.file.models and run.name == run.experiment:
        return launch_segments(project, run.experiment, resume=True)
    return start_jobs(project, asked_of(open_store(project), run), force=False, resume=True, name=run.name)
