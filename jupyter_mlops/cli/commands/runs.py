"""Look at runs; ship what a crash left behind; run one again and compare."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of
from jupyter_mlops.records import Run
from jupyter_mlops.store import open_store

if TYPE_CHECKING:
    from jupyter_mlops.store import Store


def _runs(args: Namespace) -> Result:
    from jupyter_mlops.jobs import close_dead

    store = open_store(project_of(args))
    close_dead(store)
    found = store.runs(args.experiment, limit=args.limit)
    rows = [(r.run_id[:8], r.experiment, r.name, r.status, text.metrics(r.metrics), r.started) for r in found]
    headers = ("RUN", "EXPERIMENT", "NAME", "STATUS", "METRICS", "STARTED")
    return Result(found, text.table(rows, headers, "no runs yet; write %%track over the cell that trains a model"))


def _show(args: Namespace) -> Result:
    run = _arrived(open_store(project_of(args)), args.run_id)
    return Result(run, _page(run))


def _arrived(store: Store, run_id: str) -> Run:
    from jupyter_mlops.tracking import arrived

    return arrived(store, run_id)


def _page(run: Run) -> str:
    data = [(d.context, d.name, d.rows, d.columns, d.digest[:12], d.source) for d in run.datasets]
    parts = [
        f"{run.name} ({run.run_id}) {run.status}" + (f": {run.reason}" if run.reason else ""),
        text.table(sorted(run.metrics.items()), ("METRIC", "VALUE"), "no metrics"),
        text.table(sorted(run.parameters.items()), ("PARAMETER", "VALUE"), "no parameters"),
        text.table(data, ("USED FOR", "DATA", "ROWS", "COLUMNS", "DIGEST", "FROM"), "no data"),
        f"files: {run.artifacts}",
    ]
    return "\n\n".join(parts)


def _recover(args: Namespace) -> Result:
    from jupyter_mlops.jobs import close_dead
    from jupyter_mlops.tracking import recover

    project = project_of(args)
    shipped = recover(project)
    closed = close_dead(open_store(project))
    data = {"shipped": shipped.count, "waiting": shipped.waiting, "failed": shipped.failed, "closed": closed}
    return Result(
        data, f"shipped {shipped.count}, waiting {shipped.waiting}, closed {len(closed)} whose process was gone"
    )


def _cancel(args: Namespace) -> Result:
    from jupyter_mlops.jobs import cancel

    run = cancel(open_store(project_of(args)), args.run_id)
    return Result(
        run, f"asked {run.name} ({run.run_id[:8]}) to end; `jupyter mlops show {run.run_id[:8]}` says when it has"
    )


def _replay(args: Namespace) -> Result:
    project = project_of(args)
    store = open_store(project)
    run = _arrived(store, args.run_id)
    if run.tags.get("mlops.kind") == "job":
        from jupyter_mlops.flows import replay_job

        answer = replay_job(store, run, isolated=args.isolated)
    else:
        from jupyter_mlops.tracking import replay

        answer = replay(project, run.run_id, isolated=args.isolated)
    rows = [(name, m["recorded"], m["replayed"]) for name, m in answer["metrics"].items()]
    verdict = "reproduced" if answer["reproduced"] else f"not reproduced: {answer['culprit']}"
    shown = text.table(rows, ("METRIC", "RECORDED", "REPLAYED"), "no metrics were recorded")
    return Result(answer, f"{shown}\n{verdict}", 0 if answer["reproduced"] else 1)


def _diff(args: Namespace) -> Result:
    from jupyter_mlops.tracking import differences

    store = open_store(project_of(args))
    answer = differences(store, _arrived(store, args.run_id), _arrived(store, args.other))
    lines = []
    for part in ("metrics", "parameters", "data", "environment", "code"):
        rows = [(d["what"], _short(d["one"]), _short(d["other"])) for d in answer[part]]
        lines += [f"{part}:", text.table(rows, ("WHAT", args.run_id[:8], args.other[:8]), "  the same")]
    return Result(answer, "\n".join(lines))


def _short(value: object) -> str:
    """Of a cell its first line."""
    first, more, _ = ("-" if value is None else str(value)).partition("\n")
    return first[:60] + (" …" if more or len(first) > 60 else "")


def _replay_words(parser: ArgumentParser) -> None:
    _run_word(parser)
    parser.add_argument(
        "--isolated", action="store_true", help="in an environment rebuilt from the run's pins, with uv"
    )


def _diff_words(parser: ArgumentParser) -> None:
    _run_word(parser)
    parser.add_argument("other", metavar="RUN", help="the run to compare it with")


def _runs_words(parser: ArgumentParser) -> None:
    parser.add_argument("experiment", metavar="EXPERIMENT", nargs="?")
    parser.add_argument("--limit", type=int, default=20, metavar="N")


def _run_word(parser: ArgumentParser) -> None:
    parser.add_argument("run_id", metavar="RUN", help="a run's id, or the beginning of one")


COMMANDS = [
    Command("runs", "the newest runs", "jupyter mlops runs recommender --limit 5", _runs, _runs_words),
    Command("show", "one run", "jupyter mlops show 3f2a91bc", _show, _run_word),
    Command("cancel", "end a running job, or all of a fleet", "jupyter mlops cancel 3f2a91bc", _cancel, _run_word),
    Command("recover", "ship what a crash left in the journal", "jupyter mlops recover", _recover),
    Command("replay", "run a run's cells again and compare", "jupyter mlops replay 3f2a91bc", _replay, _replay_words),
    Command("diff", "what differs between two runs", "jupyter mlops diff 3f2a91bc 77ab01ce", _diff, _diff_words),
]
