"""What is shown to others: a model's card, what rules ask for, an evidence pack, and whether a pack holds."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of, typed_path
from jupyter_mlops.errors import BadInput
from jupyter_mlops.store import open_store


def _card(args: Namespace) -> Result:
    from jupyter_mlops.flows import make_card
    from jupyter_mlops.governance import as_html, as_markdown, sections

    made = make_card(open_store(project_of(args)), args.model, args.version)
    if args.format == "json":
        shown = json.dumps(made, indent=1, ensure_ascii=False)
    elif args.format == "html":
        shown = as_html(f"{made['model']} version {made['version']}", sections(made))
    else:
        shown = as_markdown(made)
    return _written(made, shown, args.output)


def _rules(args: Namespace) -> Result:
    from jupyter_mlops.flows import dossier_of
    from jupyter_mlops.governance import NOTE, as_html, completeness, held_against_rules, rules_sections

    known = dossier_of(open_store(project_of(args)), args.model, args.version)
    lines = held_against_rules(known)
    data = {"model": args.model, "version": args.version, "requirements": lines, "counts": completeness(lines)}
    if args.format == "html":
        shown = as_html(f"{known.name}: evidence for rules", rules_sections(lines), NOTE)
    elif args.format == "json":
        shown = json.dumps(data, indent=1, ensure_ascii=False)
    else:
        rows = [(x["rule"], x["asks"], x["status"], x["found"][:60], x["source"]) for x in lines]
        counts = ", ".join(f"{count} {status}" for status, count in data["counts"].items())
        shown = text.table(rows, ("RULE", "ASKS FOR", "STATUS", "RECORDED", "FROM"), "") + f"\n{counts}\n{NOTE}"
    return _written(data, shown, args.output)


def _written(data: object, shown: str, output: str | None) -> Result:
    if output is None:
        return Result(data, shown)
    path = _place(output)
    path.write_text(shown, encoding="utf-8")
    return Result(data, f"wrote {path}")


def _evidence(args: Namespace) -> Result:
    from jupyter_mlops.flows import evidence_pack

    path = _place(args.output)
    packed = evidence_pack(open_store(project_of(args)), args.model, args.version, with_model=args.with_model)
    path.write_bytes(packed)
    data = {"path": str(path), "bytes": len(packed)}
    return Result(
        data, f"wrote {path} ({len(packed)} bytes); anybody verifies it with `jupyter mlops verify {path.name}`"
    )


def _place(output: str) -> Path:
    path = typed_path(output)
    if not path.parent.is_dir() or path.is_dir():
        raise BadInput(
            f"{path} cannot be written: there is no folder {path.parent}", "name a file in a folder that is there"
        )
    return path


def _verify(args: Namespace) -> Result:
    from jupyter_mlops.governance import verify_pack
    from jupyter_mlops.ledger import public_key

    key = None
    if args.key:
        file = typed_path(args.key)
        key = public_key(file.read_text(encoding="utf-8") if file.is_file() else args.key)
    answer = verify_pack(typed_path(args.file), key)
    if not answer["ok"]:
        return Result(answer, "it does not hold:\n" + "\n".join(f"  {p}" for p in answer["problems"]), 1)
    whose = (
        "the key you gave" if answer["trusted"] else "the key in the pack itself: ask its makers whether that is theirs"
    )
    point = answer["checkpoint"]
    said = [
        f"it holds: {answer['model']} version {answer['version']}, {answer['files']} files",
        f"{answer['entries']} entries of a ledger of {point['size']}, root {point['root']}",
        f"signed by {answer['signed_by']} ({whose})",
    ]
    return Result(answer, "\n".join(said))


def _version(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("version", metavar="VERSION", type=int)


def _formats(*formats: str) -> Callable[[ArgumentParser], None]:
    def words(parser: ArgumentParser) -> None:
        _version(parser)
        parser.add_argument("--format", choices=formats, default=formats[0])
        parser.add_argument("-o", "--output", metavar="FILE", help="write it here")

    return words


def _evidence_words(parser: ArgumentParser) -> None:
    _version(parser)
    parser.add_argument("-o", "--output", metavar="FILE.zip", required=True)
    parser.add_argument("--with-model", action="store_true", help="the model's own files too, not only their digests")


def _verify_words(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.zip")
    parser.add_argument("--key", metavar="KEY", help="the public key of its makers, or a file with it")


COMMANDS = [
    Command(
        "card",
        "a version's model card",
        "jupyter mlops card rul 2 --format html -o card.html",
        _card,
        _formats("md", "html", "json"),
    ),
    Command(
        "rules",
        "what rules ask for: met, missing, not applicable",
        "jupyter mlops rules rul 2 --format html -o rules.html",
        _rules,
        _formats("text", "html", "json"),
    ),
    Command("evidence", "a signed evidence pack", "jupyter mlops evidence rul 2 -o x.zip", _evidence, _evidence_words),
    Command("verify", "whether an evidence pack holds", "jupyter mlops verify x.zip", _verify, _verify_words),
]
