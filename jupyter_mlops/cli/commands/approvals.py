"""People's words on a version: approve, reject, withdraw, comment, review; and how it stands."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of, typed_path
from jupyter_mlops.store import open_store


def _saying(kind: str) -> Callable[[Namespace], Result]:
    def run(args: Namespace) -> Result:
        from jupyter_mlops.flows import say

        standing = say(open_store(project_of(args)), args.model, args.version, kind, reason=args.reason)
        return Result(standing, _text(standing))

    return run


def _approvals(args: Namespace) -> Result:
    from jupyter_mlops.flows import approvals

    standing = approvals(open_store(project_of(args)), args.model, args.version)
    return Result(standing, _text(standing))


def _sign(args: Namespace) -> Result:
    from jupyter_mlops import config
    from jupyter_mlops.flows import sign_files_of
    from jupyter_mlops.ledger import signing_key

    key = signing_key(typed_path(args.key) if args.key else config.ledger_key())
    made = sign_files_of(open_store(project_of(args)), args.model, args.version, reason=args.reason, key=key)
    return Result(made, f"the {made['files']} files of {args.model} version {args.version} are signed")


_SAID = {"declared": "declared in mlops.yaml, in force with the next decision on any model"}


def _text(standing: dict[str, Any]) -> str:
    lines = [f"{standing['model']} version {standing['version']}: {_SAID.get(standing['state'], standing['state'])}"]
    lines += [
        f"policy {f['policy']} freezes {', '.join(f['aliases'])} until {f['until']}"
        + (f" ({f['why']})" if f["why"] else "")
        for f in standing.get("frozen", [])
    ]
    for policy in standing["policies"]:
        wants = ", ".join(f"{count} of role {role}" for role, count in policy["missing"].items())
        lines.append(
            f"policy {policy['policy']} ({policy['digest'][:12]}): {policy['state']}"
            + (f"; wants {wants}" if wants else "")
        )
        rows = [
            (v["entry"], v["by"], "approve" if v["approve"] else "reject", v["state"], v["reason"], v["why"])
            for v in policy["votes"]
        ]
        lines.append(
            text.table(rows, ("ENTRY", "WHO", "WORD", "STATE", "REASON", "WHY"), "  nobody has said anything yet")
        )
    lines += [
        f"glass broken by {g['by']} (entry {g['entry']}), not reviewed: {g['why_now']}"
        for g in standing.get("unreviewed", [])
    ]
    lines += [f"{c['by']}: {c['text']}" for c in standing.get("comments", [])]
    return "\n".join(lines)


def _version(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("version", metavar="VERSION", type=int)


def _words(parser: ArgumentParser) -> None:
    _version(parser)
    parser.add_argument("--reason", metavar="TEXT", required=True)


def _sign_words(parser: ArgumentParser) -> None:
    _words(parser)
    parser.add_argument("--key", metavar="FILE", help="the signing key; yours (MLOPS_LEDGER_KEY) when none is named")


def _command(kind: str, said: str) -> Command:
    return Command(
        kind, said, f'jupyter mlops {kind} rul.plant-01 2 --reason "read the evidence"', _saying(kind), _words
    )


COMMANDS = [
    _command("approve", "your approval of a version, on the evidence it has now"),
    _command("reject", "your rejection of a version"),
    _command("withdraw", "your word on a version taken back"),
    _command("comment", "a comment on a version; @NAME mentions somebody"),
    _command("review", "the review that a broken glass needs"),
    Command(
        "sign",
        "your signature over a version's files, where policy asks for it to load them",
        'jupyter mlops sign legacy 3 --reason "read the code"',
        _sign,
        _sign_words,
    ),
    Command(
        "approvals", "how a version stands with its policies", "jupyter mlops approvals rul 2", _approvals, _version
    ),
]
