"""From what a window showed to what a person is told: N of M windows, one alert for one cause, silence, resolution.

Everything here is entered in the ledger: who was told what, who took it on, and why it was closed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jupyter_mlops.ledger import append
from jupyter_mlops.monitoring import FEWEST
from jupyter_mlops.project import FILE, Project, Target
from jupyter_mlops.records import Alert, MonitorReport, Silence, Violation
from jupyter_mlops.store import Database, Store, database, same_incident

ACTOR = "jupyter-mlops monitor"
ANSWERED_BY_A_MODEL = ("drift", "performance", "estimated-performance")
_FLEET = 3
_PART = "part of alert"
_OPEN = ("open", "acknowledged")


def raise_alerts(store: Store, target: Target, report: MonitorReport) -> list[Alert]:
    """Keep the window, open or bring up to date what it asks for, resolve what is no longer found. The open ones come back."""
    base, rule = database(store.project), target.spec.monitor.alert
    base.keep_window(report)
    seen = base.last_windows(target.model, target.segment, rule.of, report.end)
    raised = [
        _raise(store.project, target, report, violation)
        for violation in report.violations
        if sum(same_incident(violation.kind, violation.what) in found for found in seen) >= rule.violations
    ]
    _close_what_ended(base, target, report, seen)
    return [_of_fleet(base, target, alert) for alert in raised]


def _raise(project: Project, target: Target, report: MonitorReport, v: Violation) -> Alert:
    base = database(project)
    why = _silenced(base, target)
    known = {a.alert_id for a in base.alerts() if a.state != "resolved"}
    alert = base.open_alert(
        target.model,
        target.segment,
        v.kind,
        v.what,
        v.sentence,
        v.severity,
        owner=target.spec.owner,
        suppressed=why or _spoken_for(project, target, v),
    )
    if alert.alert_id not in known:
        _enter(base, alert, "alert opened", ACTOR, alert.sentence, version=report.version)
    return alert


def _silenced(base: Database, target: Target) -> str:
    """Why nobody is told of what is found about the target just now: a person's silence, or declared maintenance."""
    now, names = datetime.now(UTC), {target.name, target.model}
    asked = next((s for s in base.silences(now) if s.name in names), None)
    if asked:
        return f"silenced by {asked.by} until {asked.until:%Y-%m-%d %H:%M} UTC: {asked.reason}"
    for planned in target.spec.monitor.maintenance:
        ends = planned.until(now)
        if ends:
            return f"silenced by {FILE} until {ends:%Y-%m-%d %H:%M} UTC: {planned.why or 'maintenance'}"
    return ""


def _close_what_ended(base: Database, target: Target, report: MonitorReport, seen: list[set[str]]) -> None:
    """What could be judged in this window and was not found, nor often enough in the last ones, is over."""
    least, judged = target.spec.monitor.alert.violations, _judged(report)
    for alert in base.alerts():
        mine = (alert.model, alert.segment) == (target.model, target.segment) and not alert.segments
        if alert.state == "resolved" or not mine or alert.kind not in judged:
            continue
        cause = same_incident(alert.kind, alert.what)
        if cause not in seen[0] and sum(cause in found for found in seen) < least:
            windows = "the last window" if len(seen) == 1 else f"{least} of the last {len(seen)} windows"
            close(base, alert, ACTOR, f"not found in {windows}")


def _judged(report: MonitorReport) -> set[str]:
    """The kinds of finding that this window could have shown: too few rows, a broken feed and missing outcomes show nothing."""
    kinds = {"data-quality"} if report.rows >= FEWEST else set()
    if kinds and not any(v.kind == "data-quality" for v in report.violations):
        kinds.add("drift")
    told = any(p.coverage is not None and p.n >= FEWEST for p in report.points)
    if told:
        kinds.add("performance")
    return kinds | ({"estimated-performance"} if told or report.estimated else set())


def _spoken_for(project: Project, target: Target, v: Violation) -> str:
    """Why its own alert need not be told: the fleet's says it, or that of another model that reads the same feed."""
    fleet = _fleet_alert(database(project), target.model, v.kind, v.what) if target.segment else None
    said = fleet or _of_the_feed(project, target, v)
    return f"{_PART} {said.alert_id}" if said else ""


def _of_the_feed(project: Project, target: Target, v: Violation) -> Alert | None:
    """The first model's open alert on the same fault of the same feed, where the same person is told. What is no fault of a
    feed is each model's own: drift and decay are answered model by model."""
    if v.kind != "data-quality":
        return None
    cause, every = same_incident(v.kind, v.what), database(project).alerts()
    same = [a for a in every if same_incident(a.kind, a.what) == cause and a.state in _OPEN]
    if any((a.model, a.segment) == (target.model, target.segment) for a in same):
        return None
    others = (a for a in reversed(same) if a.model != target.model and a.owner == target.spec.owner)
    return next((a for a in others if _same_feed(project, a, target)), None)


def _same_feed(project: Project, alert: Alert, target: Target) -> bool:
    """Whether the alert's model learns from the very rows that the target learns from, and is answered from the same place."""
    spec = project.file.models.get(alert.model)
    if spec is None or not (alert.segment == target.segment or target.segment in alert.segments):
        return False
    other = Target(alert.model, target.segment, spec)
    paths = {project.path(one.spec.data.training, one) for one in (other, target)}
    return len(paths) == 1 and spec.data.production == target.spec.data.production


