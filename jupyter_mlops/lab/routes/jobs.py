"""Training jobs: a form made from a notebook, what runs, and its end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput
from jupyter_mlops.lab.route import Route, Words
from jupyter_mlops.lab.shapes import JobRow, Started
from jupyter_mlops.lab.workspace import Workspace
from jupyter_mlops.records import JobForm, Run

_NEWEST = 30
_LOOKED = 300
_CELL = re.compile(r"\bcell (\d+)\b")


def _jobs(w: Workspace, _words: Words) -> list[JobRow]:
    """The newest fleets and single jobs; a fleet's own jobs come with it when they are asked for."""
    w.bury()
    fleets = w.store.runs(tags={"mlops.kind": "fleet"}, limit=_NEWEST)
    jobs = w.store.runs(tags={"mlops.kind": "job"}, limit=_LOOKED)
    runs = sorted([*fleets, *(j for j in jobs if j.parent is None)], key=lambda r: r.started, reverse=True)
    return [_row(w, run) for run in runs[:_NEWEST]]


def _fleet(w: Workspace, words: Words) -> list[JobRow]:
    """Each job once, by its last try."""
    run = w.store.run(words["id"])
    tries = w.store.runs(run.experiment, parent=run.run_id, limit=10_000)
    newest = {t.tags.get("mlops.task", t.run_id): t for t in reversed(tries)}
    return [_row(w, job) for job in sorted(newest.values(), key=lambda r: r.name)]


def _row(w: Workspace, run: Run) -> JobRow:
    from jupyter_mlops.jobs import progress

    found = _CELL.search(run.reason) if run.status != "FINISHED" else None
    return JobRow(
        run=run,
        kind="fleet" if run.tags.get("mlops.kind") == "fleet" else "job",
        notebook=w.notebook_of(run),
        cell=int(found[1]) - 1 if found else None,
        progress=progress(w.store, run.run_id) if run.status == "RUNNING" else None,
    )


def _form(w: Workspace, words: Words) -> JobForm:
    from jupyter_mlops.flows import job_form

    return job_form(w.project, _path(w, words["notebook"]))


def _texts(words: Words, name: str) -> dict[str, str]:
    given = words.get(name) or {}
    wrong = next((k for k, v in given.items() if not isinstance(v, str)), None)
    if wrong is not None:
        raise BadInput(f"{name}.{wrong} is not text", "send each value as it was typed", field=wrong)
    return dict(given)


def _check(w: Workspace, words: Words) -> list[dict[str, Any]]:
    """What would be run; secrets among the values are not sent back, so only the names of each job's are."""
    from jupyter_mlops.flows import filled

    notebook = _path(w, words["notebook"])
    combinations = filled(notebook, _texts(words, "parameters"), _texts(words, "several"))
    return [{"names": sorted(given)} for given in combinations]


def _start(w: Workspace, words: Words) -> Started:
    from jupyter_mlops.flows import launch

    notebook = _path(w, words["notebook"])
    parameters, several = _texts(words, "parameters"), _texts(words, "several")
    run_id = launch(w.project, notebook, parameters, several, force=bool(words.get("force")))
    return Started(run_id=run_id)


def _start_segments(w: Workspace, words: Words) -> Started:
    from jupyter_mlops.flows import launch_segments

    return Started(run_id=launch_segments(w.project, words["name"]))


def _path(w: Workspace, name: str) -> Path:
    """A notebook as the file browser names it, else as the project does."""
    if "\0" in name:
        raise BadInput(f"{name!r} is no path: it holds a NUL", "name a notebook inside", field="notebook")
    here = (w.root / name.lstrip("/")).resolve()
    if not here.is_file():
        here = (w.project.root / name).resolve()
    if not here.is_relative_to(w.root) and not here.is_relative_to(w.project.root):
        raise BadInput(f"{name} is outside of what this server shows", "name a notebook inside", field="notebook")
    return here


def _cancel(w: Workspace, words: Words) -> Run:
    from jupyter_mlops.jobs import cancel

    return cancel(w.store, words["id"])


def _resume(w: Workspace, words: Words) -> Started:
    from jupyter_mlops.flows import resume_fleet

    return Started(run_id=resume_fleet(w.project, w.store.run(words["id"])))


_ID: Any = {"id": "string"}
_FILLED: Any = {"notebook": "string", "parameters": "object?", "several": "object?"}

ROUTES = [
    Route("GET", "jobs", "what runs, and what ran last", list[JobRow], _jobs),
    Route("GET", "jobs/{id}/jobs", "the jobs of a fleet", list[JobRow], _fleet, _ID),
    Route("GET", "form", "what a notebook takes", JobForm, _form, {"notebook": "string"}),
    Route("POST", "form", "whether what was filled in fits; each job it makes", list[dict[str, Any]], _check, _FILLED),
    Route(
        "POST",
        "jobs",
        "start a job; several values of a parameter, parted by commas, make one job each",
        Started,
        _start,
        {**_FILLED, "force": "boolean?"},
    ),
    Route(
        "POST", "models/{name}/train", "train every segment of a model", Started, _start_segments, {"name": "string"}
    ),
    Route("POST", "jobs/{id}/cancel", "end a running job, or all of a fleet", Run, _cancel, _ID),
    Route("POST", "jobs/{id}/resume", "go on with a fleet: only what did not finish", Started, _resume, _ID),
]
