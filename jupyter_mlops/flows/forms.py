"""What a notebook takes as a form, and whether what was filled in fits: every field told its own problem, nothing started."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.jobs import Matrix, Parameter, check, read_words, schema
from jupyter_mlops.project import Project
from jupyter_mlops.records import FormField, JobForm

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


def _named(project: Project, notebook: Path) -> str:
    """The notebook's path from the project's folder, where it is in there."""
    return notebook.relative_to(project.root).as_posix() if notebook.is_relative_to(project.root) else str(notebook)
