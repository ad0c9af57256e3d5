"""Alerts, the windows they rest on, and silences: the part of the project's database that monitors write.

One incident is one alert: the same cause found again brings its alert up to date, in whatever window or order it is found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from jupyter_mlops.errors import NotFound
from jupyter_mlops.records import Alert, MonitorReport, Silence
from jupyter_mlops.store import schema

OPEN = ("open", "acknowledged")
_WHOLE = ("drift", "estimated-performance")  # found of many columns or metrics at once, it is still one incident


def same_incident(kind: str, what: str) -> str:
    """What two findings of one segment share when they are of one incident."""
    return kind if kind in _WHOLE else f"{kind}: {what}"


class Alerting:
    """What a database can do with alerts; `begin` and `read` are the database's own."""

    _complete = False

    def begin(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def read(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def _ready(self) -> None:
        """Databases from before these tables are given them."""
        if self._complete:
            return
        with self.read() as connection:
            missing = not sa.inspect(connection).has_table(schema.silences.name)
        if missing:
            with self.begin() as connection:
                schema.metadata.create_all(connection, tables=schema.LATER)
        self._complete = True

    def open_alert(
        self,
        model: str,
        segment: str | None,
        kind: str,
        what: str,
        sentence: str,
        severity: str,
        *,
        owner: str = "",
        segments: Sequence[str] = (),
        suppressed: str = "",
    ) -> Alert:
        """Open an alert, or return the one already open for the same cause, brought up to date.

        With `suppressed` (why) it is kept from people; one whose reason is gone is opened, unless a person suppressed it.
        """
        self._ready()
        table, now = schema.alerts, datetime.now(UTC).isoformat()
        with self.begin() as connection:
            known = _known(connection, model, segment, kind, what)
            if known is None:
                row = {"model": model, "segment": segment or "", "kind": kind, "what": what, "sentence": sentence}
                row |= {"severity": severity, "state": "open", "opened": now}
                known = connection.execute(table.insert().values(row).returning(table.c.alert_id)).scalar_one()
                connection.execute(schema.incidents.insert().values(alert_id=known))
            changes = {"what": what, "sentence": sentence, "severity": severity}
            facts = {"owner": owner, "last_seen": now, "segments": json.dumps(sorted(segments))}
            before = _alert(connection, known)
            by_hand = before.state == "suppressed" and before.closed_by  # what a person suppressed stays so
            if not by_hand and (suppressed or before.state == "suppressed"):
                changes["state"], facts["why"] = "suppressed" if suppressed else "open", suppressed
            connection.execute(table.update().where(table.c.alert_id == known).values(changes))
            _keep(connection, known, facts)
            return _alert(connection, known)

    def alerts(self, state: str | None = None) -> list[Alert]:
        """Alerts, newest first; of one state if named."""
        self._ready()
        query = _select().order_by(schema.alerts.c.alert_id.desc())
        query = query if state is None else query.where(schema.alerts.c.state == state)
        with self.read() as connection:
            return [_record(row) for row in connection.execute(query).mappings()]

    def set_alert(self, alert_id: int, state: str, by: str, why: str = "") -> Alert:
        """Move an alert to another state; NotFound when there is none of that number."""
        self._ready()
        table = schema.alerts
        with self.begin() as connection:
            values = {"state": state} | ({"acknowledged_by": by} if state == "acknowledged" else {})
            done = connection.execute(table.update().where(table.c.alert_id == alert_id).values(values))
            if not done.rowcount:
                raise NotFound(f"there is no alert {alert_id}", "list them with `jupyter mlops alerts --all`")
            if state in ("resolved", "suppressed"):
                _keep(connection, alert_id, {"closed": datetime.now(UTC).isoformat(), "closed_by": by, "why": why})
            return _alert(connection, alert_id)

    def to_tell(self, sent_since: datetime) -> tuple[list[Alert], int]:
        """Open alerts that nobody was told of, the oldest first, and how many people were told of since."""
        told = [a for a in self.alerts() if a.notified and a.notified >= sent_since]
        return [a for a in reversed(self.alerts("open")) if a.notified is None], len(told)

    def told(self, alert_id: int, when: datetime | None) -> None:
        self._ready()
        with self.begin() as connection:
            _keep(connection, alert_id, {"notified": when.isoformat() if when else None})

    def keep_window(self, report: MonitorReport) -> None:
        """What was found in this window; asked again, it is restated."""
        self._ready()
        table = schema.windows
        found = sorted({same_incident(v.kind, v.what) for v in report.violations})
        which = {"model": report.model, "segment": report.segment or ""}
        which |= {"start": _utc(report.start), "end": _utc(report.end)}
        with self.begin() as connection:
            connection.execute(table.delete().where(*(table.c[name] == value for name, value in which.items())))
            connection.execute(table.insert().values(**which, verdict=report.verdict, found=json.dumps(found)))

    def last_windows(self, model: str, segment: str | None, count: int, until: datetime) -> list[set[str]]:
        """What was found in each of the last windows that ended by then, the newest first."""
        self._ready()
        table = schema.windows
        query = sa.select(table.c.found).where(table.c.model == model, table.c.segment == (segment or ""))
        query = query.where(table.c.end <= _utc(until)).order_by(table.c.end.desc(), table.c.start.desc()).limit(count)
        with self.read() as connection:
            return [set(json.loads(row.found)) for row in connection.execute(query)]

    def silence(self, name: str, until: datetime, by: str, reason: str) -> Silence:
        self._ready()
        table, row = schema.silences, {"name": name, "until": _utc(until), "by": by, "reason": reason}
        with self.begin() as connection:
            number = connection.execute(table.insert().values(row).returning(table.c.silence_id)).scalar_one()
        return Silence(silence_id=number, name=name, until=until, by=by, reason=reason)

    def silences(self, now: datetime) -> list[Silence]:
        """Those that still hold."""
        self._ready()
        table = schema.silences
        query = sa.select(table).where(table.c.until > _utc(now)).order_by(table.c.silence_id)
        with self.read() as connection:
            return [Silence(**row) for row in connection.execute(query).mappings()]


def _known(connection: sa.Connection, model: str, segment: str | None, kind: str, what: str) -> int | None:
    """The alert that this incident has, if it is not over."""
    table = schema.alerts
    query = sa.select(table.c.alert_id, table.c.what).where(
        table.c.model == model,
        table.c.segment == (segment or ""),
        table.c.kind == kind,
        table.c.state.in_([*OPEN, "suppressed"]),
    )
    wanted = same_incident(kind, what)
    rows: Iterator[Any] = iter(connection.execute(query.order_by(table.c.alert_id.desc())))
    return next((row.alert_id for row in rows if same_incident(kind, row.what) == wanted), None)


def _keep(connection: sa.Connection, alert_id: int, facts: dict[str, Any]) -> None:
    table = schema.incidents
    done = connection.execute(table.update().where(table.c.alert_id == alert_id).values(facts))
    if not done.rowcount:
        connection.execute(table.insert().values(alert_id=alert_id, **facts))


def _select() -> sa.Select[Any]:
    facts = [c for c in schema.incidents.c if c.name != "alert_id"]
    joined = schema.alerts.outerjoin(schema.incidents, schema.alerts.c.alert_id == schema.incidents.c.alert_id)
    return sa.select(*schema.alerts.c, *facts).select_from(joined)


def _alert(connection: sa.Connection, alert_id: int) -> Alert:
    return _record(connection.execute(_select().where(schema.alerts.c.alert_id == alert_id)).mappings().one())


def _record(row: Any) -> Alert:
    """A segment of no name is stored as '' because a primary key cannot hold NULL; an alert from before has no facts."""
    kept = {name: value for name, value in row.items() if value is not None}
    return Alert(**kept | {"segment": row["segment"] or None, "segments": json.loads(row["segments"] or "[]")})


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
