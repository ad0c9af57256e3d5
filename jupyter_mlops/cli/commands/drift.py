"""Compare two files, or profile one; no project needed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result
from jupyter_mlops.errors import BadInput

if TYPE_CHECKING:
    from jupyter_mlops.monitoring import Profile


def _drift(args: Namespace) -> Result:
    from jupyter_mlops.monitoring import drift, evidently, nannyml

    how = {"exact": args.exact, "multivariate": args.multivariate, "ignore": args.ignore}
    report = drift(args.reference, args.current, **how)
    no = (args.fail_on_drift and report.drifted_columns) or (args.fail_on_broken and report.broken)
    data = {"evidently": evidently, "nannyml": nannyml}[args.shape](report) if args.shape else report.as_dict()
    return Result(data, str(report), 1 if no else 0)


def _profile(args: Namespace) -> Result:
    from jupyter_mlops.monitoring import profile

    made = profile(args.file)
    if args.output:
        _save(made, args.output)
    data = made.as_dict()
    rows = [
        (c["name"], c["kind"], c["n"], c["nulls"], c.get("from", c.get("min")), c.get("to", c.get("max")))
        for c in data["columns"]
    ]
    table = text.table(rows, ("COLUMN", "KIND", "N", "NULLS", "MIN", "MAX"), "no columns")
    return Result(data, "\n".join([table, *(f"could not be read: {what}" for what in made.lost)]))


def _save(made: Profile, output: str) -> None:
    try:
        made.save(output)
    except OSError as error:
        raise BadInput(
            f"the profile cannot be written to {output}: {error.strerror}", "name a file in a folder that is there"
        ) from error


def _drift_words(parser: ArgumentParser) -> None:
    parser.add_argument(
        "reference", metavar="REFERENCE", help="CSV, Parquet, Arrow, a folder, a URL or a saved profile"
    )
    parser.add_argument("current", metavar="CURRENT")
    parser.add_argument("--fail-on-drift", action="store_true", help="exit status 1 when a column drifted")
    parser.add_argument("--fail-on-broken", action="store_true", help="exit status 1 when a column's feed looks broken")
    parser.add_argument("--ignore", metavar="COLUMN", action="append", default=[], help="leave this column out")
    parser.add_argument(
        "--as", dest="shape", choices=["evidently", "nannyml"], help="with --json: in the words of that tool"
    )
    parser.add_argument("--multivariate", action="store_true", help="also whether the columns together tell them apart")
    parser.add_argument(
        "--exact",
        action="store_true",
        help="figures of the raw rows to the last digit, for as much memory as they take",
    )


def _profile_words(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("-o", "--output", metavar="FILE", help="keep the profile here, to compare with later")


COMMANDS = [
    Command(
        "drift",
        "how two data sets differ, column by column",
        "jupyter mlops drift january.parquet june.parquet --fail-on-drift",
        _drift,
        _drift_words,
    ),
    Command(
        "profile",
        "one pass over a data set",
        "jupyter mlops profile june.parquet -o june.profile",
        _profile,
        _profile_words,
    ),
]
