"""A training notebook as a job: once, for each combination of parameters, or for each segment of a model."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of, typed_path
from jupyter_mlops.errors import BadInput
from jupyter_mlops.jobs import (
    Matrix,
    Parameter,
    Task,
    called,
    check,
    prepared,
    read_duration,
    read_file,
    read_words,
    schema,
)
from jupyter_mlops.project import Project, Target, parse_duration
from jupyter_mlops.records import Job

MOST_JOBS = 1000
"""More are run only with --yes: a matrix grows faster than people think."""


def _run(args: Namespace) -> Result:
    project = project_of(args)
    if args.parameters:
        return _listed(schema(_notebook(args, project)))
    if args.segments:
        return _segments(args, project)
    notebook = _notebook(args, project)
    axes, combinations = _combinations(args, schema(notebook), notebook)
    prepared(Task("", notebook, combinations[0]))  # its kernel, too, before seconds are spent on imports
    if args.dry_run:
        return _planned([(called(notebook, given, axes), given) for given in combinations])
    from jupyter_mlops.flows import run_jobs, shown, start_jobs
    from jupyter_mlops.store import open_store

    tasks = [
        Task(
            called(notebook, given, axes),
            notebook,
            given,
            timeout=args.timeout,
            retries=args.retries,
            memory=args.memory,
        )
        for given in combinations
    ]
    how = {"workers": args.workers, "cluster": args.cluster, "force": args.force, "resume": args.resume}
    how["notify"] = _told(args, project)
    if args.detach:
        return _started(start_jobs(project, tasks, **how))
    with shown(len(tasks), notebook.stem, silent=args.json) as told, _terminable():
        jobs = run_jobs(open_store(project), tasks, **how, **told)
    return _answer(jobs)


def _started(run_id: str) -> Result:
    fix = f"`jupyter mlops show {run_id[:8]}` says how it is, `jupyter mlops cancel {run_id[:8]}` ends it"
    return Result({"run_id": run_id}, f"run {run_id[:8]} goes on by itself; {fix}")


def _segments(args: Namespace, project: Project) -> Result:
    _only_for_notebooks(args)
    targets = list(project.targets(args.segments))
    if args.dry_run:
        for target in targets:
            notebook = project.root / target.spec.train.notebook
            check(schema(notebook), target.parameters, notebook.name)
        return _planned([(t.name, t.parameters) for t in targets])
    return _answer(_trained(args, project, targets))


def _trained(args: Namespace, project: Project, targets: list[Target]) -> dict[str, Job]:
    from jupyter_mlops.flows import shown, train
    from jupyter_mlops.store import open_store

    with shown(len(targets), "training", silent=args.json) as told, _terminable():
        return train(
            open_store(project),
            targets,
            workers=args.workers,
            cluster=args.cluster,
            force=args.force,
            resume=args.resume,
            notify=_told(args, project),
            **told,
        )


def _told(args: Namespace, project: Project) -> bool:
    """Whether it is to be told how it ended; that somebody can be is found before anything runs."""
    if args.notify:
        from jupyter_mlops.flows import reachable

        reachable(project)
    return bool(args.notify)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the jobs as Ctrl-C does: each kernel, run and notebook with the word for it."""

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only that one hears signals
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _notebook(args: Namespace, project: Project) -> Path:
    if not args.notebook:
        raise BadInput("no notebook was named", "name one, or train a model's segments with --segments MODEL")
    here, there = typed_path(args.notebook), project.root / args.notebook
    return there if there.is_file() and not here.is_file() else here


def _only_for_notebooks(args: Namespace) -> None:
    words = (("-p", args.p), ("-f", args.f), ("--matrix", args.matrix), ("--detach", args.detach))
    given = [word for word, value in words if value]
    if given or args.notebook:
        raise BadInput(
            f"--segments takes notebook and parameters from mlops.yaml, so {(given or ['NOTEBOOK'])[0]} has no effect",
            "set them in mlops.yaml, or leave --segments out",
        )


def _combinations(
    args: Namespace, declared: Mapping[str, Parameter], notebook: Path
) -> tuple[list[str], list[dict[str, Any]]]:
    """What differs from job to job, and every combination of parameters, all of them fitting the notebook."""
    fixed = read_file(typed_path(args.f)) if args.f else {}
    fixed |= read_words(args.p or [], declared, notebook.name)
    matrix = Matrix(args.matrix or [], declared, notebook.name)
    both = sorted(set(fixed) & set(matrix.axes))
    if both:
        raise BadInput(f"{both[0]} is given both as one value and in --matrix", "give it in one place")
    if matrix.count > MOST_JOBS and not args.yes:
        raise BadInput(
            f"the matrix has {matrix.count:,} combinations",
            f"more than {MOST_JOBS:,} are run only with --yes",
            count=matrix.count,
        )
    # Each value of an axis fits or not whatever the others are, so a large matrix is not checked job by job.
    for name, values in matrix.axes.items():
        others = {other: values[0] for other, values in matrix.axes.items()}
        for value in values:
            check(declared, {**fixed, **others, name: value}, notebook.name)
    check(declared, {**fixed, **next(iter(matrix))}, notebook.name)
    return list(matrix.axes), [{**fixed, **combination} for combination in matrix]


