"""Jobs asked for from a form: checked before anything starts, then run by a process of their own that outlives who asked.

Until such a process has opened its run, a small file in `.mlops/jobs/asked` stands for it; nothing a person typed is in it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from jupyter_mlops.errors import BadInput, Conflict, MlopsError, NotFound, Refused
from jupyter_mlops.jobs import Matrix, Parameter, check, read_words, schema
from jupyter_mlops.project import Project
from jupyter_mlops.records import AskedJob, FormField, JobForm, Run
from jupyter_mlops.store import keeper

MOST_JOBS = 1000
_FOLDER = "asked"


def job_form(project: Project, notebook: Path) -> JobForm:
    """What the notebook takes, as a form asks for it. Raises BadInput where it is none."""
    fields = [_field(p) for p in schema(notebook).values()]
    mine = (n for n, m in project.file.models.items() if (project.root / m.train.notebook).resolve() == notebook)
    model = next(mine, None)
    segments = len(project.file.models[model].segments) if model else 0
    return JobForm(notebook=named(project, notebook), fields=fields, model=model, segments=segments)


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
) -> AskedJob:
    """Start the job, or the jobs, that a filled-in form asks for. What does not fit is BadInput, and nothing is started."""
    count = len(filled(notebook, words, several))
    request = {"notebook": str(notebook), "words": dict(words), "several": dict(several or {}), "force": force}
    return _start(project, notebook.stem, named(project, notebook), count, request)


def launch_segments(project: Project, model: str, *, resume: bool = False) -> AskedJob:
    """Train every segment of a model of `mlops.yaml`; with `resume`, only those that its last fleet did not finish."""
    targets = list(project.targets(model))
    for target in targets:
        notebook = project.root / target.spec.train.notebook
        check(schema(notebook), target.parameters, notebook.name)
    request = {"model": model, "resume": resume, "force": not resume}
    return _start(project, model, targets[0].spec.train.notebook, len(targets), request)


def _start(project: Project, name: str, notebook: str, count: int, request: dict[str, Any]) -> AskedJob:
    asked = AskedJob(key=uuid.uuid4().hex, name=name, notebook=notebook, count=count, at=datetime.now(UTC))
    folder = project.home / "jobs" / _FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / f"{asked.key}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlops.flows.launched", str(project.root), asked.key],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    write(project, asked, process.pid)
    with contextlib.suppress(BrokenPipeError), process.stdin or contextlib.nullcontext() as pipe:
        pipe.write(json.dumps(request).encode())  # type: ignore[union-attr]
    return asked


def write(project: Project, asked: AskedJob, pid: int) -> None:
    """Keep what is known of it, whole or not at all."""
    place = project.home / "jobs" / _FOLDER / f"{asked.key}.json"
    part = place.with_suffix(".part")
    part.write_text(json.dumps({"pid": pid, "asked": asked.model_dump(mode="json")}), encoding="utf-8")
    part.replace(place)
    (project.home / "jobs").touch()  # who watches that folder sees it change


def asked_jobs(project: Project, runs: Iterable[Run]) -> list[AskedJob]:
    """Those that none of these runs stands for, newest first; whose process is gone without a word is said so."""
    keepers = {keeper(run.tags): run.started for run in sorted(runs, key=lambda r: r.started)}
    found = []
    for place in (project.home / "jobs" / _FOLDER).glob("*.json"):
        try:
            kept = json.loads(place.read_text(encoding="utf-8"))
            asked, pid = AskedJob(**kept["asked"]), int(kept["pid"])
        except (OSError, ValueError, KeyError):
            continue
        if pid in keepers and keepers[pid] >= asked.at and not asked.problem:
            forget(project, asked.key)
            continue
        if not asked.problem and not asked.reused and not _lives(pid, asked.key):
            asked = asked.model_copy(update={"problem": _last_words(project, asked.key), "fix": "start it again"})
        found.append(asked)
    return sorted(found, key=lambda a: a.at, reverse=True)


def forget(project: Project, key: str) -> None:
    """Nothing more is said about it. Raises NotFound where nothing was."""
    folder = project.home / "jobs" / _FOLDER
    if not key.isalnum() or not (folder / f"{key}.json").is_file():
        raise NotFound(f"nothing was asked for under {key!r}", "its run is there by now: look among the jobs")
    for suffix in ("json", "log"):
        (folder / f"{key}.{suffix}").unlink(missing_ok=True)
    (project.home / "jobs").touch()


def cancel_asked(project: Project, key: str) -> None:
    """End a job before it has a run; one that ended already is only forgotten."""
    place = project.home / "jobs" / _FOLDER / f"{key}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, ProcessLookupError):
        pid = int(json.loads(place.read_text(encoding="utf-8"))["pid"])
        if _lives(pid, key):
            os.kill(pid, signal.SIGTERM)
    forget(project, key)


def resume_fleet(project: Project, run: Run) -> AskedJob:
    """Go on with a fleet of a model's segments: only what did not finish is run."""
    if run.tags.get("mlops.kind") != "fleet":
        raise BadInput(f"run {run.run_id[:8]} is no fleet, so there is nothing to go on with", "run it again")
    if run.status == "RUNNING":
        raise Conflict(f"fleet {run.run_id[:8]} is running", "wait until it ended, or cancel it")
    if run.experiment not in project.file.models or run.name != run.experiment:
        raise Refused(
            f"{run.name} was not made from mlops.yaml, so what it was given is not known here",
            "fill in the same values again, or repeat its command with --resume",
        )
    return launch_segments(project, run.experiment, resume=True)


def named(project: Project, notebook: Path) -> str:
    """The notebook's path from the project's folder, where it is in there."""
    return notebook.relative_to(project.root).as_posix() if notebook.is_relative_to(project.root) else str(notebook)


def _lives(pid: int, key: str) -> bool:
    """A number alone proves nothing: the process must have been started for this very key."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and key in process.cmdline()
    except psutil.Error:
        return False


def _last_words(project: Project, key: str) -> str:
    try:
        lines = (project.home / "jobs" / _FOLDER / f"{key}.log").read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        lines = []
    return f"its process ended before the run was there{': ' + lines[-1][:300] if lines else ''}"
