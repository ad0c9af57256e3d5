"""What the registry refuses, whoever asks through whatever door.

Without a policy file this holds: `champion` is what the business runs on. It moves only to a version whose evidence passed
its gates, with a reason; the tags a decision rests on are set by decisions only. Policies in force add to that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from jupyter_mlops.governance.acting import ANONYMOUS, Act
from jupyter_mlops.governance.approvals import DECISION, DIGEST, EVIDENCE, RISK, VERDICT, Past
from jupyter_mlops.governance.changes import Change
from jupyter_mlops.governance.judging import Answer, Move, applying, judge, protected
from jupyter_mlops.governance.policies import Policy, in_force
from jupyter_mlops.governance.trainers import trainers
from jupyter_mlops.governance.wording import command
from jupyter_mlops.ledger import lineage, placed, subject

PROTECTED = frozenset({"champion"})
# The mark that a session carries while the governed store itself carries a decision out.
DECIDING = "mlops_deciding"
_SET_BY_VALIDATION = frozenset({VERDICT, EVIDENCE})
_RISKS = ("low", "medium", "high")


def objection(change: Change, act: Act, session: Session) -> Answer:
    """Why this change may not be made, in a sentence with its fix; empty when it may."""
    values = change.after or change.before or {}
    if change.action in ("set alias", "delete alias"):
        return _alias(change, act, session, str(values.get("alias")))
    if change.action in ("set version tag", "delete version tag"):
        return Answer(_tag(change, act, session))
    if change.action in ("set model tag", "delete model tag") and values["key"] == RISK:
        return Answer(_risk(change, act, session))
    if change.action in ("delete model", "delete version", "rename model") and not act.reason:
        held = _in_service(change, session)
        if held:
            return Answer(held)
    if change.action == "rename model":
        return Answer(_renamed(change, act, session))
    if change.action == "change version":
        return Answer(_stage(change, session))
    return Answer()


def guarded(session: Session, model: str) -> frozenset[str]:
    """The aliases of a model that nobody moves without a decision."""
    return PROTECTED | protected(applying(in_force(session.connection()), past_of(session, model)))


def past_of(session: Session, model: str, authors: tuple[str, ...] = ()) -> Past:
    return Past(model, lineage(session.connection(), model), authors)


def _tag(change: Change, act: Act, session: Session) -> str:
    key = (change.after or change.before or {})["key"]
    if change.after is None and _among(session.deleted, change):
        return ""  # it goes with its version, which has objections of its own
    if key in _SET_BY_VALIDATION and not act.reason:
        return f"the tag {key} is set by validation; run {command('validate', change.model, change.row.version)}"
    if key in _SET_BY_VALIDATION and act.source == ANONYMOUS:
        return "nobody logged in, so nobody can be named for the evidence; start the server with --app-name basic-auth"
    if key.startswith(DECISION) and not session.info.get(DECIDING):
        return f"the tag {key} is the record of a decision; it is written by the decision alone, and stays"
    if key == DIGEST and not _among(session.new, change):
        return "the digest of a version's files is set once, when it is registered; register the run again"
    return ""


def _risk(change: Change, act: Act, session: Session) -> str:
    """A risk is raised by anybody; it is lowered, where a policy has owners, by them."""
    if any(r.__tablename__ == "registered_models" and r.name == change.row.name for r in session.deleted):
        return ""
    before, after = ((v or {}).get("value", "") for v in (change.before, change.after))
    if before not in _RISKS or (after in _RISKS and _RISKS.index(after) >= _RISKS.index(before)):
        return ""
    if not act.reason:
        return f"the risk of {change.subject} is {before}; it is lowered only with a reason"
    owned = [p for p in in_force(session.connection()) if p.owners and p.covers(change.subject, str(before))]
    for policy in owned:
        if not policy.who.has_any(act.actor, policy.owners):
            return (
                f"the risk of {change.subject} is lowered only by {', '.join(policy.owners)} of policy {policy.policy}"
            )
    return ""


def _among(rows: Iterable[Any], change: Change) -> bool:
    """Whether the version that a tag belongs to is made, or deleted, in the same transaction."""
    whose = (change.row.workspace, change.row.name, change.row.version)
    return any(r.__tablename__ == "model_versions" and (r.workspace, r.name, r.version) == whose for r in rows)


def _alias(change: Change, act: Act, session: Session, alias: str) -> Answer:
    policies = in_force(session.connection())
    past = past_of(session, change.model, trainers(session, change))
    asked = [p for p in applying(policies, past) if alias in p.protect]
    if alias not in PROTECTED and not asked:
        return Answer()
    if change.after is None:
        return Answer("" if act.reason else _how(change.model, alias))
    move = Move(alias, int(change.after["version"]), act, datetime.now(UTC))
    return _move(move, policies, asked, past)


def _move(move: Move, policies: list[Policy], asked: list[Policy], past: Past) -> Answer:
    act, name = move.act, past.model
    answer = judge(policies, past, move)
    if act.glass:
        return answer
    # Approvals are given on evidence and with reasons, so a move that has them needs to bring neither.
    approved = bool(asked) and all(p.approvals for p in asked) and not answer.why
    if not act.reason and not approved:
        return Answer(answer.why or _how(name, move.alias))
    # What the ledger says was found, not the tag's row: before a registry was governed anybody could write that.
    verdict, found = past.tag(move.version, VERDICT), past.tag(move.version, EVIDENCE)
    evidence = act.evidence or (found if approved else "")
    if verdict != "pass" or not found or found != evidence:
        return Answer(
            f"{name} version {move.version} has no evidence that passed its gates "
            f"(verdict: {verdict or 'not run'}); run {command('validate', name, move.version)}"
        )
    return answer


def _how(name: str, alias: str) -> str:
    which = "VERSION" if alias in PROTECTED else f"VERSION --to {alias}"
    return (
        f"{alias} of {name} is protected: it moves only by a decision with a reason; "
        f"run {command('promote', name, which, reason=True)}"
    )


def _in_service(change: Change, session: Session) -> str:
    # A model that is renamed, or moved to another workspace, is still in service under what it was called.
    about = change.model if change.action == "rename model" else subject(change.row.workspace, change.row.name)
    number = change.row.version if change.action == "delete version" else None
    alias = _held(session, about, guarded(session, change.model), number)
    return f"{change.subject} is in service as {alias}; promote another version first" if alias else ""


def _held(session: Session, model: str, aliases: Iterable[str], version: int | None = None) -> str:
    """The first of these aliases that a model, or one version of it, has."""
    from mlflow.store.model_registry.dbmodels.models import SqlRegisteredModelAlias as Alias

    where, name = placed(model)
    query = session.query(Alias).filter(Alias.workspace == where, Alias.name == name, Alias.alias.in_(aliases))
    if version is not None:
        query = query.filter(Alias.version == version)
    with session.no_autoflush:
        found = query.first()
    return found.alias if found else ""


def _renamed(change: Change, act: Act, session: Session) -> str:
    """A name decides which policies hold, so a new one neither takes a model out of a policy nor brings one in unjudged."""
    old, new = change.subject, (change.after or {})["name"]
    policies, risk = in_force(session.connection()), past_of(session, change.subject).risk()
    for policy in policies:
        was, will = policy.covers(old, risk), policy.covers(new, risk)
        may = policy.who.has_any(act.actor, policy.owners) if policy.owners else bool(act.reason)
        if was and not will and not may:
            by = f"by {', '.join(policy.owners)} only" if policy.owners else "with a reason only"
            return f"policy {policy.policy} is for {old} and not for {new}; a model is renamed out of it {by}"
        alias = "" if was or not will else _held(session, old, policy.protect)
        if alias:
            return (
                f"policy {policy.policy} protects {alias} of {new}, and {old} has it; rename first, then promote there"
            )
    return ""


def _stage(change: Change, session: Session) -> str:
    """MLflow's older stages are a second way to say what is in service: a policy may protect them by name."""
    before, after = ((v or {}).get("current_stage", "None") for v in (change.before, change.after))
    if before == after:
        return ""
    policies = applying(in_force(session.connection()), past_of(session, change.model))
    if not {before, after} & protected(policies):
        return ""
    stage = after if after in protected(policies) else before
    return f"stage {stage} is protected by policy; use the alias, by {command('promote', change.model, 'VERSION', reason=True)}"
