"""MLflow's own SQL registry, governed: each change passes policy and is entered in the ledger in the same transaction.

The seam is the session's flush: whatever client or method changed a row, it is seen here before it is written, so a change
and its entry are committed together or not at all, also when the process is killed between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
from sqlalchemy.orm import Session

from jupyter_mlops.governance.acting import Act, current
from jupyter_mlops.governance.changes import Change, changes
from jupyter_mlops.governance.policy import objection
from jupyter_mlops.ledger import append

GOVERNED = (SqlRegisteredModel, SqlModelVersion, SqlRegisteredModelAlias, SqlRegisteredModelTag, SqlModelVersionTag)


class GovernedStore(SqlAlchemyStore):  # type: ignore[misc]  # MLflow ships no types
    """A drop-in for MLflow's SQL registry store."""

    def __init__(self, db_uri: str) -> None:
        super().__init__(db_uri)
        self._plain_sessions: Any = vars(self)["ManagedSessionMaker"]
        self.ManagedSessionMaker = self._governed_session

    @contextmanager
    def _governed_session(self, read_only: bool = True) -> Iterator[Session]:
        refused: list[tuple[Change, Act, str]] = []
        try:
            with self._plain_sessions(read_only=read_only) as session:
                if not read_only:
                    _begin_immediate(session)
                    sa.event.listen(session, "before_flush", _Recorder(refused))
                yield session
        finally:
            if refused:
                self._enter_refusals(refused)

    def _enter_refusals(self, refused: list[tuple[Change, Act, str]]) -> None:
        """The refused transaction was rolled back, so its refusal is entered in one of its own."""
        with self._plain_sessions(read_only=False) as session:
            _begin_immediate(session)
            for change, act, why in refused:
                append(
                    session.connection(),
                    actor=act.actor,
                    action=f"{change.action} refused",
                    subject=change.subject,
                    before=change.before,
                    after=change.after,
                    reason=why,
                )


class _Recorder:
    """Sees a session's changes before they are written; raises for the first that policy forbids."""

    def __init__(self, refused: list[tuple[Change, Act, str]]) -> None:
        self._refused = refused

    def __call__(self, session: Session, _context: Any, _instances: Any) -> None:
        act = current()
        for change in changes(session, GOVERNED):
            why = objection(change, act, session)
            if why:
                self._refused.append((change, act, why))
                raise MlflowException(why, error_code=PERMISSION_DENIED)
            append(
                session.connection(),
                actor=act.actor,
                action=change.action,
                subject=change.subject,
                before=change.before,
                after=change.after,
                reason=act.reason,
            )


def _begin_immediate(session: Session) -> None:
    """Take SQLite's write lock first: a read that turns into a write under load fails at once, whatever the patience."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
