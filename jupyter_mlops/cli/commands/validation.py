"""What a decision rests on: validate a version, explain one of its answers."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of, typed_path
from jupyter_mlops.records import Evidence
from jupyter_mlops.store import open_store

_MARKS = {"pass": "pass", "fail": "FAIL", "inconclusive": "inconclusive", "not run": "not run"}
_MOST = 8


def _validate(args: Namespace) -> Result:
    from jupyter_mlops.flows import validate_version

    data = typed_path(args.data) if args.data else None
    evidence = validate_version(open_store(project_of(args)), args.model, args.version, data, seed=args.seed)
    answer = {**evidence.model_dump(mode="json"), "verdict": evidence.verdict, "timings": evidence.timings}
    return Result(answer, shown(evidence), 0 if evidence.verdict == "pass" else 1)


def shown(evidence: Evidence) -> str:
    """Evidence for a terminal: figures first, then what was found, then the gates and the verdict."""
    estimates = [
        (e.metric, e.slice or "all rows", e.value, f"{e.low:.4g} to {e.high:.4g}", e.n) for e in evidence.estimates
    ]
    lines = [
        f"{evidence.model} version {evidence.version} on {evidence.data.source} ({evidence.data.rows} rows)",
        text.table(estimates, ("METRIC", "WHERE", "VALUE", "95 %", "N"), "no estimates"),
        *(f"        note  {note}" for note in evidence.notes),
        *(f"       clock  {what}: {seconds:.3g} s" for what, seconds in evidence.timings.items()),
        *_found(evidence),
        *_reasons(evidence),
        *(f"{_MARKS[gate.verdict]:>12}  {gate.sentence}" for gate in evidence.gates),
        f"verdict: {evidence.verdict} (evidence {evidence.digest[:12]})",
    ]
    return "\n".join(lines)


def _found(evidence: Evidence) -> list[str]:
    lines = []
    for found in evidence.found:
        held = "elsewhere" if found.kind == "error" else "of the champion"
        lines.append(
            f"       found  where {found.slice}: {found.loss} {found.value:.3g}, {found.rest:.3g} {held} "
            f"({found.n} cases, p {found.p_value:.2g} after {found.looked} looks)"
        )
    return lines


def _reasons(evidence: Evidence) -> list[str]:
    told = evidence.explanation
    if told is None:
        return []
    top = [f"{i.column} {i.value:.3g}" for i in told.importances if not i.slice][:_MOST]
    lines = [f"     reasons  {told.loss} grows by, when a column is shuffled: {', '.join(top)}"]
    if told.moved:
        lines.append(f"     reasons  not the champion's: {', '.join(told.moved[:_MOST])}")
    return lines


def _explain(args: Namespace) -> Result:
    from jupyter_mlops.flows import reasons_of

    data = typed_path(args.data) if args.data else None
    found = reasons_of(open_store(project_of(args)), args.model, args.version, args.row, data)
    rows = [(r.column, r.value, r.contribution) for r in found]
    return Result(found, text.table(rows, ("COLUMN", "VALUE", "ADDS"), "the model is given no columns"))


def _validate_words(parser: ArgumentParser) -> None:
    _which(parser)
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the resamples (default: 0)")


def _explain_words(parser: ArgumentParser) -> None:
    _which(parser)
    parser.add_argument("--row", metavar="N", type=int, default=0, help="which row, counted from 0 (default: 0)")


def _which(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("version", metavar="VERSION", type=int)
    parser.add_argument("--data", metavar="FILE", help="rows to judge on (default: data.evaluation of mlops.yaml)")


COMMANDS = [
    Command("validate", "evidence of a version", "jupyter mlops validate rul.plant-01 2", _validate, _validate_words),
    Command(
        "explain",
        "why a version answers one row as it does",
        "jupyter mlops explain rul.plant-01 2 --row 17",
        _explain,
        _explain_words,
    ),
]
