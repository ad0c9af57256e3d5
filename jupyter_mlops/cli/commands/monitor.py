"""Windows to findings, and the alerts they opened."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from jupyter_mlops import config
from jupyter_mlops.cli import text
from jupyter_mlops.cli.command import Command, Result, project_of, typed_path
from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Project, Target
from jupyter_mlops.records import MonitorReport
from jupyter_mlops.store import database, open_store


def _monitor(args: Namespace) -> Result:
    from jupyter_mlops.flows import read_rows, refresh_figures, score_and_watch, watch

    project = project_of(args)
    targets = _targets(project, args)
    store = open_store(project)
    if args.current:
        if len(targets) != 1:
            raise BadInput(
                f"--current is the rows of one segment, and {args.model} has {len(targets)}", "add --segment S"
            )
        labels = read_rows(typed_path(args.labels)) if args.labels else None
        reports = [score_and_watch(store, targets[0], read_rows(typed_path(args.current)), labels)]
    else:
        reports = [watch(store, target) for target in targets]
    refresh_figures(store)
    return Result(reports, "\n".join(_report(r) for r in reports), 1 if any(r.violations for r in reports) else 0)


def _targets(project: Project, args: Namespace) -> list[Target]:
    name = f"{args.model}.{args.segment}" if args.segment else args.model
    return [project.target(name)] if "." in name else list(project.targets(name))


def _report(report: MonitorReport) -> str:
    who = f"{report.model}.{report.segment}" if report.segment else report.model
    head = f"{who} version {report.version}: {report.rows} rows, outcomes known for {report.coverage:.0%}: {report.verdict}"
    return "\n".join([head, *(f"  {v.severity}: {v.sentence}" for v in report.violations)])


def _alerts(args: Namespace) -> Result:
    base = database(project_of(args))
    if args.ack is not None:
        alert = base.set_alert(args.ack, "acknowledged", config.actor())
        return Result(alert, f"alert {alert.alert_id} is acknowledged by {alert.acknowledged_by}")
    found = base.alerts(None if args.all else "open")
    rows = [(a.alert_id, a.severity, a.model, a.segment, a.kind, a.state, a.sentence) for a in found]
    headers = ("ID", "SEVERITY", "MODEL", "SEGMENT", "KIND", "STATE", "WHAT")
    return Result(found, text.table(rows, headers, "no open alerts"))


def _monitor_words(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--segment", metavar="S")
    parser.add_argument("--current", metavar="FILE", help="rows to score and judge (default: what was logged)")
    parser.add_argument("--labels", metavar="FILE", help="outcomes known so far: inference_id and the target")


def _alerts_words(parser: ArgumentParser) -> None:
    parser.add_argument("--ack", metavar="ID", type=int, help="acknowledge this alert")
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
