"""Every other door to the registry's tables in this process: MLflow deletes a workspace, models and all, past its registry.

Sessions of any store on a governed database are watched: what they write to the registry is judged and entered as ours is.
A statement that changes many rows at once is done row by row, since only so each has its entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import ORMExecuteState, Session

# A session of the governed store itself, which brings its own recorder if it `writes`.
OURS = "mlops_ours"
_REFUSED = "mlops_refused"
_places: set[sa.URL] = set()


def watch(database: str) -> None:
    """From now on, whatever this process writes to the registry of this database is governed."""
    if not _places:
        sa.event.listen(Session, "before_flush", _flushing)
        sa.event.listen(Session, "do_orm_execute", _executing)
        sa.event.listen(Session, "after_rollback", _rolled_back)
    _places.add(sa.make_url(database.removeprefix("mlops+")))


def _foreign(session: Session) -> bool:
    if OURS in session.info:
        return False
    bind = session.bind
    return bind is not None and bind.engine.url in _places


def _flushing(session: Session, context: Any, instances: Any) -> None:
    if not _foreign(session):
        return
    from jupyter_mlops.governance.recording import GOVERNED, Recorder

    if any(isinstance(row, GOVERNED) for row in (*session.new, *session.dirty, *session.deleted)):
        Recorder(session.info.setdefault(_REFUSED, []))(session, context, instances)


def _executing(state: ORMExecuteState) -> None:
    session = state.session
    if not (state.is_update or state.is_delete) or not (_foreign(session) or session.info.get(OURS) == "writes"):
        return
    from jupyter_mlops.governance.recording import GOVERNED

    kind: Any = state.bind_mapper.class_ if state.bind_mapper else None
    if kind in GOVERNED:
        statement: Any = state.statement
        _row_by_row(session, kind, statement, session.delete if state.is_delete else _setting(statement))


def _row_by_row(session: Session, kind: Any, statement: Any, change: Callable[[Any], None]) -> None:
    """Make the change of a statement to each of its rows; the statement itself then finds nothing left to do."""
    for row in session.scalars(sa.select(kind).where(*statement._where_criteria)).all():
        change(row)
    session.flush()


def _setting(statement: Any) -> Callable[[Any], None]:
    values = {column.key: value.value for column, value in statement._values.items()}

    def change(row: Any) -> None:
        for name, value in values.items():
            setattr(row, name, value)

    return change


def _rolled_back(session: Session) -> None:
    refused = session.info.pop(_REFUSED, [])
    if refused and session.bind is not None:
        from jupyter_mlops.governance.recording import enter_refusals

        with Session(session.bind.engine, info={OURS: True}) as own:
            enter_refusals(own, refused)
            own.commit()
