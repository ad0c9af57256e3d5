"""Whether a protected alias may move: one pure function of a policy and of what the ledger knows.

The governed store asks it before the row is written, `policy test` asks it about every decision of the past.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from jupyter_mlops.governance.acting import ANONYMOUS, Act
from jupyter_mlops.governance.approvals import (
    DECISION,
    GLASS,
    REJECTED,
    VALIDATED,
    Past,
    Standing,
    standing_of,
    unreviewed,
)
from jupyter_mlops.governance.policies import Freeze, Policy
from jupyter_mlops.governance.wording import command
from jupyter_mlops.records import LedgerEntry


@dataclass(frozen=True)
class Move:
    """An alias of a model to a version, by somebody, at a moment."""

    alias: str
    version: int
    act: Act
    at: datetime


@dataclass(frozen=True)
class Answer:
    """`why` is empty when policy allows it. `waits` is true when nothing but approvals is wanting."""

    why: str = ""
    waits: bool = False


def protected(policies: Sequence[Policy]) -> frozenset[str]:
    return frozenset(alias for policy in policies for alias in policy.protect)


def applying(policies: Sequence[Policy], past: Past) -> list[Policy]:
    risk = past.risk()
    return [policy for policy in policies if policy.covers(past.model, risk)]


def judge(policies: Sequence[Policy], past: Past, move: Move) -> Answer:
    """The first objection of the policies that protect this alias of this model."""
    asked = [p for p in applying(policies, past) if move.alias in p.protect]
    if asked and move.act.source == ANONYMOUS:
        return Answer("nobody logged in, so nobody can be named for it; start the server with --app-name basic-auth")
    if move.act.glass:
        return Answer(_glass(asked, move))
    if asked and _back(past, move):
        return Answer(_frozen(asked, past, move))
    for policy in asked:
        why = _frozen([policy], past, move) or _open_review(policy, past, move) or _gates(policy, past, move)
        why = why or _evidence_by(policy, past, move)
        if why:
            return Answer(why)
    for policy in asked:
        if move.act.actor in policy.automatic:
            continue
        standing = standing_of(past, move.version, policy, move.at)
        if standing.state != "approved":
            return Answer(_wanting(policy, past, move, standing), waits=standing.state != "rejected")
    return Answer()


def freezes(policies: Sequence[Policy], past: Past, at: datetime) -> Iterator[tuple[Policy, Freeze]]:
    """The freezes that hold at this moment; a clock that was set back leads out of none."""
    moments = {at, max(at, past.latest() or at)}
    for policy in policies:
        for freeze in policy.freeze:
            if any(freeze.start <= moment <= freeze.end for moment in moments):
                yield policy, freeze


def _frozen(policies: Sequence[Policy], past: Past, move: Move) -> str:
    for policy, freeze in freezes(policies, past, move.at):
        why = f" ({freeze.why})" if freeze.why else ""
        return f"policy {policy.policy} freezes {move.alias} until {freeze.end:%Y-%m-%d %H:%M} UTC{why}"
    return ""


def _gates(policy: Policy, past: Past, move: Move) -> str:
    found = past.gates(move.version)
    for name in policy.looked_up:
        of_metric = [verdict for gate, verdict in found.items() if _names(name, gate)]
        if not of_metric or set(of_metric) != {"pass"}:
            said = "was not judged" if not of_metric else "did not pass"
            return (
                f"policy {policy.policy} asks for a gate on {name}, which {said}; declare it under `gates` in mlops.yaml, then "
                f"run {command('validate', past.model, move.version)}"
            )
    return _demands(policy, past, move)


def _demands(policy: Policy, past: Past, move: Move) -> str:
    """Gates stated in full count by their stamp, so that one of the same name with an easier limit is none of them."""
    found = past.demanded(move.version)
    for stamp, gate in policy.demands:
        failed = [name for name, verdict in found.get(stamp, {"": "not run"}).items() if verdict != "pass"]
        if failed:
            said = (
                f"{failed[0]}, which did not pass" if failed[0] else f"{gate.kind}, which was not judged as it is now"
            )
            return f"policy {policy.policy} asks for {said}; run {command('validate', past.model, move.version)}"
    return ""


def _names(asked: str, gate: str) -> bool:
    """`mae` is any gate on it; `fairness` is any gate that compares groups, whatever it measures."""
    return gate == asked or gate.startswith(f"{asked} ") or (asked == "fairness" and " by " in gate)


def _evidence_by(policy: Policy, past: Past, move: Move) -> str:
    if not policy.evidence_by:
        return ""
    judged = [e for e in past.of_version(move.version) if e.action == VALIDATED]
    if judged and policy.who.has_any(judged[-1].actor, policy.evidence_by):
        return ""
    by = judged[-1].actor if judged else "nobody"
    return f"policy {policy.policy} takes evidence from {', '.join(policy.evidence_by)} only; this was made by {by}"


def _open_review(policy: Policy, past: Past, move: Move) -> str:
    if policy.break_glass is None:
        return ""
    late = [e for e in unreviewed(past) if move.at - e.at > policy.break_glass.review_within]
    if not late:
        return ""
    return (
        f"the glass was broken by {late[0].actor} (entry {late[0].seq}) and nobody reviewed it in time; "
        f"somebody else runs {command('review', past.model, late[0].after['version'], reason=True)}"
    )


def _glass(policies: Sequence[Policy], move: Move) -> str:
    if not policies:
        return "there is no policy to break the glass of here; promote it"
    for policy in policies:
        rule = policy.break_glass
        if rule is None:
            return f"policy {policy.policy} has no glass to break; it needs its approvals"
        if not policy.who.has_any(move.act.actor, rule.roles):
            return f"only {', '.join(rule.roles)} may break the glass of policy {policy.policy}, and {move.act.actor} is none"
    if not move.act.reason.strip() or move.act.glass.strip() == move.act.reason.strip():
        return "breaking the glass needs two reasons: why this version, and why it cannot wait for approval"
    return ""


def _back(past: Past, move: Move) -> bool:
    """Whether this goes back to a version that held the alias by a decision that was allowed, and has not changed since."""
    seen = past.of_version(move.version)
    if not move.act.reason or any(e.action in (GLASS, REJECTED) for e in seen):
        return False
    changed = max((e.seq for e in seen if _material(e)), default=0)
    return any(
        e.seq > changed
        and (e.subject, e.action) == (past.model, "set alias")
        and (e.after["alias"], int(e.after["version"])) == (move.alias, move.version)
        for e in past.entries
    )


def _material(entry: LedgerEntry) -> bool:
    """Whether an entry made the version, or what is known of it, another one."""
    if entry.action in ("create version", "change version", VALIDATED):
        return True
    key = (entry.after or entry.before or {}).get("key", "") if entry.action.endswith("version tag") else DECISION
    return not key.startswith(DECISION)


def _wanting(policy: Policy, past: Past, move: Move, standing: Standing) -> str:
    lost = [v for v in standing.votes if v.state not in ("counts",)]
    against = [v for v in standing.votes if v.state == "counts" and not v.approve]
    if against:
        return f"{against[0].by} rejected {past.model} version {move.version}: {against[0].reason}"
    wants = ", ".join(f"{count} of role {role}" for role, count in standing.missing.items())
    said = f"{past.model} version {move.version} is not approved under policy {policy.policy} "
    said += f"({standing.state}): it wants {wants}"
    said += "".join(f"; {v.by}'s word is {v.state}: {v.why}" for v in lost[:3])
    return f"{said}; one of them runs {command('approve', past.model, move.version, reason=True)}"
