"""The words after `%%track`."""

from __future__ import annotations

import argparse
import shlex
from typing import NoReturn

from jupyter_mlops.errors import BadInput
from jupyter_mlops.tracking import Options


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(f"%%track: {message}", "see `%%track --help`", code="usage")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="%%track", description="Run the cell and keep what it did as a run.", add_help=False)
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="the run's name (default: the notebook's)")
    parser.add_argument("--model", metavar="VAR", help="the variable that holds the model (default: found)")
    parser.add_argument(
        "--metric", action="append", default=[], metavar="NAME[=EXPR]", help="a metric (default: found)"
    )
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME", help="a variable to keep as a parameter"
    )
    parser.add_argument("--data", action="append", default=[], metavar="VAR", help="a variable to keep as data")
    parser.add_argument("--no-model", action="store_true", help="do not save the model")
    parser.add_argument("--pickle", action="store_true", help="keep a model as a pickle if it has no safer form")
    parser.add_argument("--tag", action="append", default=[], metavar="K=V")
    parser.add_argument("--note", default="", metavar="TEXT")
    parser.add_argument("--help", action="store_true", help="show this")
    return parser


def parse_track(line: str) -> Options | None:
    """The options, or None when help was asked for and shown."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise BadInput(f"%%track: {error}", "close the quotes") from error
    args = _parser().parse_args(words)
    if args.help:
        print(_parser().format_help() + "\nexample:\n  %%track churn --metric auc --tag team=blue")  # noqa: T201
        return None
    pairs = [tag.partition("=") for tag in args.tag]
    if any(not equals for _, equals, _ in pairs):
        raise BadInput(f"%%track: --tag {args.tag[0]!r} is not K=V", "write it as --tag team=blue")
    metrics = {name: expression or name for name, _, expression in (m.partition("=") for m in args.metric)}
    return Options(
        name=args.name,
        model=args.model,
        metrics=metrics,
        parameters=tuple(args.param),
        data=tuple(args.data),
        keep_model=not args.no_model,
        pickled=args.pickle,
        tags={key: value for key, _, value in pairs},
        note=args.note,
    )
