"""The chain: each entry's hash covers all of it and the hash of the entry before (SHA-256 over RFC 8785 canonical JSON).

Beside the chain grows RFC 6962's tree over the same bytes. It proves that something was changed; it does not prevent it. A
cut tail and a history that somebody with the database rebuilt are found by the checkpoints that were kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import rfc8785
import sqlalchemy as sa

from jupyter_mlops.errors import BadInput
from jupyter_mlops.ledger import nodes, tables
from jupyter_mlops.masking import mask, mask_all
from jupyter_mlops.records import LedgerEntry

GENESIS = "0" * 64
# Entered under a model's new name when it is renamed; `before` has the old one.
TOOK_NAME = "took name"
table = tables.ledger


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

    Secrets in `before`, `after` and `reason` are masked: what is entered can never be taken out again.

    Raises BadInput when a value has no canonical JSON form (NaN, infinity, a lone surrogate, an integer beyond 2^53).
    """
    tables.take_turn(connection)
    tables.ensure(connection)
    newest = sa.select(table.c.seq, table.c.hash, table.c.body).order_by(table.c.seq.desc()).limit(1)
    last = connection.execute(newest).first()
    told = {"before": mask_all(before), "after": mask_all(after), "reason": mask(reason)}
    fields: dict[str, Any] = {"actor": actor, "action": action, "subject": subject, **told}
    fields["at"] = (at or datetime.now(UTC)).astimezone(UTC).isoformat()
    fields["seq"], fields["prev_hash"] = (last.seq + 1, last.hash) if last else (1, GENESIS)
    body = canonical(fields)
    entry = LedgerEntry(hash=hashlib.sha256(body).hexdigest(), **fields)
    row = {"seq": entry.seq, "prev_hash": entry.prev_hash, "hash": entry.hash, "subject": subject}
    connection.execute(table.insert().values(row | {"body": body.decode()}))
    nodes.grow(connection, entry.seq - 1, body, last.body.encode() if last else b"")
    return entry


def entries(
    connection: sa.Connection, subject: str | None = None, limit: int = 100, *, action: str | None = None
) -> list[LedgerEntry]:
    """The newest entries first; of one subject (a model's name, or `name/version`) or one action if named."""
    found = []
    for entry in _newest_first(connection, subject):
        if action is None or entry.action == action:
            found.append(entry)
        if len(found) == limit:
            break
    return found


def history(
    connection: sa.Connection,
    subject: str | None = None,
    *,
    until: datetime | None = None,
    below: int | None = None,
) -> list[LedgerEntry]:
    """Every entry about a subject (or all of them), the oldest first, up to and including a moment, before an entry."""
    found = [e for e in _newest_first(connection, subject, below) if until is None or e.at <= until]
    return found[::-1]


def lineage(
    connection: sa.Connection, model: str, *, until: datetime | None = None, below: int | None = None
) -> list[LedgerEntry]:
    """A model's history under every name it had, the oldest first; entries under an earlier name are given the present one.

    Without it a rename would make a model forget who trained it, and what was said of it. What came before a rename goes by
    the entries' numbers, since a clock may be set back.
    """
    past = history(connection, model, until=until, below=below)
    took = max((i for i, e in enumerate(past) if (e.action, e.subject) == (TOOK_NAME, model)), default=None)
    if took is None:
        return past
    entry = past[took]
    old = str(entry.before["name"])
    before = lineage(connection, old, until=until, below=entry.seq)
    renamed = [e.model_copy(update={"subject": model + e.subject.removeprefix(old)}) for e in before]
    return [*renamed, *past[took:]]


def entry_body(connection: sa.Connection, seq: int) -> bytes | None:
    """An entry's bytes as they were hashed, or None."""
    if not tables.exists(connection):
        return None
    body = connection.scalar(sa.select(table.c.body).where(table.c.seq == seq))
    return body.encode() if body is not None else None


def canonical(fields: dict[str, Any]) -> bytes:
    """The one byte form of a value (RFC 8785); BadInput when it has none."""
    try:
        return rfc8785.dumps(fields)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise BadInput(f"this cannot be entered in the ledger: {error}", "use finite numbers and plain text") from error


def _newest_first(connection: sa.Connection, subject: str | None, below: int | None = None) -> Iterator[LedgerEntry]:
    if not tables.exists(connection):
        return
    query = sa.select(table.c.body, table.c.hash).order_by(table.c.seq.desc())
    if below is not None:
        query = query.where(table.c.seq < below)
    if subject is not None:
        # Two bounds find `subject/…` on the index, which LIKE does not; `0` is the character after `/`.
        parts = sa.and_(table.c.subject >= f"{subject}/", table.c.subject < f"{subject}0")
        query = query.where(sa.or_(table.c.subject == subject, parts))
    for row in connection.execute(query):
        if subject is None or _about(json.loads(row.body), subject):
            yield LedgerEntry(hash=row.hash, **json.loads(row.body))


def _about(body: dict[str, Any], subject: str) -> bool:
    """A database's collation may order other names between the bounds."""
    named = str(body["subject"])
    return named == subject or named.startswith(f"{subject}/")
