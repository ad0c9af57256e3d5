"""Telling people of open alerts through the addresses of `notify:`, once each, not more than a few an hour.

The messages go through apprise (Slack, Teams, e-mail, webhooks and a hundred more), which is an extra. Whatever fails there, the
monitor has done its work: an alert that could not be told stays to be told at the next run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from jupyter_mlops.project import Project
from jupyter_mlops.records import Alert
from jupyter_mlops.store import database

AN_HOUR = 10
NO_APPRISE = "apprise is not installed; pip install 'jupyter-mlops[notify]'"
TRIES = 3
_PAUSE = 1.0
Send = Callable[[str, str], bool]


def notify(project: Project, doors: Sequence[Send] | None = None) -> str:
    """Tell what is open and untold, at every door. Comes back with one sentence of what went wrong, or nothing."""
    if not project.file.notify:
        return ""
    base = database(project)
    now = datetime.now(UTC)
    waiting, sent = base.to_tell(now - timedelta(hours=1))
    if not waiting or sent >= AN_HOUR:
        return ""
    if doors is None:
        try:
            doors = doors_of(project)
        except ImportError:
            return f"alerts were not sent: {NO_APPRISE}"
    failed = 0
    for title, body, alerts in _messages(project, waiting, AN_HOUR - sent):
        for alert in alerts:  # claimed before it is sent, so that two monitors do not both tell it
            base.told(alert.alert_id, now)
        reached = [patiently(door, title, body) for door in doors]
        if not any(reached):
            failed += len(alerts)
            for alert in alerts:
                base.told(alert.alert_id, None)
    return f"{failed} alerts could not be sent; they are tried again at the next run" if failed else ""


def _messages(project: Project, waiting: list[Alert], room: int) -> Iterator[tuple[str, str, list[Alert]]]:
    """One for each alert; where there are more than may be sent, the last message is of all the rest."""
    alone = waiting if len(waiting) <= room else waiting[: room - 1]
    for alert in alone:
        yield _title(alert), _body(project, alert), [alert]
    rest = waiting[len(alone) :]
    if rest:
        yield f"{project.name}: {len(rest)} more alerts", "\n".join(map(_line, rest)), rest


def patiently(send: Send, title: str, body: str) -> bool:
    for again in range(TRIES):
        if again:
            time.sleep(_PAUSE * again)
        try:
            if send(title, body):
                return True
        except Exception:  # noqa: BLE001, S112 - whatever a plugin of others raises, the monitor goes on
            continue
    return False


def doors_of(project: Project) -> list[Send]:
    """A door for each address, so that one that is shut is not a reason to knock at the others again."""
    import apprise

    def door(address: str) -> Send:
        service = apprise.Apprise()
        known = bool(service.add(address))
        return lambda title, body: known and bool(service.notify(title=title, body=body))

    return [door(address) for address in project.file.notify]


def _title(alert: Alert) -> str:
    return f"[{alert.severity}] {_whose(alert)}: {alert.kind}"


def _line(alert: Alert) -> str:
    return f"{_title(alert)}: {alert.sentence} (alert {alert.alert_id})"


def _whose(alert: Alert) -> str:
    return f"{alert.model}.{alert.segment}" if alert.segment else alert.model


def _body(project: Project, alert: Alert) -> str:
    lines = [
        alert.sentence,
        f"since {alert.opened:%Y-%m-%d %H:%M} UTC, project {project.name}",
        f"owner: {alert.owner}" if alert.owner else "",
        f"take it on: jupyter mlops alerts --ack {alert.alert_id}",
    ]
    return "\n".join(filter(None, lines))
