"""What the registry should hold, replayed from the ledger; and what it holds now that no entry explains.

The registry's rows are read as rows, not through MLflow: what somebody wrote past every client is what is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from jupyter_mlops.ledger.chain import history, lineage
from jupyter_mlops.masking import mask_value
from jupyter_mlops.records import LedgerEntry

DEFAULT_WORKSPACE = "default"
# What each kind of row is called in an action, where it is stored, and which column tells it from its fellows.
KINDS = {
    "model": ("registered_models", ""),
    "version": ("model_versions", ""),
    "alias": ("registered_model_aliases", "alias"),
    "model tag": ("registered_model_tags", "key"),
    "version tag": ("model_version_tags", "key"),
}
RENAMED = "rename model"
_VERBS = ("create", "change", "set", "delete", "adopt")
# MLflow's own values for what nobody set, and its bookkeeping.
_UNSET = {"current_stage": "None", "status": "READY"}
_PASSED_OVER = {"workspace", "name", "last_updated_time", "creation_time"}
_DELETED = "Deleted_Internal"

Key = tuple[str, str, str]


def subject(workspace: str | None, name: str, version: int | None = None) -> str:
    """How the ledger names a model or a version; a workspace other than the default one stands before a colon."""
    where = "" if workspace in (None, "", DEFAULT_WORKSPACE) else f"{workspace}:"
    return f"{where}{name}" + ("" if version is None else f"/{version}")


@lru_cache(256)
def concerns(action: str) -> bool:
    """Whether an entry of this action is about the registry's rows."""
    verb, _, kind = action.partition(" ")
    return action == RENAMED or (kind in KINDS and verb in _VERBS)


def placed(about: str) -> tuple[str, str]:
    """The workspace and name of a model, from how the ledger names it. MLflow refuses a colon in a model's name."""
    where, colon, name = about.rpartition(":")
    return (where if colon else DEFAULT_WORKSPACE), name


class Registry:
    """The registry's state after a number of entries. `values` maps (kind, subject, name) to what was written, and where."""

    def __init__(self) -> None:
        self.values: dict[Key, tuple[dict[str, Any], int]] = {}

    def apply(self, seq: int, action: str, about: str, before: Any, after: Any) -> None:
        """Take one entry in; entries that are not about the registry change nothing."""
        verb, _, kind = action.partition(" ")
        if not concerns(action):
            return
        if action == RENAMED:
            self._rename(about, after["name"])
        elif verb == "delete":
            self._drop(kind, about, before or {})
        else:
            self.values[kind, about, self._name(kind, after)] = (after, seq)

    def _drop(self, kind: str, about: str, before: dict[str, Any]) -> None:
        self.values.pop((kind, about, self._name(kind, before)), None)
        if kind in ("model", "version"):
            below = [k for k in self.values if k[1] == about or k[1].startswith(f"{about}/")]
            for key in below if kind == "model" else [k for k in below if k[0] == "version tag"]:
                del self.values[key]

    def _rename(self, old: str, new: str) -> None:
        for key in [k for k in self.values if k[1] == old or k[1].startswith(f"{old}/")]:
            self.values[key[0], new + key[1].removeprefix(old), key[2]] = self.values.pop(key)

    @staticmethod
    def _name(kind: str, values: dict[str, Any]) -> str:
        column = KINDS[kind][1]
        return str(values.get(column, "")) if column else ""


def unexplained(connection: sa.Connection, said: Registry) -> list[str]:
    """Each row of the registry that is not what the ledger says, in a sentence; nothing where there is no registry."""
    if not sa.inspect(connection).has_table("registered_models"):
        return []
    found = dict(_present(connection))
    sentences = []
    for key in sorted(found.keys() | said.values.keys()):
        entered, seq = said.values.get(key, (None, 0))
        sentences += _difference(key, found.get(key), entered, seq)
    return sentences


def strangers(connection: sa.Connection) -> list[tuple[Key, dict[str, Any] | None, dict[str, Any] | None]]:
    """(what, as it is, as it was entered) of each row of the registry that is not what the ledger says; models come first."""
    if not sa.inspect(connection).has_table("registered_models"):
        return []
    found, said = dict(_present(connection)), replay(history(connection)).values
    order = list(KINDS)
    keys = sorted(found.keys() | said.keys(), key=lambda key: (order.index(key[0]), key))
    rows = [(key, found.get(key), said[key][0] if key in said else None) for key in keys]
    return [(key, is_, was) for key, is_, was in rows if _difference(key, is_, was, 0)]


