"""What a database session is about to change in the registry, in the ledger's words: action, subject, before, after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

_NOUNS = {
    "registered_models": "model",
    "model_versions": "version",
    "registered_model_aliases": "alias",
    "registered_model_tags": "model tag",
    "model_version_tags": "version tag",
}
# Bookkeeping that says nothing, and relations that are rows of their own.
_PASSED_OVER = {"workspace", "last_updated_time", "creation_time", "name", "version", "storage_location"}


@dataclass(frozen=True)
class Change:
    """`subject` is `model`, or `model/version`; an alias is a matter of its model."""

    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    row: Any


def changes(session: Session, governed: tuple[type, ...]) -> Iterator[Change]:
    """Every governed row that is new, altered or deleted in this session, in that order."""
    for verb, rows in (("create", session.new), ("change", session.dirty), ("delete", session.deleted)):
        for row in rows:
            if isinstance(row, governed):
                change = _change(verb, row)
                if change.before != change.after:
                    yield change


def _change(verb: str, row: Any) -> Change:
    noun = _NOUNS[row.__tablename__]
    before = None if verb == "create" else _values(row, old=True)
    after = None if verb == "delete" else _values(row, old=False)
    if noun == "version" and after is not None and after.get("current_stage") == "Deleted_Internal":
        verb, after = "delete", None
    verb = "set" if noun in ("alias", "model tag", "version tag") and verb != "delete" else verb
    return Change(f"{verb} {noun}", _subject(noun, row), before, after, row)


def _subject(noun: str, row: Any) -> str:
    return f"{row.name}/{row.version}" if noun in ("version", "version tag") else str(row.name)


def _values(row: Any, *, old: bool) -> dict[str, Any]:
    state = sa.inspect(row)
    values = {}
    for column in state.mapper.column_attrs:
        if column.key in _PASSED_OVER and not (column.key == "version" and "alias" in row.__tablename__):
            continue
        history = state.attrs[column.key].history
        value = history.deleted[0] if old and history.deleted else getattr(row, column.key)
        if value not in (None, ""):
            values[column.key] = value
    return values
