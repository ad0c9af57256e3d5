"""Compare two files, or profile one; no project needed."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result
from jupyter_mlops.errors import BadInput

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from jupyter_mlops.monitoring import Profile


def _drift(args: Namespace) -> Result:
    from jupyter_mlops.monitoring import drift, evidently, nannyml

    how = {"exact": args.exact, "multivariate": args.multivariate, "ignore": args.ignore, "pairs": args.pair}
    report = drift(args.reference, args.current, **how)
    no = (args.fail_on_drift and (report.drifted_columns or report.drifted_pairs)) or (
        args.fail_on_broken and report.broken
    )
    data = {"evidently": evidently, "nannyml": nannyml}[args.shape](report) if args.shape else report.as_dict()
    return Result(data, str(report), 1 if no else 0)


def _profile(args: Namespace) -> Result:
    from jupyter_mlops.monitoring import Constraints, profile, violated

    with _pool(args.workers) as pool:
        made = profile(args.file, pairs=args.pair, executor=pool)
    if args.output:
        _save(made, args.output)
    data = made.as_dict()
    rows = [
        (c["name"], c["kind"], c["n"], c["nulls"], c.get("from", c.get("min")), c.get("to", c.get("max")))
        for c in data["columns"]
    ]
    table = text.table(rows, ("COLUMN", "KIND", "N", "NULLS", "MIN", "MAX"), "no columns")
    lines = [table, *(f"could not be read: {what}" for what in made.lost)]
    lines += [_pair(line) for line in data["pairs"]]
    if args.constraints:
        _learn(made, args.constraints, args.shape)
    if args.check:
        data["violated"] = violated(Constraints.load(args.check), made)
        lines += [f"NOT KEPT: {sentence}" for sentence in data["violated"]]
    return Result(data, "\n".join(lines), 1 if data.get("violated") else 0)


def _pool(workers: int) -> AbstractContextManager[Executor | None]:
    if workers < 1:
        raise BadInput(f"--workers {workers} is no number of processes", "give 1 or more", workers=workers)
    if workers == 1:
        return nullcontext()
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(workers)


def _pair(line: dict[str, Any]) -> str:
    r = line["correlation"]
    told = "one is constant" if r is None else f"correlation {r:.3f} ({line['low']:.3f} to {line['high']:.3f})"
    return f"{' and '.join(line['columns'])}: {told}, {line['n']:,} rows with both"


def _learn(made: Profile, output: str, shape: str | None) -> None:
    from jupyter_mlops.monitoring import as_great_expectations, as_pandera, learned

    rules = learned(made)
    try:
        if shape == "pandera":
            Path(output).write_text(as_pandera(rules), encoding="utf-8")
        elif shape == "great-expectations":
            Path(output).write_text(json.dumps(as_great_expectations(rules), indent=2), encoding="utf-8")
        else:
            rules.save(output)
    except OSError as error:
        raise _unwritable("constraints", output, error) from error


def _save(made: Profile, output: str) -> None:
    try:
        made.save(output)
    except OSError as error:
        raise _unwritable("profile", output, error) from error


def _unwritable(what: str, output: str, error: OSError) -> BadInput:
    said = f"the {what} cannot be written to {output}: {error.strerror}"
    return BadInput(said, "name a file in a folder that is there", path=output)


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
    _pair_word(parser, "also whether the correlation of these two columns moved")
    parser.add_argument("--multivariate", action="store_true", help="also whether the columns together tell them apart")
    parser.add_argument(
        "--exact",
        action="store_true",
        help="figures of the raw rows to the last digit, for as much memory as they take",
    )


def _pair_word(parser: ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--pair", metavar="A,B", action="append", default=[], type=lambda text: text.split(","), help=what
    )


def _profile_words(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE")
    _pair_word(parser, "also how these two columns of numbers move together")
    parser.add_argument(
        "--workers", metavar="N", type=int, default=1, help="count files and row groups in so many processes"
    )
    parser.add_argument("--constraints", metavar="FILE", help="write rules learned from it here, as YAML to be edited")
    parser.add_argument(
        "--as", dest="shape", choices=["pandera", "great-expectations"], help="write them for that tool instead"
    )
    parser.add_argument(
        "--check", metavar="FILE", help="hold it against such rules; exit status 1 when one is not kept"
    )
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
