"""The ledger's tables, made with the first entry; triggers refuse what an honest tool would do by mistake.

They stop accidents, not an administrator: `verify` is for those.
"""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import LONGTEXT

# An arbitrary constant: all writers of one PostgreSQL database wait for the same advisory lock.
_ADVISORY_LOCK = 0x6D6C6F7073

metadata = sa.MetaData()
_LONG = sa.Text().with_variant(LONGTEXT(), "mysql")  # its TEXT ends at 64 KiB

ledger = sa.Table(
    "mlops_ledger",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("prev_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("body", _LONG, nullable=False),
    sa.Column("subject", sa.String(512), nullable=False, index=True),
    # A database's own character set may lack what people write, and its collation may hold two names for one.
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
)

# Complete subtrees above the leaves; a leaf's hash is computed from its entry. `idx` counts nodes of one level from 0.
nodes = sa.Table(
    "mlops_ledger_nodes",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("idx", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

checkpoints = sa.Table(
    "mlops_ledger_checkpoints",
    metadata,
    sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
)

facts = sa.Table(
    "mlops_ledger_facts",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.String(128), nullable=False),
)

_SQLITE = (
    "CREATE TRIGGER IF NOT EXISTS {name} BEFORE {act} ON mlops_ledger "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
)
_POSTGRES = (
    "CREATE OR REPLACE FUNCTION mlops_ledger_refuse() RETURNS trigger AS $$ "
    "BEGIN RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$ "
    "LANGUAGE plpgsql",
    "CREATE OR REPLACE TRIGGER mlops_ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON mlops_ledger "
    "EXECUTE FUNCTION mlops_ledger_refuse()",
)
_MYSQL = (
    "CREATE TRIGGER {name} BEFORE {act} ON mlops_ledger FOR EACH ROW "
    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the ledger is append-only'"
)


def exists(connection: sa.Connection) -> bool:
    return bool(sa.inspect(connection).has_table(ledger.name))


def take_turn(connection: sa.Connection) -> None:
    """Wait until no other writer is in the middle of its transaction. SQLite's own BEGIN IMMEDIATE has done so already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    elif connection.dialect.name == "mysql":
        _take_turn_on_mysql(connection)


def _take_turn_on_mysql(connection: sa.Connection) -> None:
    """One row is every writer's lock. A locking read comes before the snapshot is taken, so what is read after it is newest.

    Tables are made on a connection of their own, since MySQL commits whatever is under way when one is made, and by one
    process at a time.
    """
    if not _seen(connection).get("mlops_ledger"):
        with connection.engine.begin() as apart:
            apart.execute(sa.text("SELECT GET_LOCK('mlops_ledger', 60)"))
            ensure(apart)
            apart.execute(sa.text("SELECT RELEASE_LOCK('mlops_ledger')"))
    connection.execute(sa.select(facts.c.value).where(facts.c.name == "id").with_for_update())


def ensure(connection: sa.Connection) -> None:
    """Make what is missing. That all is there is remembered for the engine, once it was seen committed."""
    known = _seen(connection)
    if known.get("mlops_ledger"):
        return
    inspector = sa.inspect(connection)
    missing = [t for t in metadata.sorted_tables if not inspector.has_table(t.name)]
    if not missing:
        known["mlops_ledger"] = True
        return
    metadata.create_all(connection, tables=missing)
    for statement in _triggers(connection.dialect.name) if ledger in missing else ():
        connection.exec_driver_sql(statement)
    if facts in missing:
        connection.execute(facts.insert().values(name="id", value=secrets.token_hex(16)))


def identity(connection: sa.Connection) -> str:
    """What this ledger calls itself in its checkpoints, drawn at random when it began; empty before that."""
    if not sa.inspect(connection).has_table(facts.name):
        return ""
    return connection.scalar(sa.select(facts.c.value).where(facts.c.name == "id")) or ""


def _seen(connection: sa.Connection) -> dict[str, Any]:
    """A place that lives as long as the connections to this database do."""
    found: dict[str, Any] = connection.engine.pool.__dict__.setdefault("_mlops_seen", {})
    return found


def _triggers(dialect: str) -> list[str]:
    if dialect == "postgresql":
        return list(_POSTGRES)
    form = _SQLITE if dialect == "sqlite" else _MYSQL
    return [form.format(name=f"mlops_ledger_no_{act.lower()}", act=act) for act in ("UPDATE", "DELETE")]