def told_elsewhere(alert: Alert) -> bool:
    """Kept from people only since another alert says it."""
    return alert.why.startswith(_PART)


def _told_by_another(base: Database, alert: Alert) -> bool:
    by = next((a for a in base.alerts() if alert.why == f"{_PART} {a.alert_id}"), None)
    return by is not None and by.model != alert.model


def _fleet_alert(base: Database, model: str, kind: str, what: str) -> Alert | None:
    cause = same_incident(kind, what)
    found = (a for a in base.alerts() if a.model == model and a.segments and a.state in _OPEN)
    return next((a for a in found if same_incident(a.kind, a.what) == cause), None)


def _of_fleet(base: Database, target: Target, alert: Alert) -> Alert:
    """A cause found in at least half of a model's segments, and three, is one alert; the segments' own are part of it."""
    if target.segment is None or alert.state == "acknowledged" or _told_by_another(base, alert):
        return alert
    cause = same_incident(alert.kind, alert.what)
    same = [
        a
        for a in base.alerts()
        if a.model == target.model and a.segment and a.state != "resolved" and same_incident(a.kind, a.what) == cause
    ]
    same = [a for a in same if not a.why.startswith("silenced") and not a.closed_by]
    segments = sorted({a.segment for a in same if a.segment})
    total = len(target.spec.segments)
    if len(segments) < max(_FLEET, (total + 1) // 2):
        return alert
    known = _fleet_alert(base, target.model, alert.kind, alert.what)
    names = ", ".join(segments[:3]) + (f" and {len(segments) - 3} more" if len(segments) > 3 else "")
    worst = "critical" if any(a.severity == "critical" for a in same) else alert.severity
    fleet = base.open_alert(
        target.model,
        None,
        alert.kind,
        alert.what,
        f"{len(segments)} of {total} segments ({names}), so look for one cause: {alert.sentence}",
        worst,
        owner=target.spec.owner,
        segments=segments,
    )
    if known is None:
        _enter(base, fleet, "alert opened", ACTOR, fleet.sentence, segments=segments)
    for own in same:
        if own.state == "open":
            base.open_alert(
                own.model,
                own.segment,
                own.kind,
                own.what,
                own.sentence,
                own.severity,
                owner=own.owner,
                suppressed=f"{_PART} {fleet.alert_id}",
            )
    return fleet


def close(base: Database, alert: Alert, by: str, why: str) -> Alert:
    """Resolve an alert; a fleet's, whose segments are all resolved, goes with the last of them."""
    done = base.set_alert(alert.alert_id, "resolved", by, why)
    _enter(base, done, "alert resolved", by, why)
    fleet = _fleet_alert(base, alert.model, alert.kind, alert.what) if alert.segment else None
    if fleet:
        left = {a.segment for a in base.alerts() if a.state != "resolved" and a.why == f"{_PART} {fleet.alert_id}"}
        if not left:
            close(base, fleet, by, "resolved in every segment")
    for own in base.alerts("suppressed") if alert.segments else []:
        if own.why == f"{_PART} {alert.alert_id}":
            base.set_alert(own.alert_id, "resolved", by, why)
    return done


def acknowledge(base: Database, alert_id: int, by: str) -> Alert:
    alert = base.set_alert(alert_id, "acknowledged", by)
    _enter(base, alert, "alert acknowledged", by, "")
    return alert


def suppress(base: Database, alert_id: int, by: str, why: str) -> Alert:
    """Nobody is told of it again while it lasts."""
    alert = base.set_alert(alert_id, "suppressed", by, why)
    _enter(base, alert, "alert suppressed", by, why)
    return alert


def silence(base: Database, name: str, period: timedelta, by: str, reason: str) -> Silence:
    """For so long, nothing found about this model or segment is told: it is known to be worked on."""
    made = base.silence(name, datetime.now(UTC) + period, by, reason)
    with base.begin() as connection:
        after = {"until": made.until.isoformat()}
        append(connection, actor=by, action="alerts silenced", subject=name, after=after, reason=reason)
    return made


def answered(base: Database, target: Target, version: int, trained: datetime, by: str) -> list[Alert]:
    """A version trained after they were opened, and now in service, answers a target's alerts of drift and performance."""
    mine = [
        a
        for a in base.alerts()
        if (a.model, a.segment) == (target.model, target.segment) and a.state != "resolved" and a.opened <= trained
    ]
    why = f"version {version}, trained after this was found, is in service"
    return [close(base, a, by, why) for a in mine if a.kind in ANSWERED_BY_A_MODEL and not a.segments]


def _enter(base: Database, alert: Alert, action: str, by: str, reason: str, **more: object) -> None:
    subject = f"{alert.model}.{alert.segment}" if alert.segment else alert.model
    version = more.pop("version", None)
    facts = {"alert": alert.alert_id, "kind": alert.kind, "what": alert.what, "severity": alert.severity}
    with base.begin() as connection:
        append(
            connection,
            actor=by,
            action=action,
            subject=f"{subject}/{version}" if version else subject,
            after={**facts, **more},
            reason=reason,
        )
