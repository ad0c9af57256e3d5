"""MLflow's own SQL registry, governed: each change passes policy and is entered in the ledger in the same transaction.

The seam is the session's flush: whatever client or method changed a row, it is seen here before it is written, so a change
and its entry are committed together or not at all, also when the process is killed between them.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.model_registry.dbmodels.models import (
    SqlModelVersion,
    SqlModelVersionTag,
    SqlRegisteredModel,
    SqlRegisteredModelAlias,
    SqlRegisteredModelTag,
)
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from mlflow.store.model_registry.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore
from sqlalchemy.orm import Session

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.governance.acting import Act, acting, current
from jupyter_mlops.governance.approvals import DECISION, REQUESTED
from jupyter_mlops.governance.changes import Change, changes
from jupyter_mlops.governance.decisions import NotAllowed, carry_out, kinds, read_facts
from jupyter_mlops.governance.policy import DECIDING, objection
from jupyter_mlops.ledger import append, checkpoint, due, subject, take_turn
from jupyter_mlops.masking import mask_all, mask_value

GOVERNED = (SqlRegisteredModel, SqlModelVersion, SqlRegisteredModelAlias, SqlRegisteredModelTag, SqlModelVersionTag)
_MARKS = "mlops_marks"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Refusal:
    """What was refused. `asks` turns a promotion that lacks nothing but approvals into a request for them."""

    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    act: Act
    why: str
    asks: bool = False


class _Governed:
    """What both of MLflow's stores get: a session that is watched, and decisions that are carried out."""

    def __init__(self, db_uri: str, read_db_uri: str | None = None) -> None:
        super().__init__(db_uri, read_db_uri=read_db_uri)  # type: ignore[call-arg]  # MLflow's store comes after this one
        self._plain_sessions: Any = vars(self)["ManagedSessionMaker"]
        self.ManagedSessionMaker = self._governed_session

    @contextmanager
    def _governed_session(self, read_only: bool = True) -> Iterator[Session]:
        refused: list[_Refusal] = []
        decided = False
        try:
            with self._plain_sessions(read_only=read_only) as session:
                if not read_only:
                    _begin(session)
                    sa.event.listen(session, "before_flush", _Recorder(refused))
                yield session
                if not read_only:
                    session.flush()
                    decided = session.info.get(_MARKS, False)
        finally:
            if refused:
                self._enter_refusals(refused)
        if not read_only:
            self._sign(decided)

    def set_model_version_tag(self, name: str, version: str, tag: Any) -> None:
        """MLflow's, but a tag that is a decision is carried out, not only written."""
        key = str(tag.key or "")
        kind = key.removeprefix(DECISION)
        if kind == key:
            super().set_model_version_tag(name, version, tag)  # type: ignore[misc]
            return
        try:
            if kind not in kinds():
                raise NotAllowed(f"{tag.key} is no decision; decisions are: {', '.join(kinds())}")
            self._decide(kind, name, version, mask_all(read_facts(tag.value)))
        except NotAllowed as error:
            asked = {"value": str(tag.value)[:1000]}
            self._enter_refusals([_Refusal(kind, f"{name}/{version}", None, asked, current(), str(error))])
            raise MlflowException(str(error), error_code=PERMISSION_DENIED) from error

    def _decide(self, kind: str, name: str, version: str, facts: dict[str, Any]) -> None:
        now = current()
        act = replace(
            now,
            reason=facts["reason"],
            evidence=str(facts.get("evidence") or now.evidence),
            glass=str(facts.get("break_glass") or ""),
        )
        denied: list[NotAllowed] = []
        with (
            contextlib.suppress(_Stopped),
            acting(reason=act.reason, evidence=act.evidence, actor=act.actor, source=act.source, glass=act.glass),
            self.ManagedSessionMaker(read_only=False) as session,
        ):
            row = self._get_sql_model_version(session, name, version)  # type: ignore[attr-defined]
            session.info[DECIDING] = True
            try:
                carry_out(kind, session, row, act, facts)
            except NotAllowed as error:
                denied.append(error)
                raise _Stopped("refused") from error
            session.flush()
            session.info[_MARKS] = True
        if denied:
            raise denied[0]

    def _enter_refusals(self, refused: list[_Refusal]) -> None:
        """The refused transaction was rolled back, so its refusal is entered in one of its own."""
        with self._plain_sessions(read_only=False) as session:
            _begin(session)
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

    def _sign(self, decided: bool) -> None:
        """A checkpoint after each decision and each hundred entries. What is committed stays so if it cannot be signed."""
        try:
            if not decided:
                with self._plain_sessions() as session:
                    if not due(session.connection()):
                        return
            with self._plain_sessions(read_only=False) as session:
                _begin(session)
                checkpoint(session.connection())
        except (OSError, MlopsError, MlflowException) as error:
            _log.warning("the ledger's checkpoint was not kept (%s); run `jupyter mlops ledger checkpoint`", error)


class _Stopped(MlflowException):  # type: ignore[misc]
    """MLflow's session makes an internal error of what it does not know, so a refusal leaves it as one of its own."""


class GovernedStore(_Governed, SqlAlchemyStore):  # type: ignore[misc]  # MLflow ships no types
    """A drop-in for MLflow's SQL registry store."""


class GovernedWorkspaceStore(_Governed, WorkspaceAwareSqlAlchemyStore):  # type: ignore[misc]
    """The same for a server that keeps workspaces apart."""


class _Recorder:
    """Sees a session's changes before they are written; raises for the first that policy forbids."""

    def __init__(self, refused: list[_Refusal]) -> None:
        self._refused = refused

    def __call__(self, session: Session, _context: Any, _instances: Any) -> None:
        act = current()
        _mask_texts(session)
        for change in list(changes(session, GOVERNED)):
            answer = objection(change, act, session)
            if answer.why:
                self._refused.append(_refusal(change, act, answer.why, waits=answer.waits))
                raise MlflowException(answer.why, error_code=PERMISSION_DENIED)
            if change.action in ("set alias", "delete alias"):
                session.info[_MARKS] = True
            append(
                session.connection(),
                actor=act.actor,
                action=change.action,
                subject=change.subject,
                before=change.before,
                after=change.after,
                reason=act.reason,
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


def _refusal(change: Change, act: Act, why: str, *, waits: bool) -> _Refusal:
    if waits and act.reason and change.after:
        about = subject(change.row.workspace, change.row.name, int(change.after["version"]))
        return _Refusal("", about, None, {"to": change.after["alias"], "source": act.source}, act, why, asks=True)
    return _Refusal(change.action, change.subject, change.before, change.after, act, why)


def _begin(session: Session) -> None:
    """Wait for the turn first: what policy reads must still be true when the change is written, whoever else writes.

    On SQLite a read that turns into a write under load fails at once, whatever the patience.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    take_turn(connection)
