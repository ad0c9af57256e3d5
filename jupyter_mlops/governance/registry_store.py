"""MLflow's own SQL registry, governed: each change passes policy and is entered in the ledger in the same transaction.

The seam is the session's flush: whatever client or method changed a row, it is seen here before it is written, so a change
and its entry are committed together or not at all, also when the process is killed between them.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from mlflow.store.model_registry.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore
from sqlalchemy.orm import Session

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.governance.acting import acting, current
from jupyter_mlops.governance.approvals import DECISION
from jupyter_mlops.governance.decisions import NotAllowed, carry_out, kinds, read_facts
from jupyter_mlops.governance.doors import OURS, watch
from jupyter_mlops.governance.policy import DECIDING
from jupyter_mlops.governance.recording import MARKS, Recorder, Refusal, begin, enter_refusals
from jupyter_mlops.ledger import checkpoint, due, subject
from jupyter_mlops.masking import mask_all

_log = logging.getLogger(__name__)


class _Governed:
    """What both of MLflow's stores get: a session that is watched, and decisions that are carried out."""

    def __init__(self, db_uri: str, read_db_uri: str | None = None) -> None:
        super().__init__(db_uri, read_db_uri=read_db_uri)  # type: ignore[call-arg]  # MLflow's store comes after this one
        self._plain_sessions: Any = vars(self)["ManagedSessionMaker"]
        self.ManagedSessionMaker = self._governed_session
        watch(db_uri)

    @contextmanager
    def _governed_session(self, read_only: bool = True) -> Iterator[Session]:
        refused: list[Refusal] = []
        decided = False
        try:
            with self._plain_sessions(read_only=read_only) as session:
                session.info[OURS] = "reads" if read_only else "writes"
                if not read_only:
                    begin(session)
                    sa.event.listen(session, "before_flush", Recorder(refused))
                yield session
                if not read_only:
                    session.flush()
                    decided = session.info.get(MARKS, False)
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
            about = subject(self._get_active_workspace(), name)  # type: ignore[attr-defined]
            asked = {"value": str(tag.value)[:1000]}
            self._enter_refusals([Refusal(kind, f"{about}/{version}", None, asked, current(), str(error))])
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
            session.info[MARKS] = True
        if denied:
            raise denied[0]

    def _enter_refusals(self, refused: list[Refusal]) -> None:
        """The refused transaction was rolled back, so its refusal is entered in one of its own."""
        with self._plain_sessions(read_only=False) as session:
            session.info[OURS] = True
            enter_refusals(session, refused)

    def _sign(self, decided: bool) -> None:
        """A checkpoint after each decision and each hundred entries. What is committed stays so if it cannot be signed."""
        try:
            if not decided:
                with self._plain_sessions() as session:
                    if not due(session.connection()):
                        return
            with self._plain_sessions(read_only=False) as session:
                begin(session)
                checkpoint(session.connection())
        except (OSError, MlopsError, MlflowException) as error:
            _log.warning("the ledger's checkpoint was not kept (%s); run `jupyter mlops ledger checkpoint`", error)


class _Stopped(MlflowException):  # type: ignore[misc]
    """MLflow's session makes an internal error of what it does not know, so a refusal leaves it as one of its own."""


class GovernedStore(_Governed, SqlAlchemyStore):  # type: ignore[misc]  # MLflow ships no types
    """A drop-in for MLflow's SQL registry store."""


class GovernedWorkspaceStore(_Governed, WorkspaceAwareSqlAlchemyStore):  # type: ignore[misc]
    """The same for a server that keeps workspaces apart."""
