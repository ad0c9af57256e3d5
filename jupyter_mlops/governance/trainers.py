"""Who trained a version, where runs are kept in the registry's database: a name the run says itself, so it only ever excludes."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from jupyter_mlops.governance.changes import Change

_tags = sa.table("tags", sa.column("run_uuid"), sa.column("key"), sa.column("value"))


def who_trained(connection: sa.Connection, run_id: str | None) -> tuple[str, ...]:
    """Whom the run names as its user; nobody where there is no run, or runs are kept elsewhere."""
    if not run_id or not sa.inspect(connection).has_table(_tags.name):
        return ()
    told = sa.select(_tags.c.value).where(_tags.c.run_uuid == run_id, _tags.c.key == "mlflow.user")
    return tuple(connection.execute(told).scalars())


def trainers(session: Session, change: Change) -> tuple[str, ...]:
    """Who trained the version that a change is about."""
    from mlflow.store.model_registry.dbmodels.models import SqlModelVersion as Version

    number = (change.after or change.before or {}).get("version", getattr(change.row, "version", None))
    if number is None:
        return ()
    with session.no_autoflush:
        query = session.query(Version.run_id).filter(
            Version.workspace == change.row.workspace, Version.name == change.row.name, Version.version == int(number)
        )
        return who_trained(session.connection(), query.scalar())
