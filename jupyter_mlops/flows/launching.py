"""Jobs asked for from a form: what a notebook takes, checked field by field, then started so that they outlive who asked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput, Conflict, MlopsError, Refused
from jupyter_mlops.flows.detaching import start_jobs
from jupyter_mlops.flows.training import task_of
from jupyter_mlops.jobs import Matrix, Parameter, Task, check, read_words, schema
from jupyter_mlops.project import Project
from jupyter_mlops.records import FormField, JobForm, Run

MOST_JOBS = 1000


def job_form(project: Project, notebook: Path) -> JobForm:
    """What the notebook takes, as a form asks for it. Raises BadInput where it is none."""
    fields = [_field(p) for p in schema(notebook).values()]
    mine = (n for n, m in project.file.models.items() if (project.root / m.train.notebook).resolve() == notebook)
    model = next(mine, None)
    segments = len(project.file.models[model].segments) if model else 0
    return JobForm(notebook=_named(project, notebook), fields=fields, model=model, segments=segments)


def _field(p: Parameter) -> FormField:
    kind = p.kind
    return FormField(
        name=p.name,
        kind="choice" if kind.choices else str(kind),
        text="" if p.required or p.computed or p.default is None else _typed(p.default),
        required=p.required,
        optional=p.optional,
        computed=p.computed,
        choices=[_typed(c) for c in kind.choices],
        span=kind.range.replace("x", p.name),
        help=p.help,
    )


def _typed(value: Any) -> str:
    """A value as it is typed: text as it is, everything else as JSON, which YAML reads as the same."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return {"inf": ".inf", "-inf": "-.inf"}.get(str(value), ".nan")
    return json.dumps(value, default=str, ensure_ascii=False)


def filled(notebook: Path, words: Mapping[str, str], several: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The parameters of each job that a filled-in form asks for.

    `words` are texts by parameter, `several` texts that hold more values, parted by commas: one job for each combination.
    Raises BadInput whose `details["fields"]` has the problem of every field that has one, not of the first alone.
    """
    declared = schema(notebook)
    problems: dict[str, MlopsError] = {}
    fixed: dict[str, Any] = {}
    for name, text in words.items():
        try:
            fixed |= _one(declared, name, text, notebook.name)
        except BadInput as error:
            problems[name] = error
    axes = dict(several or {})
    for name in axes:
        try:
            alone = Matrix([f"{name}={axes[name]}"], declared, notebook.name)
            for value in alone.axes[name]:
                check({name: declared[name]}, {name: value}, notebook.name)
        except BadInput as error:
            problems[name] = error
    for parameter in declared.values():
        if parameter.required and parameter.name not in {**words, **axes}:
            problems[parameter.name] = BadInput(f"{parameter.name} has no default", "give it a value")
    if problems:
        raise _refusal(notebook, problems)
    matrix = Matrix([f"{name}={text}" for name, text in axes.items()], declared, notebook.name)
    if matrix.count > MOST_JOBS:
        raise BadInput(
            f"these values make {matrix.count:,} jobs",
            f"up to {MOST_JOBS:,} are started from here; the command line runs more with --yes",
        )
    return [{**fixed, **combination} for combination in matrix]


def _one(declared: Mapping[str, Parameter], name: str, text: str, notebook: str) -> dict[str, Any]:
    given = read_words([f"{name}={text}"], declared, notebook)
    own = {name: declared[name]} if name in declared else dict(declared)
    return check(own, given, notebook)


def _refusal(notebook: Path, problems: Mapping[str, MlopsError]) -> BadInput:
    fields = {name: {"message": e.message, "fix": e.fix} for name, e in problems.items()}
    count = "1 value does" if len(fields) == 1 else f"{len(fields)} values do"
    return BadInput(f"{count} not fit {notebook.name}", "correct what is marked", fields=fields)


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
    tasks = [Task(_called(notebook, given, several or {}), notebook, given) for given in wanted]
    return start_jobs(project, tasks, force=force)


def launch_segments(project: Project, model: str, *, resume: bool = False) -> str:
    """Train every segment of a model of `mlops.yaml`; with `resume`, only those that its last fleet did not finish."""
    tasks = [task_of(project, target) for target in project.targets(model)]
    return start_jobs(project, tasks, force=not resume, resume=resume, name=model)


def resume_fleet(project: Project, run: Run) -> str:
    """Go on with a fleet of a model's segments: only what did not finish is run."""
    if run.tags.get("mlops.kind") != "fleet":
        raise BadInput(f"run {run.run_id[:8]} is no fleet, so there is nothing to go on with", "run it again")
    if run.status == "RUNNING":
        raise Conflict(f"fleet {run.run_id[:8]} is running", "wait until it ended, or cancel it")
    if run.experiment not in project.file.models or run.name != run.experiment:
        raise Refused(
            f"{run.name} was not made from mlops.yaml, so what its jobs were given is not known here",
            "fill in the same values again, or repeat its command with --resume",
        )
    return launch_segments(project, run.experiment, resume=True)


def _called(notebook: Path, given: Mapping[str, Any], several: Mapping[str, str]) -> str:
    """What tells one job of several from the others is in its name."""
    return " ".join([notebook.stem, *(f"{name}={given[name]}" for name in several)])


def _named(project: Project, notebook: Path) -> str:
    """The notebook's path from the project's folder, where it is in there."""
    return notebook.relative_to(project.root).as_posix() if notebook.is_relative_to(project.root) else str(notebook)
