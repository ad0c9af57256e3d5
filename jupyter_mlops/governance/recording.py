"""A session's changes to the registry, judged before they are written and entered in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.model_registry.dbmodels.models import (
    SqlModelVersion,
    SqlModelVersionTag,
    SqlRegisteredModel,
    SqlRegisteredModelAlias,
    SqlRegisteredModelTag,
)
from sqlalchemy.orm import Session

from jupyter_mlops.governance.acting import Act, current
from jupyter_mlops.governance.approvals import REQUESTED
from jupyter_mlops.governance.changes import Change, changes
from jupyter_mlops.governance.policy import objection
from jupyter_mlops.ledger import TOOK_NAME, append, subject, take_turn
from jupyter_mlops.masking import mask_value

GOVERNED = (SqlRegisteredModel, SqlModelVersion, SqlRegisteredModelAlias, SqlRegisteredModelTag, SqlModelVersionTag)
# The mark of a session that decided something: a checkpoint follows.
MARKS = "mlops_marks"
# SQLite serves who waits in no order: of eight on a busy disk, one waited beyond MLflow's 20 s.
_PATIENCE_MS = 120_000


@dataclass(frozen=True)
class Refusal:
    """What was refused. `asks` turns a promotion that lacks nothing but approvals into a request for them."""

    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    act: Act
    why: str
    asks: bool = False


class Recorder:
    """Sees a session's changes before they are written; raises for the first that policy forbids."""

    def __init__(self, refused: list[Refusal]) -> None:
        self._refused = refused

    def __call__(self, session: Session, _context: Any, _instances: Any) -> None:
        act = current()
        _mask_texts(session)
        for change in list(changes(session, GOVERNED)):
            answer = objection(change, act, session)
            if answer.why:
                self._refused.append(refusal_of(change, act, answer.why, waits=answer.waits))
                raise MlflowException(answer.why, error_code=PERMISSION_DENIED)
            if change.action in ("set alias", "delete alias"):
                session.info[MARKS] = True
            append(
                session.connection(),
                actor=act.actor,
                action=change.action,
                subject=change.subject,
                before=change.before,
                after=change.after,
                reason=act.reason,
            )
            if change.action == "rename model" and change.after:
                took = {"actor": act.actor, "action": TOOK_NAME, "subject": change.after["name"], "reason": act.reason}
                append(session.connection(), before=change.before, after=change.after, **took)


def enter_refusals(session: Session, refused: list[Refusal]) -> None:
    begin(session)
    for r in refused:
        append(
            session.connection(),
            actor=r.act.actor,
            action=REQUESTED if r.asks else f"{r.action} refused",
            subject=r.subject,
            before=r.before,
            after=r.after,
            reason=r.act.reason if r.asks else r.why,
        )


def _mask_texts(session: Session) -> None:
    """No secret reaches the registry in a description or a tag, whoever writes it: the ledger would keep it for ever."""
    for row in (*session.new, *session.dirty):
        if isinstance(row, GOVERNED):
            for name in ("value", "description"):
                text = getattr(row, name, None)
                masked = mask_value(getattr(row, "key", ""), text) if isinstance(text, str) else text
                if masked != text:
                    setattr(row, name, masked)


def refusal_of(change: Change, act: Act, why: str, *, waits: bool) -> Refusal:
    if waits and act.reason and change.after:
        about = subject(change.row.workspace, change.row.name, int(change.after["version"]))
        return Refusal("", about, None, {"to": change.after["alias"], "source": act.source}, act, why, asks=True)
    return Refusal(change.action, change.subject, change.before, change.after, act, why)


def begin(session: Session) -> None:
    """Wait for the turn first: what policy reads must still be true when the change is written, whoever else writes.

    On SQLite a read that turns into a write under load fails at once, whatever the patience.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    take_turn(connection)
