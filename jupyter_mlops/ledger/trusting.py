"""Whether files that run code when they are read were signed by somebody whom the policy now in force trusts."""

from __future__ import annotations

import sqlalchemy as sa

from jupyter_mlops.ledger.chain import history, lineage

FILES_SIGNED = "files signed"


def allowed_files(connection: sa.Connection, model: str, version: int, digest: str) -> list[str]:
    """The kinds of files that may be loaded for this version with this digest. What policy says anew must be signed anew."""
    found: list[str] = []
    for entry in lineage(connection, model):
        if entry.subject != f"{model}/{version}":
            continue
        if entry.action == "create version":
            found = []
        elif entry.action == FILES_SIGNED:
            facts = entry.after
            stands = facts["digest"] == digest and all(
                _in_force(connection, name) == known for name, known in facts["policies"].items()
            )
            found = list(facts["allow"]) if stands else []
    return found


def _in_force(connection: sa.Connection, policy: str) -> str:
    entries = history(connection, f":policies/{policy}")
    return str(entries[-1].after.get("digest", "")) if entries else ""
