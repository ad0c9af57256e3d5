"""Which versions wait for people: asked for in the ledger, not yet approved, and still the newest question about their model."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.flows.approving import approvals
from jupyter_mlops.ledger import entries
from jupyter_mlops.store import Store, database

_MOST = 20
_LOOKED = 2000  # newest entries; what was asked before them is not news
_WAITING = ("pending", "stale", "expired", "withdrawn")


def waiting_approvals(store: Store) -> list[dict[str, Any]]:
    """How each of them stands, the newest question first; at most twenty."""
    if not store.project.tracking.startswith("sqlite:///"):
        return []
    with database(store.project).read() as connection:
        asked = [e for e in entries(connection, limit=_LOOKED) if e.action == "approval requested"]
    subjects = dict.fromkeys(entry.subject for entry in asked)
    newest: dict[str, int] = {}
    for subject in subjects:
        name, _, number = subject.rpartition("/")
        if number.isdigit():
            newest.setdefault(name, int(number))
    found = [approvals(store, name, number) for name, number in list(newest.items())[:_MOST]]
    return [standing for standing in found if standing["state"] in _WAITING]
