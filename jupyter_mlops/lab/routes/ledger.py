"""Who did what and why."""

from __future__ import annotations

from jupyter_mlops.lab.route import Route, Words
from jupyter_mlops.lab.workspace import Workspace
from jupyter_mlops.records import LedgerEntry, Verification


def _ledger(w: Workspace, words: Words) -> list[LedgerEntry]:
    from jupyter_mlops.ledger import entries

    with w.base.read() as connection:
        return entries(connection, limit=words.get("limit", 50))


def _verify(w: Workspace, _words: Words) -> Verification:
    from jupyter_mlops.ledger import verify

    with w.base.read() as connection:
        return verify(connection)


ROUTES = [
    Route("GET", "ledger", "the newest decisions and events", list[LedgerEntry], _ledger, {"limit": "integer?"}),
    Route("GET", "ledger/verify", "whether the ledger holds", Verification, _verify, slow=True),
]
