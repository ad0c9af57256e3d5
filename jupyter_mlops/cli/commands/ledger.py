"""The record of decisions: list it, verify it, ask it about a moment, sign it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of, typed_path
from jupyter_mlops.errors import BadInput, NotFound
from jupyter_mlops.records import Verification
from jupyter_mlops.store import Database, database, foreign_database


def _ledger(args: Namespace) -> Result:
    return _ACTS[args.what](args)


@contextmanager
def _reading(args: Namespace) -> Iterator[sa.Connection]:
    with _base(args) as base, base.read() as connection:
        yield connection


@contextmanager
def _base(args: Namespace) -> Iterator[Database]:
    """The project's database, or the one that --database names: a team server's."""
    base = foreign_database(args.database) if args.database else database(project_of(args))
    try:
        yield base
    finally:
        base.close()


def _list(args: Namespace) -> Result:
    from jupyter_mlops.ledger import entries

    with _reading(args) as connection:
        found = entries(connection, args.subject, args.limit)
    rows = [(e.seq, e.at, e.actor, e.action, e.subject, e.reason[:80]) for e in found]
    return Result(found, text.table(rows, ("SEQ", "AT", "WHO", "ACTION", "SUBJECT", "REASON"), "the ledger is empty"))


def _verify(args: Namespace) -> Result:
    from jupyter_mlops.ledger import verify

    held = [typed_path(name) for name in args.checkpoint]
    for path in held:
        if not path.is_file():
            raise NotFound(f"there is no checkpoint {path}", "name the file that `ledger checkpoint -o FILE` wrote")
    with _reading(args) as connection:
        answer = verify(connection, held)
    if answer.ok:
        against = f"held against {answer.checkpoints} signed checkpoints" if answer.checkpoints else _UNWITNESSED
        return Result(
            answer,
            f"the ledger holds: {answer.entries} entries, head {answer.head}\nroot {answer.root}\n{against}{_clock(answer)}",
        )
    more = "\n  ".join(["", *answer.unexplained]) if len(answer.unexplained) > 1 else ""
    return Result(answer, f"the ledger was tampered with: {answer.problem}{more}{_clock(answer)}", 1)


def _clock(answer: Verification) -> str:
    if not answer.clock_back:
        return ""
    which = ", ".join(str(seq) for seq in answer.clock_back[:10]) + (" …" if len(answer.clock_back) > 10 else "")
    return (
        f"\nthe clock had been set back, or ahead before, at entries {which}: their order is sure, their times are not"
    )


_UNWITNESSED = "no checkpoint was kept yet, so a history written anew could not be told; make one: ledger checkpoint"


def _as_of(args: Namespace) -> Result:
    from jupyter_mlops.ledger import as_of

    if len(args.words) != 2:
        raise BadInput("as-of needs a time and a model", 'jupyter mlops ledger as-of "2026-11-23 15:00" rul.plant-01')
    moment = _moment(args.words[0])
    with _reading(args) as connection:
        answer = as_of(connection, moment, args.words[1])
    if not answer["entries"]:
        raise NotFound(
            f"the ledger knows no {args.words[1]} at {answer['at']}", "list names with `jupyter mlops models`"
        )
    lines = [_placed(name, placed) for name, placed in answer["aliases"].items()]
    return Result(answer, "\n".join(lines) or f"no alias of {args.words[1]} pointed anywhere at {answer['at']}")


def _placed(name: str, placed: dict[str, Any]) -> str:
    approved = ", ".join(f"{a['by']} ({a['reason']})" for a in placed["approvals"]) or "nobody"
    approved += f"; the glass was broken: {placed['broken_glass']}" if placed["broken_glass"] else ""
    return (
        f"{name}: version {placed['version']} since {placed['since']}, put there by {placed['by']}: {placed['reason']}\n"
        f"  evidence {placed['evidence'][:12] or 'none'} ({placed['verdict'] or 'not judged'}); approved by: {approved}; "
        f"ledger entry {placed['entry']}"
    )


def _moment(words: str) -> datetime:
    """A time as typed; one without a zone is in the zone of this machine, one without a time is the day's end."""
    try:
        at = datetime.fromisoformat(words)
    except ValueError:
        raise BadInput(f"{words!r} is not a time", "write it as 2026-11-23, 2026-11-23T15:00 or …T15:00Z") from None
    if len(words) == 10:
        at = at.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return at.astimezone(UTC)


def _checkpoint(args: Namespace) -> Result:
    from jupyter_mlops import config
    from jupyter_mlops.ledger import checkpoint

    with _base(args) as base, base.begin() as connection:
        made = checkpoint(connection)
    if made is None:
        raise NotFound("the ledger is empty, so there is nothing to sign", "decide something first")
    places = [str(folder) for folder in config.witnesses()]
    if args.output:
        path = typed_path(args.output)
        path.write_text(made.note, encoding="utf-8")
        places.append(str(path))
    data = {"origin": made.origin, "size": made.size, "root": made.root.hex(), "note": made.note, "kept": places}
    return Result(data, f"{made.note}\nkept in {', '.join(places)}")


def _adopt(args: Namespace) -> Result:
    from jupyter_mlops.governance import acting, adopt
    from jupyter_mlops.ledger import checkpoint

    with _base(args) as base:
        with acting(reason=args.reason or "") as act, base.begin() as connection:
            made, left = adopt(connection, act, changed=args.changed)
        with base.begin() as connection:
            checkpoint(connection)
    data = {"adopted": [e.seq for e in made], "left": left}
    said = f"{len(made)} rows were entered as they were found" if made else "no row was found that could be adopted"
    more = "".join(f"\n  {row}" for row in left)
    hint = "\nleft, since it was changed behind the registry's back (put it back, or adopt it with --changed):"
    return Result(data, said + (hint + more if left else ""), 1 if left else 0)


def _key(_args: Namespace) -> Result:
    from jupyter_mlops import config
    from jupyter_mlops.governance import key_line, model_key, public_pem
    from jupyter_mlops.ledger import signing_key

    key = signing_key(config.ledger_key())
    signer = key_line(public_pem(model_key(key).public_key()))
    said = f"{key.public}\nas a signer of model files: {signer}"
    return Result({"public_key": str(key.public), "signer": signer}, said)


_ACTS = {"list": _list, "verify": _verify, "as-of": _as_of, "checkpoint": _checkpoint, "key": _key, "adopt": _adopt}


def _words(parser: ArgumentParser) -> None:
    parser.add_argument("what", choices=list(_ACTS), nargs="?", default="list")
    parser.add_argument("words", nargs="*", metavar="TIME MODEL", help="for as-of: a moment, and a registered model")
    parser.add_argument("--subject", metavar="MODEL", help="only entries about this model")
    parser.add_argument("--limit", type=int, default=50, metavar="N")
    parser.add_argument("--checkpoint", metavar="FILE", action="append", default=[], help="a checkpoint that you kept")
    parser.add_argument("--database", metavar="URL", help="a server's database, in place of the project's")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the checkpoint here too")
    parser.add_argument(
        "--reason", metavar="TEXT", help="for adopt: why a registry that was not governed is taken in as found"
    )
    parser.add_argument(
        "--changed", action="store_true", help="for adopt: also what was changed behind the registry's back"
    )


COMMANDS = [
    Command(
        "ledger",
        "who did what and why, and whether the record holds",
        "jupyter mlops ledger verify",
        _ledger,
        _words,
    )
]
