"""What a database session is about to change in the registry, in the ledger's words: action, subject, before, after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from jupyter_mlops.ledger import subject

_NOUNS = {
    "registered_models": "model",
    "model_versions": "version",
    "registered_model_aliases": "alias",
    "registered_model_tags": "model tag",
    "model_version_tags": "version tag",
}
# Bookkeeping that says nothing, and what the subject says.
_PASSED_OVER = {"workspace", "last_updated_time", "creation_time", "name", "version"}


@dataclass(frozen=True)
class Change:
    """`subject` is `model`, or `model/version`; an alias is a matter of its model."""

    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    row: Any

    @property
    def model(self) -> str:
        return self.subject.partition("/")[0]


def changes(session: Session, governed: tuple[type, ...]) -> Iterator[Change]:
    """Every governed row that is new, altered or deleted in this session, in that order."""
    for verb, rows in (("create", session.new), ("change", session.dirty), ("delete", session.deleted)):
        for row in rows:
            if isinstance(row, governed):
                yield from _changes(verb, row)


def _changes(verb: str, row: Any) -> Iterator[Change]:
    noun = _NOUNS[row.__tablename__]
    old = (_old(row, "workspace"), _old(row, "name"))
    if verb == "change" and old != (row.workspace, row.name):
        # Versions, aliases and tags follow their model by the database's own cascade.
        if noun == "model":
            before, after = subject(*old), subject(row.workspace, row.name)
            yield Change("rename model", before, {"name": before}, {"name": after}, row)
        return
    change = _change(verb, noun, row)
    if change.before != change.after:
        yield change


def _change(verb: str, noun: str, row: Any) -> Change:
    before = None if verb == "create" else _values(row, old=True)
    after = None if verb == "delete" else _values(row, old=False)
    if noun == "version" and after is not None and after.get("current_stage") == "Deleted_Internal":
        verb, after = "delete", None
    verb = "set" if noun in ("alias", "model tag", "version tag") and verb != "delete" else verb
    number = row.version if noun in ("version", "version tag") else None
    return Change(f"{verb} {noun}", subject(row.workspace, row.name, number), before, after, row)


def _values(row: Any, *, old: bool) -> dict[str, Any]:
    values = {}
    for column in sa.inspect(row).mapper.column_attrs:
        if column.key in _PASSED_OVER and not (column.key == "version" and "alias" in row.__tablename__):
            continue
        value = _old(row, column.key) if old else getattr(row, column.key)
        if value not in (None, ""):
            values[column.key] = value
    return values


def _old(row: Any, key: str) -> Any:
    history = sa.inspect(row).attrs[key].history
    return history.deleted[0] if history.deleted else getattr(row, key)
