"""The parser, the envelope and the exit status: one place for all commands."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from pydantic import BaseModel

from jupyter_mlops import config
from jupyter_mlops.cli.command import Command, Result
from jupyter_mlops.cli.commands import COMMANDS
from jupyter_mlops.errors import BadInput, MlopsError, unknown


class _Parser(argparse.ArgumentParser):
    """argparse whose refusals are ours: one shape, the nearest right word, exit status 2."""

    def error(self, message: str) -> NoReturn:
        found = re.search(r"argument COMMAND: invalid choice: '([^']*)'", message)
        if found:
            raise unknown("command", found[1], [c.name for c in COMMANDS])
        raise BadInput(message, f"see `{self.prog} --help`", code="usage")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is the answer (0 done, 1 no, 2 bad input or refused, 3 our fault)."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    try:
        args = _parser().parse_args([word for word in words if word != "--json"])
        args.json, args.project = as_json, getattr(args, "project", None)
        if not hasattr(args, "command"):
            _parser().print_help()
            return 0
        return _show(args.command.run(args), as_json)
    except MlopsError as error:
        return _refuse(error, as_json)
    except KeyboardInterrupt:
        return _refuse(MlopsError("stopped", "run it again to go on", code="interrupted"), as_json)
    except BrokenPipeError:
        return 0
    except Exception as error:
        if config.strict():
            raise
        where = f"{type(error).__name__}: {error}"
        return _refuse(
            MlopsError(f"this is our fault: {where}", "please report it, with `jupyter mlops doctor`"), as_json
        )


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--project", metavar="DIR", default=argparse.SUPPRESS, help="the project (default: around here)"
    )
    shared.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser = _Parser(prog="jupyter mlops", description="MLOps without leaving the notebook.", parents=[shared])
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    for command in COMMANDS:
        _add(commands, command, shared)
    return parser


def _add(commands: Any, command: Command, shared: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        command.name,
        help=command.help,
        description=command.help,
        epilog=f"example:\n  {command.example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
    )
    command.arguments(parser)
    parser.set_defaults(command=command)


def _show(result: Result, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"ok": result.status == 0, "data": plain(result.data)}, allow_nan=False))
    elif result.text:
        print(result.text)
    return result.status


def _refuse(error: MlopsError, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"ok": False, "error": plain(error.as_dict())}))
    else:
        print(f"error: {error}", file=sys.stderr)
    return error.exit_status


def plain(value: Any) -> Any:
    """Records, paths and times as JSON holds them; a float that is no number becomes null."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json"))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)
