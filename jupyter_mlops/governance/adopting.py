"""A registry that was not governed before is taken in as it is found: each row becomes an entry, with who took it in and why.

What is adopted is explained, not approved: an adopted verdict or approval counts for nothing, and policy holds from then on.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from jupyter_mlops.errors import BadInput, Refused
from jupyter_mlops.governance.acting import ANONYMOUS, Act
from jupyter_mlops.governance.policies import in_force
from jupyter_mlops.ledger import append, strangers
from jupyter_mlops.records import LedgerEntry


def adopt(connection: sa.Connection, act: Act, *, changed: bool = False) -> tuple[list[LedgerEntry], list[str]]:
    """The entries made, and what was left: rows of models that the ledger knows, which somebody changed behind its back.

    With `changed` those are taken in too. Where a policy with owners is in force, that is for its owners alone.
    """
    if not act.reason.strip():
        raise BadInput("a registry is adopted only with a reason", "say why with --reason TEXT", field="reason")
    if act.source == ANONYMOUS:
        raise Refused("nobody is named who could adopt it", "run it as a user that is known")
    rows = strangers(connection)
    new = {about for (kind, about, _), _, was in rows if kind == "model" and was is None}
    mine = [row for row in rows if changed or row[0][1].partition("/")[0] in new]
    if changed:
        _only_owners(connection, act)
    made = [_take_in(connection, act, *row) for row in mine]
    left = [row[0] for row in rows if row not in mine]
    return made, [f"{kind} {name} of {about}" if name else f"{kind} {about}" for kind, about, name in left]


def _take_in(
    connection: sa.Connection,
    act: Act,
    key: tuple[str, str, str],
    present: dict[str, Any] | None,
    entered: dict[str, Any] | None,
) -> LedgerEntry:
    kind, about, _ = key
    verb = "adopt" if present is not None else "delete"
    return append(
        connection,
        actor=act.actor,
        action=f"{verb} {kind}",
        subject=about,
        before=entered,
        after=present,
        reason=act.reason,
    )


def _only_owners(connection: sa.Connection, act: Act) -> None:
    for policy in in_force(connection):
        if policy.owners and not policy.who.has_any(act.actor, policy.owners):
            raise Refused(
                f"what was changed behind the registry is taken in by {', '.join(policy.owners)} of policy "
                f"{policy.policy} only, and {act.actor} is none of them",
                "ask one of: " + ", ".join(policy.who.members(policy.owners)),
                code="not-the-owner",
            )
