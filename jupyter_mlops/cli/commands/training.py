"""A training notebook as a job: once, for each combination of parameters, or for each segment of a model."""

from __future__ import annotations

import itertools
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import yaml

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of, typed_path
from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Project, parse_duration
from jupyter_mlops.records import Job

MOST_JOBS = 10_000


def _run(args: Namespace) -> Result:
    from tqdm import tqdm

    from jupyter_mlops.flows import gather, train
    from jupyter_mlops.jobs import Task, check, run_fleet, schema
    from jupyter_mlops.store import open_store

    project = project_of(args)
    combinations = _combinations(args)
    if args.segments:
        _only_for_notebooks(args)
        targets = list(project.targets(args.segments))
        if args.dry_run:
            return _planned([(t.name, t.parameters) for t in targets])
        with tqdm(total=len(targets), desc="training", unit="segment", disable=args.json) as bar:
            jobs = train(open_store(project), targets, workers=args.workers, done=lambda _job: _ticked(bar))
        return _answer(jobs)
    notebook = _notebook(args, project)
    declared = schema(notebook)
    for given in combinations:
        check(declared, given, notebook.name)
    tasks = [
        Task(_called(notebook, given, len(combinations)), notebook, given, timeout=args.timeout, retries=args.retries)
        for given in combinations
    ]
    if args.dry_run:
        return _planned([(task.name, dict(task.parameters)) for task in tasks])
    store = open_store(project)
    with tqdm(total=len(tasks), desc=notebook.stem, unit="job", disable=args.json) as bar:
        finished = run_fleet(
            store, tasks, workers=args.workers or project.file.compute.workers, done=lambda _task, _job: _ticked(bar)
        )
    return _answer(gather(store, finished))


def _ticked(bar: Any) -> None:
    bar.update()


def _notebook(args: Namespace, project: Project) -> Path:
    if not args.notebook:
        raise BadInput("no notebook was named", "name one, or train a model's segments with --segments MODEL")
    here = typed_path(args.notebook)
    return here if here.is_file() else project.root / args.notebook


def _only_for_notebooks(args: Namespace) -> None:
    given = [word for word, value in (("-p", args.p), ("-f", args.f), ("--matrix", args.matrix)) if value]
    if given or args.notebook:
        raise BadInput(
            f"--segments takes notebook and parameters from mlops.yaml, so {(given or ['NOTEBOOK'])[0]} has no effect",
            "set them in mlops.yaml, or leave --segments out",
        )


def _combinations(args: Namespace) -> list[dict[str, Any]]:
    fixed: dict[str, Any] = {}
    if args.f:
        fixed |= _file(typed_path(args.f))
    for word in args.p or []:
        name, value = _pair(word, "-p")
        fixed[name] = yaml.safe_load(value)
    axes = [_pair(word, "--matrix") for word in args.matrix or []]
    count = 1
    for _, values in axes:
        count *= len(values.split(","))
    if count > MOST_JOBS:
        raise BadInput(f"the matrix has {count:,} combinations", f"give at most {MOST_JOBS:,}")
    choices = [[(name, yaml.safe_load(value)) for value in values.split(",")] for name, values in axes]
    return [{**fixed, **dict(combination)} for combination in itertools.product(*choices)]


def _pair(word: str, option: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise BadInput(f"{option} {word!r} is not NAME=VALUE", f"write it as {option} horizon=30")
    return name, value


def _file(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"-f {path} cannot be read: {error}", "give a YAML or JSON file of parameters") from error
    if not isinstance(content, dict):
        raise BadInput(f"-f {path} holds no mapping of names to values", "write `horizon: 30`, a line each")
    return content


def _called(notebook: Path, given: dict[str, Any], count: int) -> str:
    """Names of a matrix tell the jobs apart."""
    return notebook.stem if count == 1 else f"{notebook.stem} " + " ".join(f"{k}={v}" for k, v in given.items())


def _planned(jobs: list[tuple[str, dict[str, Any]]]) -> Result:
    data = [{"name": name, "parameters": given} for name, given in jobs]
    return Result(data, text.table([(n, p) for n, p in jobs], ("JOB", "PARAMETERS"), "nothing to run"))


def _answer(jobs: dict[str, Job]) -> Result:
    rows = [(n, j.status, text.metrics(j.metrics), j.run_id[:8], j.reason) for n, j in jobs.items()]
    failed = sum(job.status != "FINISHED" for job in jobs.values())
    shown = text.table(rows, ("JOB", "STATUS", "METRICS", "RUN", "REASON"), "nothing was run")
    return Result(list(jobs.values()), shown, 1 if failed else 0)


def _duration(word: str) -> Any:
    try:
        return parse_duration(word)
    except ValueError as error:
        raise BadInput(f"--timeout: {error}", "write it as 10m") from error


def _words(parser: ArgumentParser) -> None:
    parser.add_argument("notebook", metavar="NOTEBOOK", nargs="?")
    parser.add_argument("-p", metavar="K=V", action="append", help="a parameter; the value is read as YAML")
    parser.add_argument("-f", metavar="FILE", help="parameters from a YAML or JSON file")
    parser.add_argument("--matrix", metavar="K=A,B", action="append", help="one job for each value")
    parser.add_argument("--segments", metavar="MODEL", help="one job for each segment of a model of mlops.yaml")
    parser.add_argument("--workers", type=int, metavar="N")
    parser.add_argument("--timeout", type=_duration, default=parse_duration("15m"), metavar="10m")
    parser.add_argument("--retries", type=int, default=0, metavar="N", help="tries again when the kernel died")
    parser.add_argument("--dry-run", action="store_true", help="check everything, run nothing")


COMMANDS = [
    Command("run", "a training job, or many", "jupyter mlops run notebooks/train.ipynb -p horizon=30", _run, _words)
]