def _difference(key: Key, present: dict[str, Any] | None, entered: dict[str, Any] | None, seq: int) -> list[str]:
    what = f"{key[0]} {key[2]} of {key[1]}" if key[2] else f"{key[0]} {key[1]}"
    if entered is None:
        return [f"{what} is in the registry, and no ledger entry says who put it there"]
    if present is None:
        return [f"{what} was entered by ledger entry {seq} and is gone from the registry"]
    names = sorted((present.keys() | entered.keys()) - ({"storage_location"} - entered.keys()))
    wrong = [n for n in names if not _same(n, present, entered)]
    return [f"{what}: {n} is {present.get(n)!r}, ledger entry {seq} says {entered.get(n)!r}" for n in wrong]


def _same(name: str, present: dict[str, Any], entered: dict[str, Any]) -> bool:
    """A secret in a row that was adopted stands masked in the ledger."""
    now, then = _plain(name, present.get(name)), _plain(name, entered.get(name))
    return bool(now == then or (isinstance(now, str) and mask_value(str(present.get("key", "")), now) == then))


def _plain(name: str, value: Any) -> Any:
    return None if value == "" or value == _UNSET.get(name) else value


def _present(connection: sa.Connection) -> Iterator[tuple[Key, dict[str, Any]]]:
    metadata, gone = sa.MetaData(), set()
    for kind, (name, column) in KINDS.items():
        table = sa.Table(name, metadata, autoload_with=connection)
        for row in connection.execute(sa.select(table)).mappings():
            number = row["version"] if kind in ("version", "version tag") else None
            about = subject(row.get("workspace"), row["name"], number)
            if kind == "version" and row["current_stage"] == _DELETED:
                gone.add(about)
            if about not in gone:
                passed = _PASSED_OVER | ({"version"} if number is not None else set())
                values = {k: v for k, v in row.items() if k not in passed and v not in (None, "")}
                yield (kind, about, str(row[column]) if column else ""), values


def replay(entries: Iterable[LedgerEntry]) -> Registry:
    """The registry after these entries, the oldest first."""
    state = Registry()
    for entry in entries:
        state.apply(entry.seq, entry.action, entry.subject, entry.before, entry.after)
    return state


def as_of(connection: sa.Connection, at: datetime, model: str) -> dict[str, Any]:
    """Which version each alias of a model pointed to at a moment, who had put it there, when, why and on which evidence."""
    past = lineage(connection, model, until=at)
    state = replay(past)
    by_seq = {entry.seq: entry for entry in past}
    aliases = {}
    for (kind, about, name), (values, seq) in sorted(state.values.items()):
        if kind == "alias" and about == model:
            aliases[name] = _placed(by_seq[seq], int(values["version"]), past, state)
    return {"model": model, "at": at.isoformat(), "aliases": aliases, "entries": len(past)}


def _placed(move: LedgerEntry, version: int, past: list[LedgerEntry], state: Registry) -> dict[str, Any]:
    about = f"{move.subject}/{version}"

    def tag(name: str) -> str:
        # The value as it stood when the alias was moved: evidence found later was not what was decided on.
        seen = [e for e in past if e.subject == about and e.seq < move.seq and (e.after or {}).get("key") == name]
        return str(seen[-1].after.get("value", "")) if seen else ""

    approvals = [
        {"by": e.actor, "at": e.at.isoformat(), "reason": e.reason, "entry": e.seq, **(e.after or {})}
        for e in _standing_words([e for e in past if e.subject == about and e.seq < move.seq])
        if e.action == "approved" and (e.after or {}).get("evidence", "") == tag("mlops.evidence")
    ]
    # Breaking the glass is entered in the same transaction, just before the move.
    glass = [e for e in past if e.subject == about and e.action == "break glass" and e.seq == move.seq - 1]
    return {
        "version": version,
        "since": move.at.isoformat(),
        "by": move.actor,
        "reason": move.reason,
        "entry": move.seq,
        "evidence": tag("mlops.evidence"),
        "verdict": tag("mlops.verdict"),
        "digest": tag("mlops.digest"),
        "approvals": approvals,
        "broken_glass": glass[-1].after["why_now"] if glass else "",
        "in_registry": ("version", about, "") in state.values,
    }


def _standing_words(entries: list[LedgerEntry]) -> list[LedgerEntry]:
    """Each person's last word on a version, if it was not taken back: what counted is what is told."""
    words: dict[str, LedgerEntry] = {}
    for entry in entries:
        if entry.action in ("approved", "rejected"):
            words[entry.actor] = entry
        elif entry.action == "approval withdrawn":
            words.pop(entry.actor, None)
        elif entry.action == "create version":
            words.clear()
    return list(words.values())
