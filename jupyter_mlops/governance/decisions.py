"""Decisions as governed tags of a model version: MLflow's own REST carries them, and its own pages show them.

Setting the tag `mlops.decision.approve` to a reason is an approval. The value may also be a JSON object with a `reason` and
what the decision needs besides. Whether it may be made is asked here, in the transaction that enters it.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlModelVersionTag, SqlRegisteredModelAlias
from sqlalchemy.orm import Session

from jupyter_mlops.errors import BadInput
from jupyter_mlops.governance.acting import ANONYMOUS, Act
from jupyter_mlops.governance.approvals import (
    APPROVED,
    DECISION,
    DIGEST,
    EVIDENCE,
    GLASS,
    REJECTED,
    REQUESTED,
    REVIEWED,
    VALIDATED,
    VERDICT,
    WITHDRAWN,
    Past,
    may_vote,
    unreviewed,
)
from jupyter_mlops.governance.changes import Change
from jupyter_mlops.governance.judging import applying
from jupyter_mlops.governance.policies import Policy, in_force
from jupyter_mlops.governance.policy import PROTECTED, past_of
from jupyter_mlops.governance.signatures import key_pem, signed_files
from jupyter_mlops.governance.trainers import trainers
from jupyter_mlops.governance.wording import command
from jupyter_mlops.ledger import FILES_SIGNED, append, subject
from jupyter_mlops.store import digest_of

_LONGEST = 100_000
_MENTION = re.compile(r"(?<![\w@])@([A-Za-z0-9][A-Za-z0-9._+-]{0,63}(?:@[A-Za-z0-9.-]+)?)")


class NotAllowed(Exception):
    """Policy says no; the sentence says why and what to do."""


@dataclass(frozen=True)
class Asked:
    """One decision on its way: who, about which version, with which facts; `policies` are those for this model."""

    session: Session
    version: SqlModelVersion
    act: Act
    facts: dict[str, Any]
    past: Past
    policies: list[Policy]

    @property
    def subject(self) -> str:
        return subject(self.version.workspace, self.version.name, self.version.version)

    def enter(self, action: str, after: dict[str, Any]) -> bool:
        append(
            self.session.connection(),
            actor=self.act.actor,
            action=action,
            subject=self.subject,
            after={**after, "source": self.act.source},
            reason=self.act.reason,
        )
        return True


def read_facts(value: str | None) -> dict[str, Any]:
    """The facts of a decision from a tag's value: a JSON object, or the reason as plain text."""
    text = (value or "").strip()
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    facts = found if isinstance(found, dict) else {"reason": text}
    facts["reason"] = str(facts.get("reason") or "").strip()
    if not facts["reason"]:
        raise NotAllowed("a decision needs a reason: set the tag's value to it")
    if len(text) > _LONGEST:
        raise NotAllowed(f"a decision's text has {_LONGEST} characters at most")
    return facts


def carry_out(kind: str, session: Session, version: SqlModelVersion, act: Act, facts: dict[str, Any]) -> None:
    """Make a decision in this session's transaction; NotAllowed with the reason when it may not be made."""
    if act.source == ANONYMOUS:
        raise NotAllowed("nobody logged in, so nobody can be named for it; start the server with --app-name basic-auth")
    model = subject(version.workspace, version.name)
    change = Change("", model, None, {"version": version.version}, version)
    past = past_of(session, model, trainers(session, change))
    asked = Asked(session, version, act, facts, past, applying(in_force(session.connection()), past))
    if not _KINDS[kind](asked):
        return
    told = {k: v for k, v in facts.items() if k not in ("reason", "gates")}
    record = {"by": act.actor, "at": datetime.now(UTC).isoformat(), "reason": act.reason, **told}
    _tag(asked, f"{DECISION}{kind}", json.dumps(record, sort_keys=True))


def kinds() -> list[str]:
    return sorted(_KINDS)


def _tag(asked: Asked, key: str, value: str) -> None:
    v = asked.version
    asked.session.merge(SqlModelVersionTag(workspace=v.workspace, name=v.name, version=v.version, key=key, value=value))


def _request(asked: Asked) -> bool:
    return asked.enter(REQUESTED, {"to": str(asked.facts.get("to", "champion"))})


def _approve(asked: Asked) -> bool:
    return _vote(asked, APPROVED)


def _reject(asked: Asked) -> bool:
    return _vote(asked, REJECTED)


def _vote(asked: Asked, action: str) -> bool:
    number = int(asked.version.version)
    voting = [p for p in asked.policies if p.approvals]
    if not voting:
        raise NotAllowed(f"no policy in force asks for approval of {asked.past.model}; see `jupyter mlops policy list`")
    if action == APPROVED and asked.past.tag(number, VERDICT) != "pass":
        raise NotAllowed(
            f"{asked.past.model} version {number} has no evidence that passed, so there is nothing to approve yet; "
            f"run {command('validate', asked.past.model, number)}"
        )
    refusals = {p.policy: may_vote(asked.past, number, p, asked.act.actor, asked.act.source) for p in voting}
    mine = [p for p in voting if not refusals[p.policy]]
    if not mine:
        raise NotAllowed(next(iter(refusals.values())))
    bound = asked.past.bound(number, mine[0])
    policies = {p.policy: p.digest for p in mine}
    return asked.enter(action, {"policies": policies, "evidence": bound["evidence"], "digest": bound["digest"]})


