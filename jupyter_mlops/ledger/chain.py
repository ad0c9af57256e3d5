"""The chain: each entry's hash covers all of it and the hash of the entry before (SHA-256 over RFC 8785 canonical JSON).

It proves that something was changed; it does not prevent it, and a chain whose tail was cut, or that somebody with the
database rebuilt, still verifies. What is printed of its head on reports is the witness against that.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import rfc8785
import sqlalchemy as sa

from jupyter_mlops.errors import BadInput
from jupyter_mlops.records import LedgerEntry, Verification

GENESIS = "0" * 64
# An arbitrary constant: all writers of one PostgreSQL database wait for the same advisory lock.
_ADVISORY_LOCK = 0x6D6C6F7073

_metadata = sa.MetaData()
table = sa.Table(
    "mlops_ledger",
    _metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("prev_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("subject", sa.String(512), nullable=False, index=True),
)
# They stop accidents and honest tools, not an administrator; verify is for those.
for _act in ("UPDATE", "DELETE"):
    sa.event.listen(
        table,
        "after_create",
        sa.DDL(  # type: ignore[no-untyped-call]
            f"CREATE TRIGGER IF NOT EXISTS mlops_ledger_no_{_act.lower()} BEFORE {_act} ON mlops_ledger "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        ).execute_if(dialect="sqlite"),
    )


def append(
    connection: sa.Connection,
    *,
    actor: str,
    action: str,
    subject: str,
    before: Any = None,
    after: Any = None,
    reason: str = "",
    at: datetime | None = None,
) -> LedgerEntry:
    """Enter one act in the caller's transaction, which must be a writing one (BEGIN IMMEDIATE on SQLite).

    Raises BadInput when a value has no canonical JSON form (NaN, infinity, a lone surrogate, an integer beyond 2^53).
    """
    _metadata.create_all(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    last = connection.execute(sa.select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)).first()
    fields = {"actor": actor, "action": action, "subject": subject, "before": before, "after": after, "reason": reason}
    fields["at"] = (at or datetime.now(UTC)).astimezone(UTC).isoformat()
    fields["seq"], fields["prev_hash"] = (last.seq + 1, last.hash) if last else (1, GENESIS)
    body = _canonical(fields)
    entry = LedgerEntry(hash=hashlib.sha256(body).hexdigest(), **fields)
    row = {"seq": entry.seq, "prev_hash": entry.prev_hash, "hash": entry.hash, "subject": subject}
    connection.execute(table.insert().values(row | {"body": body.decode()}))
    return entry


def entries(
    connection: sa.Connection, subject: str | None = None, limit: int = 100, *, action: str | None = None
) -> list[LedgerEntry]:
    """The newest entries first; of one subject (a model's name, or `name/version`) or one action if named."""
    if not _exists(connection):
        return []
    query = sa.select(table.c.body, table.c.hash).order_by(table.c.seq.desc())
    if subject is not None:
        query = query.where(
            sa.or_(table.c.subject == subject, table.c.subject.like(f"{_literal(subject)}/%", escape="\\"))
        )
    found = []
    for row in connection.execute(query):
        entry = LedgerEntry(hash=row.hash, **_read(row.body))
        if action is None or entry.action == action:
            found.append(entry)
        if len(found) == limit:
            break
    return found


def verify(connection: sa.Connection) -> Verification:
    """Recompute the whole chain. Names the first entry that was changed, removed, inserted or put elsewhere."""
    expected, head, count = 1, GENESIS, 0
    if _exists(connection):
        for row in connection.execute(sa.select(table).order_by(table.c.seq)):
            problem = _fault(row, expected, head)
            if problem:
                return Verification(ok=False, entries=count, head=head, first_bad=expected, problem=problem)
            expected, head, count = expected + 1, row.hash, count + 1
    return Verification(ok=True, entries=count, head=head)


def _fault(row: Any, expected: int, head: str) -> str:
    """Why this row cannot follow the head, or nothing."""
    if row.seq != expected:
        return f"entry {expected} is missing"
    if row.prev_hash != head:
        return f"entry {expected} does not follow the entry before it"
    if hashlib.sha256(row.body.encode()).hexdigest() != row.hash:
        return f"entry {expected} was changed after it was written"
    try:
        body = _read(row.body)
    except ValueError:
        return f"entry {expected} is not readable"
    if (body.get("seq"), body.get("prev_hash"), body.get("subject")) != (row.seq, row.prev_hash, row.subject):
        return f"entry {expected} was written for another place"
    return ""


def _exists(connection: sa.Connection) -> bool:
    return bool(sa.inspect(connection).has_table(table.name))


def _canonical(fields: dict[str, Any]) -> bytes:
    try:
        return rfc8785.dumps(fields)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise BadInput(f"this cannot be entered in the ledger: {error}", "use finite numbers and plain text") from error


def _read(body: str) -> dict[str, Any]:
    import json

    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _literal(text: str) -> str:
    """`%` and `_` as themselves in a LIKE pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
