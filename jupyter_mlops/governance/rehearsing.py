"""Questions to policy that change nothing: how a version stands now, and what another policy would have said of the past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from jupyter_mlops.governance.acting import Act
from jupyter_mlops.governance.approvals import GLASS, Past, standing_of, unreviewed
from jupyter_mlops.governance.judging import Move, applying, freezes, judge
from jupyter_mlops.governance.policies import Policy, in_force
from jupyter_mlops.governance.trainers import who_trained
from jupyter_mlops.ledger import history, lineage
from jupyter_mlops.records import LedgerEntry

_MOVES = ("set alias", "set alias refused", "approval requested")


def standings(
    connection: sa.Connection,
    model: str,
    version: int,
    now: datetime | None = None,
    authors: Sequence[str] = (),
    declared: Sequence[Policy] = (),
) -> dict[str, Any]:
    """How a version stands with each policy that asks for approvals, and what else is said about it.

    `declared` are policies that the next decision puts in force: what they will ask is told, that they are not yet too.
    """
    past, policies = Past(model, lineage(connection, model), authors), in_force(connection)
    known = {policy.policy for policy in policies}
    asking = [*policies, *(policy for policy in declared if policy.policy not in known)]
    at = now or datetime.now(UTC)
    found = [
        _stands(past, version, policy, at, held=policy.policy in known)
        for policy in applying(asking, past)
        if policy.approvals
    ]
    seen = past.of_version(version)
    return {
        "model": model,
        "version": version,
        "state": _worst([policy["state"] for policy in found]),
        "policies": found,
        "frozen": [
            {
                "policy": policy.policy,
                "aliases": list(policy.protect),
                "until": freeze.end.isoformat(),
                "why": freeze.why,
            }
            for policy, freeze in freezes(applying(policies, past), past, at)
        ],
        "comments": [
            {"by": e.actor, "at": e.at.isoformat(), "text": e.reason, "mentions": e.after["mentions"]}
            for e in seen
            if e.action == "commented"
        ],
        "unreviewed": [
            {"entry": e.seq, "by": e.actor, "reason": e.reason, "why_now": e.after["why_now"]}
            for e in unreviewed(past)
            if e.after["version"] == version
        ],
    }


def _stands(past: Past, version: int, policy: Policy, now: datetime, *, held: bool) -> dict[str, Any]:
    standing = standing_of(past, version, policy, now)
    votes = [{**vars(v), "at": v.at.isoformat(), "roles": list(v.roles)} for v in standing.votes]
    state = standing.state if held else "declared"
    return {
        "policy": policy.policy,
        "digest": policy.digest,
        "state": state,
        "votes": votes,
        "missing": standing.missing,
    }


def _worst(states: Sequence[str]) -> str:
    order = ("rejected", "stale", "expired", "withdrawn", "pending", "not asked", "declared", "approved")
    return next((s for s in order if s in states), "not needed")


def rehearse(connection: sa.Connection, policy: Policy) -> list[dict[str, Any]]:
    """Each past try to move an alias that this policy protects, what happened then, and what this policy would have said had it
    been in force all along.
    """
    entries = history(connection)
    answers = []
    for i, entry in enumerate(entries):
        move = _move(entry, entries[i - 1] if i else None)
        if move is None or move[1].alias not in policy.protect:
            continue
        model, asked = move
        # As it was called then, with what is known from when it had other names.
        known = lineage(connection, model, below=entry.seq)
        trained = who_trained(connection, Past(model, known).run(asked.version))
        past = Past(model, known, trained, rehearsal=True)
        if not applying([policy], past):
            continue
        why = judge([policy], past, asked).why
        was = entry.action == "set alias"
        answers.append(
            {
                "entry": entry.seq,
                "at": entry.at.isoformat(),
                "model": model,
                "version": asked.version,
                "by": entry.actor,
                "was": "done" if was else "refused",
                "would": "refuse" if why else "allow",
                "differs": was == bool(why),
                "why": why,
            }
        )
    return answers


def _move(entry: LedgerEntry, before: LedgerEntry | None) -> tuple[str, Move] | None:
    if entry.action not in _MOVES or not entry.after:
        return None
    model, _, number = entry.subject.partition("/")
    alias = str(entry.after.get("alias") or entry.after.get("to") or "")
    # Whoever broke the glass did so in the entry just before, in the same transaction.
    glass = str(before.after["why_now"]) if before and before.action == GLASS and before.actor == entry.actor else ""
    reason = entry.reason if entry.action != "set alias refused" else "tried"
    act = Act(entry.actor, reason, source="os", glass=glass)
    return model, Move(alias, int(entry.after.get("version") or number or 0), act, entry.at)
