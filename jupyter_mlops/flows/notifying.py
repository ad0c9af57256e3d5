"""Telling people of open alerts through the addresses of `notify:`, once each, not more than a few an hour.

The messages go through apprise (Slack, Teams, e-mail, webhooks and a hundred more), which is an extra. Whatever fails there, the
monitor has done its work: an alert that could not be told stays to be told at the next run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from jupyter_mlops.project import Project
from jupyter_mlops.records import Alert
from jupyter_mlops.store import database

AN_HOUR = 10
TRIES = 3
_PAUSE = 1.0
Send = Callable[[str, str], bool]


def notify(project: Project, send: Send | None = None) -> str:
    """Tell what is open and untold. Comes back with one sentence of what went wrong, or nothing."""
    if not project.file.notify:
        return ""
    base = database(project)
    now = datetime.now(UTC)
    waiting, sent = base.to_tell(now - timedelta(hours=1))
    room = AN_HOUR - sent
    if not waiting or room <= 0:
        return ""
    if send is None:
        try:
            send = _apprise(project.file.notify)
        except ImportError:
            return "alerts were not sent: apprise is not installed; pip install 'jupyter-mlops[notify]'"
    alone = waiting if len(waiting) <= room else waiting[: room - 1]
    messages = [(_title(alert), _body(project, alert), [alert]) for alert in alone]
    if len(alone) < len(waiting):
        rest = waiting[len(alone) :]
        messages.append((f"{project.name}: {len(rest)} more alerts", "\n".join(map(_line, rest)), rest))
    failed = 0
    for title, body, alerts in messages:
        for alert in alerts:  # claimed before it is sent, so that two monitors do not both tell it
            base.told(alert.alert_id, now)
        if not _patiently(send, title, body):
            failed += len(alerts)
            for alert in alerts:
                base.told(alert.alert_id, None)
    return f"{failed} alerts could not be sent; they are tried again at the next run" if failed else ""


def _patiently(send: Send, title: str, body: str) -> bool:
    for again in range(TRIES):
        if again:
            time.sleep(_PAUSE * again)
        try:
            if send(title, body):
                return True
        except Exception:  # noqa: BLE001, S112 - whatever a plugin of others raises, the monitor goes on
            continue
    return False


def _apprise(addresses: list[str]) -> Send:
    import apprise

    everybody = apprise.Apprise()
    refused = [address for address in addresses if not everybody.add(address)]

    def send(title: str, body: str) -> bool:
        return bool(everybody.notify(title=title, body=body)) and not refused

    return send


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