def _listed(declared: Mapping[str, Parameter]) -> Result:
    rows = [
        (p.name, "choice" if p.kind.choices else str(p.kind), _default(p), _allowed(p), p.help)
        for p in declared.values()
    ]
    headers = ("PARAMETER", "TYPE", "DEFAULT", "ALLOWED", "HELP")
    empty = "it takes no parameters; tag the cell that assigns them with 'parameters'"
    return Result([p.described() for p in declared.values()], text.table(rows, headers, empty))


def _default(parameter: Parameter) -> str:
    return "required" if parameter.required else "computed" if parameter.computed else repr(parameter.default)


def _allowed(parameter: Parameter) -> str:
    return str(parameter.kind) if parameter.kind.choices else parameter.kind.range.replace("x", parameter.name)


def _planned(jobs: list[tuple[str, dict[str, Any]]]) -> Result:
    data = [{"name": name, "parameters": given} for name, given in jobs]
    return Result(data, text.table([(n, p) for n, p in jobs], ("JOB", "PARAMETERS"), "nothing to run"))


def _status(job: Job) -> str:
    return "FINISHED before" if job.reused else job.status


def _answer(jobs: dict[str, Job]) -> Result:
    rows = [(n, _status(j), text.metrics(j.metrics), j.run_id[:8], j.reason) for n, j in jobs.items()]
    failed = sum(job.status != "FINISHED" for job in jobs.values())
    reused = sum(job.reused for job in jobs.values())
    shown = text.table(rows, ("JOB", "STATUS", "METRICS", "RUN", "REASON"), "nothing was run")
    if parent := next((j.parent for j in jobs.values() if j.parent and not j.reused), None):
        shown += f"\n\nparent run {parent[:8]} keeps the table"
    if reused:
        shown += (
            f"\n\n{reused} finished before with the same notebook, parameters, environment and data; --force runs again"
        )
    if failed and len(jobs) > 1:
        shown += f"\n\n{failed} of {len(jobs)} did not finish; this runs just those again:\n  {again(sys.argv)}"
    return Result(list(jobs.values()), shown, 1 if failed else 0)


def again(words: list[str]) -> str:
    """The command as it was typed, to go on where it stopped."""
    rest = [word for word in words[1:] if word not in ("--resume", "--force", "--json")]
    return shlex.join(["jupyter", "mlops", *rest, "--resume"])


def _duration(word: str) -> Any:
    return read_duration(word, "--timeout")


def _memory(word: str) -> int:
    number, unit = (word[:-1], word[-1].lower()) if word[-1:].isalpha() else (word, "b")
    sizes = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
    try:
        size = int(float(number) * sizes[unit])
    except (ValueError, KeyError, OverflowError):
        size = 0
    if size <= 0:
        raise BadInput(f"--memory {word!r} is not a size", "write it as 4g or 500m")
    return size


def _count(lowest: int) -> Any:
    def count(word: str) -> int:
        if not word.isascii() or not word.isdigit() or int(word) < lowest:
            raise BadInput(f"{word!r} is not a number of {lowest} or more", "write it in digits")
        return int(word)

    return count


def _words(parser: ArgumentParser) -> None:
    parser.add_argument("notebook", metavar="NOTEBOOK", nargs="?")
    parser.add_argument("-p", metavar="K=V", action="append", help="a parameter, of the type the notebook declares")
    parser.add_argument("-f", metavar="FILE", help="parameters from a YAML or JSON file")
    parser.add_argument("--parameters", action="store_true", help="list what the notebook takes, and run nothing")
    parser.add_argument("--matrix", metavar="K=A,B", action="append", help="one job for each value")
    parser.add_argument("--segments", metavar="MODEL", help="one job for each segment of a model of mlops.yaml")
    parser.add_argument("--workers", type=_count(1), metavar="N")
    parser.add_argument("--cluster", metavar="ADDR", help="run on a Dask cluster: tcp://scheduler:8786")
    parser.add_argument("--timeout", type=_duration, default=parse_duration("15m"), metavar="10m")
    parser.add_argument("--memory", type=_memory, metavar="4g", help="end a job whose kernel holds more")
    parser.add_argument(
        "--retries", type=_count(0), default=0, metavar="N", help="tries again, ever later, when the kernel was killed"
    )
    parser.add_argument("--notify", action="store_true", help="tell the addresses of `notify:` how it ended")
    parser.add_argument("--detach", action="store_true", help="return at once; the job outlives this terminal")
    parser.add_argument("--resume", action="store_true", help="go on with a fleet: only what did not finish")
    parser.add_argument("--force", action="store_true", help="run what has finished before all the same")
    parser.add_argument("--yes", action="store_true", help=f"run more than {MOST_JOBS:,} jobs")
    parser.add_argument("--dry-run", action="store_true", help="check everything, run nothing")


COMMANDS = [
    Command("run", "a training job, or many", "jupyter mlops run notebooks/train.ipynb -p horizon=30", _run, _words)
]
