"""Windows to findings, and the alerts they opened."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops import config
from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of, typed_path
from jupyter_mlops.errors import BadInput, MlopsError, NotFound
from jupyter_mlops.project import Project, Target, parse_duration
from jupyter_mlops.records import Alert, MonitorReport, PerformanceEstimate
from jupyter_mlops.store import database, open_store

if TYPE_CHECKING:
    import pandas as pd

    from jupyter_mlops.store import Database, Store


def _monitor(args: Namespace) -> Result:
    from jupyter_mlops.flows import exposition, notify, read_rows, refresh_figures, score_and_watch

    project = project_of(args)
    targets = _targets(project, args)
    store = open_store(project)
    labels = read_rows(typed_path(args.labels)) if args.labels else None
    skipped: list[MlopsError] = []
    if args.current:
        if len(targets) != 1:
            raise BadInput(
                f"--current is the rows of one segment, and {args.model} has {len(targets)}", "add --segment S"
            )
        reports = [score_and_watch(store, targets[0], read_rows(typed_path(args.current)), labels)]
    else:
        if labels is not None:
            _share_out(store, targets, labels)
        reports, skipped = _each(store, targets)
    refresh_figures(store)
    unsent = notify(project)
    if args.prometheus:
        _write(typed_path(args.prometheus), exposition(project))
    lines = [_report(r) for r in reports] + [error.message for error in skipped] + ([unsent] if unsent else [])
    return Result(reports, "\n".join(lines), 1 if any(r.violations for r in reports) else 0)


def _write(path: Path, text_: str) -> None:
    """At once or not at all: it is read at any time."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_text(text_)
        draft.replace(path)
    except OSError as error:
        raise BadInput(
            f"the figures cannot be written to {path}: {error.strerror}", "name a file in a folder that is there"
        ) from error


def _each(store: Store, targets: list[Target]) -> tuple[list[MonitorReport], list[MlopsError]]:
    """A segment that is not in service, or that nothing was asked of, does not keep the others from being judged."""
    from jupyter_mlops.flows import watch

    reports: list[MonitorReport] = []
    skipped: list[MlopsError] = []
    for target in targets:
        try:
            reports.append(watch(store, target))
        except (BadInput, NotFound) as error:
            skipped.append(error)
    if skipped and not reports:
        raise skipped[0]
    return reports, skipped


def _share_out(store: Store, targets: list[Target], labels: pd.DataFrame) -> None:
    """One file may hold the outcomes of several segments: each takes those of its own rows."""
    from jupyter_mlops.flows import take_labels

    refused: list[MlopsError] = []
    for target in targets:
        try:
            take_labels(store, target, labels)
        except (BadInput, NotFound) as error:
            refused.append(error)
    if len(refused) == len(targets):
        raise refused[0]


def _targets(project: Project, args: Namespace) -> list[Target]:
    name = f"{args.model}.{args.segment}" if args.segment else args.model
    return [project.target(name)] if "." in name else list(project.targets(name))


def _report(report: MonitorReport) -> str:
    who = f"{report.model}.{report.segment}" if report.segment else report.model
    head = f"{who} version {report.version}: {report.rows} rows, outcomes known for {report.coverage:.0%}: {report.verdict}"
    found = [f"  {v.severity}: {v.sentence}" for v in report.violations]
    return "\n".join([head, *found, *(f"  {_estimate(e)}" for e in report.estimated[:1])])


def _estimate(e: PerformanceEstimate) -> str:
    seen = f"; realised {e.realised.value:.4g} on {e.realised.n} outcomes" if e.realised else ""
    return (
        f"estimated {e.metric} {e.value:.4g} ({e.low:.4g} to {e.high:.4g}) by {e.method}{seen}. Assumed: {e.assumption}"
    )


def _alerts(args: Namespace) -> Result:
    from jupyter_mlops.flows import acknowledge, silence

    project, who = project_of(args), config.actor()
    base = database(project)
    if args.ack is not None:
        alert = acknowledge(base, args.ack, who)
        return Result(alert, f"alert {alert.alert_id} is acknowledged by {alert.acknowledged_by}")
    if args.resolve is not None or args.suppress is not None:
        return _decided(base, args, who)
    if args.silence:
        project.target(args.silence) if "." in args.silence else project.model(args.silence)
        made = silence(base, args.silence, _period(args), who, _reason(args))
        return Result(made, f"{made.name} is silenced until {made.until:%Y-%m-%d %H:%M} UTC")
    found = base.alerts(None if args.all else "open")
    rows = [(a.alert_id, a.severity, a.model, a.segment, a.kind, a.state, a.owner, a.sentence) for a in found]
    headers = ("ID", "SEVERITY", "MODEL", "SEGMENT", "KIND", "STATE", "OWNER", "WHAT")
    return Result(found, text.table(rows, headers, "no open alerts"))


def _decided(base: Database, args: Namespace, who: str) -> Result:
    from jupyter_mlops.flows import close, suppress

    reason = _reason(args)
    if args.suppress is not None:
        alert: Alert = suppress(base, args.suppress, who, reason)
    else:
        known = next((a for a in base.alerts() if a.alert_id == args.resolve), None)
        alert = close(base, known, who, reason) if known else base.set_alert(args.resolve, "resolved", who)
    return Result(alert, f"alert {alert.alert_id} is {alert.state} by {who}")


def _reason(args: Namespace) -> str:
    if not (args.reason or "").strip():
        raise BadInput("this needs a reason", "say why with --reason TEXT", field="reason")
    return str(args.reason)


def _period(args: Namespace) -> timedelta:
    try:
        return parse_duration(args.period)
    except ValueError as error:
        raise BadInput(str(error), "write --for as 90m, 8h or 2d", field="for") from error


def _monitor_words(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--segment", metavar="S")
    parser.add_argument("--current", metavar="FILE", help="rows to score and judge (default: what was logged)")
    parser.add_argument(
        "--prometheus", metavar="FILE", help="also write the last figures there, for a textfile collector"
    )
    parser.add_argument("--labels", metavar="FILE", help="outcomes known so far: inference_id and the target")


def _alerts_words(parser: ArgumentParser) -> None:
    parser.add_argument("--ack", metavar="ID", type=int, help="acknowledge this alert")
    parser.add_argument("--resolve", metavar="ID", type=int, help="it is over; needs --reason")
    parser.add_argument("--suppress", metavar="ID", type=int, help="tell nobody of it again; needs --reason")
    parser.add_argument("--silence", metavar="MODEL[.SEGMENT]", help="tell nobody of new ones; needs --reason")
    parser.add_argument("--for", dest="period", metavar="TIME", default="8h", help="how long the silence holds (8h)")
    parser.add_argument("--reason", metavar="TEXT")
    parser.add_argument("--all", action="store_true", help="also those no longer open")


COMMANDS = [
    Command(
        "monitor",
        "judge what a model met in production",
        "jupyter mlops monitor rul --segment plant-05",
        _monitor,
        _monitor_words,
    ),
    Command("alerts", "what needs a person", "jupyter mlops alerts --ack 3", _alerts, _alerts_words),
]
