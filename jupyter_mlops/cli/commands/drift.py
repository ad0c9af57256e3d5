"""Compare two files, or profile one; no project needed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result


def _drift(args: Namespace) -> Result:
    from jupyter_mlops.monitoring import drift

    report = drift(args.reference, args.current, exact=args.exact, multivariate=args.multivariate)
    data = report.as_dict()
    found = data["drifted_columns"]
    return Result(data, str(report), 1 if args.fail_on_drift and found else 0)


def _profile(args: Namespace) -> Result:
    from jupyter_mlops.monitoring import profile

    made = profile(args.file)
    if args.output:
        made.save(args.output)
    data = made.as_dict()
    rows = [(c["name"], c["kind"], c["n"], c["nulls"], c.get("min"), c.get("max")) for c in data["columns"]]
    table = text.table(rows, ("COLUMN", "KIND", "N", "NULLS", "MIN", "MAX"), "no columns")
    return Result(data, "\n".join([table, *(f"could not be read: {what}" for what in made.lost)]))


def _drift_words(parser: ArgumentParser) -> None:
    parser.add_argument(
        "reference", metavar="REFERENCE", help="CSV, Parquet, Arrow, a folder, a URL or a saved profile"
    )
    parser.add_argument("current", metavar="CURRENT")
    parser.add_argument("--fail-on-drift", action="store_true", help="exit status 1 when a column drifted")
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