def _withdraw(asked: Asked) -> bool:
    mine = [e for e in asked.past.of_version(int(asked.version.version)) if e.action in (APPROVED, REJECTED, WITHDRAWN)]
    own = [e for e in mine if e.actor == asked.act.actor or _same(asked.policies, e.actor, asked.act.actor)]
    if not own or own[-1].action == WITHDRAWN:
        raise NotAllowed(f"{asked.act.actor} has said nothing about {asked.subject} that could be withdrawn")
    return asked.enter(WITHDRAWN, {"entry": own[-1].seq})


def _same(policies: list[Policy], one: str, other: str) -> bool:
    """Whether two names are one person's, as any policy says."""
    return any(policy.who.same(one, other) for policy in policies)


def _comment(asked: Asked) -> bool:
    return asked.enter("commented", {"mentions": sorted(set(_MENTION.findall(asked.act.reason)))})


def _review(asked: Asked) -> bool:
    number = int(asked.version.version)
    open_ones = [e for e in unreviewed(asked.past) if int(e.after["version"]) == number]
    if not open_ones:
        raise NotAllowed(f"the glass was not broken for {asked.subject}, or it was reviewed already")
    breaker = open_ones[0].actor
    if breaker == asked.act.actor or _same(asked.policies, breaker, asked.act.actor):
        raise NotAllowed(f"{breaker} broke the glass, so somebody else must review it")
    return asked.enter(REVIEWED, {"entry": open_ones[0].seq})


def _validated(asked: Asked) -> bool:
    verdict, evidence = str(asked.facts.get("verdict", "")), str(asked.facts.get("evidence", ""))
    if verdict not in ("pass", "fail", "inconclusive", "not run") or not re.fullmatch(r"[0-9a-f]{64}", evidence):
        raise NotAllowed("evidence needs its `verdict` and its `evidence` digest; run `jupyter mlops validate`")
    known = [e for e in asked.past.of_version(int(asked.version.version)) if e.action == VALIDATED]
    if known and (known[-1].actor, known[-1].after.get("evidence")) == (asked.act.actor, evidence):
        return False  # the same evidence again, found by the same: nothing new to enter
    _tag(asked, VERDICT, verdict)
    _tag(asked, EVIDENCE, evidence)
    return asked.enter(VALIDATED, {"verdict": verdict, "evidence": evidence, "gates": asked.facts.get("gates", [])})


def _promote(asked: Asked) -> bool:
    v, alias = asked.version, str(asked.facts.get("to", "champion"))
    if asked.act.glass:
        known = asked.session.get(SqlRegisteredModelAlias, (v.workspace, v.name, alias))
        if known and known.version == v.version:
            raise NotAllowed(f"{asked.subject} is {alias} already; no glass needs breaking")
        asked.enter(GLASS, {"version": int(v.version), "alias": alias, "why_now": asked.act.glass})
    row = SqlRegisteredModelAlias(workspace=v.workspace, name=v.name, alias=alias, version=v.version)
    asked.session.merge(row)
    asked.session.flush()
    if alias not in PROTECTED and asked.act.glass and not asked.policies:
        raise NotAllowed("there is no policy to break the glass of here; promote it")
    return True


def _sign(asked: Asked) -> bool:
    """A signature over the version's files, by a key that policy trusts: they may be loaded though reading them runs code."""
    number, about = int(asked.version.version), asked.past
    trusting = [p for p in asked.policies if p.model_files]
    if not trusting:
        raise NotAllowed(
            f"no policy in force allows files that run code for {about.model}; see `model_files` in a policy"
        )
    for policy in trusting:
        signed = _signed(str(asked.facts.get("bundle", "")), policy)
        if not signed or digest_of(signed) != about.tag(number, DIGEST):
            raise NotAllowed(
                f"the signature is not over the files of {about.model} version {number} by a signer of policy "
                f"{policy.policy}; sign them with {command('sign', about.model, number)} and such a key"
            )
    allowed = set.intersection(*(set(p.model_files.allow) for p in trusting if p.model_files))
    policies = {p.policy: p.digest for p in trusting}
    return asked.enter(
        FILES_SIGNED, {"policies": policies, "digest": about.tag(number, DIGEST), "allow": sorted(allowed)}
    )


def _signed(bundle: str, policy: Policy) -> dict[str, str]:
    for line in policy.model_files.signers if policy.model_files else ():
        with contextlib.suppress(BadInput):
            return signed_files(bundle.encode(), key_pem(line))
    return {}


# Each says whether there was something to enter.
_KINDS: dict[str, Callable[[Asked], bool]] = {
    "approve": _approve,
    "comment": _comment,
    "promote": _promote,
    "reject": _reject,
    "request": _request,
    "review": _review,
    "sign": _sign,
    "validated": _validated,
    "withdraw": _withdraw,
}
