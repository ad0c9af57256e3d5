"""The record of decisions: list it, verify it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of
from jupyter_mlops.store import database


def _ledger(args: Namespace) -> Result:
    return _verify(args) if args.what == "verify" else _list(args)


def _list(args: Namespace) -> Result:
    from jupyter_mlops.ledger import entries

    with database(project_of(args)).read() as connection:
        found = entries(connection, args.subject, args.limit)
    rows = [(e.seq, e.at, e.actor, e.action, e.subject, e.reason[:80]) for e in found]
    return Result(found, text.table(rows, ("SEQ", "AT", "WHO", "ACTION", "SUBJECT", "REASON"), "the ledger is empty"))


def _verify(args: Namespace) -> Result:
    from jupyter_mlops.ledger import verify

    with database(project_of(args)).read() as connection:
        answer = verify(connection)
    if answer.ok:
        return Result(answer, f"the ledger holds: {answer.entries} entries, head {answer.head}")
    return Result(answer, f"the ledger was tampered with: {answer.problem}", 1)


def _words(parser: ArgumentParser) -> None:
    parser.add_argument("what", choices=["list", "verify"], nargs="?", default="list")
    parser.add_argument("--subject", metavar="MODEL", help="only entries about this model")
    parser.add_argument("--limit", type=int, default=50, metavar="N")


COMMANDS = [
    Command(
        "ledger", "who did what and why, and whether the record holds", "jupyter mlops ledger verify", _ledger, _words
    )
]
