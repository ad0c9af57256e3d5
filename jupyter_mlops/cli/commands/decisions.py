"""Decisions: promote, rollback."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from jupyter_mlops.cli.command import Command, Result, project_of
from jupyter_mlops.records import Decision
from jupyter_mlops.store import open_store


def _promote(args: Namespace) -> Result:
    from jupyter_mlops.flows import promote, refresh_figures

    store = open_store(project_of(args))
    decision = promote(store, args.model, args.version, reason=args.reason, alias=args.to, break_glass=args.break_glass)
    refresh_figures(store)
    return _decided(decision)


def _rollback(args: Namespace) -> Result:
    from jupyter_mlops.flows import refresh_figures, rollback

    store = open_store(project_of(args))
    decision = rollback(store, args.model, reason=args.reason)
    refresh_figures(store)
    return _decided(decision)


def _decided(decision: Decision) -> Result:
    verb = "is now" if decision.done else "was not made"
    return Result(
        decision,
        f"{decision.model} version {decision.version} {verb} {decision.alias}: {decision.reason}\n"
        f"ledger entry {decision.entry}, evidence {decision.evidence_digest[:12]}",
        0 if decision.done else 1,
    )


def _version(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("version", metavar="VERSION", type=int)


def _promote_words(parser: ArgumentParser) -> None:
    _version(parser)
    parser.add_argument("--to", metavar="ALIAS", default="champion")
    parser.add_argument(
        "--break-glass",
        metavar="TEXT",
        default="",
        help="in need: why it cannot wait for approval; reviewed afterwards",
    )
    parser.add_argument("--reason", metavar="TEXT", required=True)


def _rollback_words(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--reason", metavar="TEXT", required=True)


COMMANDS = [
    Command(
        "promote",
        "judge a version and make it champion if it passes",
        'jupyter mlops promote rul.plant-01 2 --reason "better on winter data"',
        _promote,
        _promote_words,
    ),
    Command(
        "rollback",
        "the champion before this one, back in service",
        'jupyter mlops rollback rul.plant-01 --reason "errors since noon"',
        _rollback,
        _rollback_words,
    ),
]
