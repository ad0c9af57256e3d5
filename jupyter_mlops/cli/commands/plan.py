"""From `mlops.yaml` to what is: what differs, closing it, and doing what is due."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of, typed_path
from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.project import parse_duration
from jupyter_mlops.store import open_store

if TYPE_CHECKING:
    from jupyter_mlops.flows import Done, Step


def _plan(args: Namespace) -> Result:
    from jupyter_mlops.flows import plan

    steps = plan(open_store(project_of(args)), _folder(args))
    said = text.table(
        [(step.by.upper(), step.kind, step.name, step.what, step.command) for step in steps],
        ("BY", "WHAT", "WHOSE", "DIFFERENCE", "COMMAND"),
        "everything is as mlops.yaml says",
    )
    diffs = "".join(f"\n\n{step.diff}" for step in steps if step.diff)
    return Result({"steps": [step.as_dict() for step in steps]}, said + diffs)


def _apply(args: Namespace) -> Result:
    from jupyter_mlops.flows import apply

    store = open_store(project_of(args))
    return _done(apply(store, _folder(args)), _left(store, args), [])


def _reconcile(args: Namespace) -> Result:
    every = _period(args.every)
    while args.watch:
        _say(args)
        time.sleep(every.total_seconds())
    return _once(args)


def _say(args: Namespace) -> None:
    """One round of many: what fails now may work the next time, so it is told and not the end."""
    try:
        once = _once(args)
    except MlopsError as error:
        said = json.dumps({"ok": False, "error": error.as_dict()}) if args.json else str(error)
    else:
        said = json.dumps({"ok": True, "data": once.data}) if args.json else once.text
    print(said, flush=True)


def _once(args: Namespace) -> Result:
    from jupyter_mlops.flows import reconcile

    store = open_store(project_of(args))
    done, seen = reconcile(store, _folder(args))
    return _done(done, _left(store, args), seen)


def _left(store: Any, args: Namespace) -> list[Step]:
    from jupyter_mlops.flows import plan

    return plan(store, _folder(args))


def _done(done: list[Done], left: list[Step], seen: list[str]) -> Result:
    """Status 1 when something that was tried did not come about; what waits for a person is no failure."""
    lines = [f"{'done' if one.ok else 'NOT DONE'}: {one.step.kind} {one.step.name}: {one.said}" for one in done]
    lines += seen or ([] if lines else ["nothing had to be done"])
    lines += [f"waits for a person: {step.name}: {step.what} ({step.command})" for step in left if step.by == "person"]
    data = {"done": [one.as_dict() for one in done], "seen": seen, "left": [step.as_dict() for step in left]}
    return Result(data, "\n".join(lines), int(not all(one.ok for one in done)))


def _folder(args: Namespace) -> Path | None:
    return typed_path(args.manifests) if args.manifests else None


def _period(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise BadInput(str(error), "write --every as 30s, 5m or 1h", field="every") from error


def _words(parser: ArgumentParser) -> None:
    parser.add_argument("--manifests", metavar="DIR", help="rendered by `deploy` (default: the project's `deploy`)")


def _reconcile_words(parser: ArgumentParser) -> None:
    _words(parser)
    parser.add_argument("--watch", action="store_true", help="again and again, until interrupted")
    parser.add_argument("--every", metavar="TIME", default="5m", help="how often with --watch (default: 5m)")


COMMANDS = [
    Command("plan", "the difference between mlops.yaml and what is", "jupyter mlops plan --json", _plan, _words),
    Command("apply", "close the differences that need no person", "jupyter mlops apply", _apply, _words),
    Command(
        "reconcile",
        "apply, judge what was met, answer what was found",
        "jupyter mlops reconcile --watch --every 10m",
        _reconcile,
        _reconcile_words,
    ),
]
