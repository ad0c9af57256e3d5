"""Where a version stands with those who must approve it: read from the ledger, nothing else.

An approval is bound to what was approved: the version's files, the evidence, the policy. When any of them changes it is
stale; after the policy's time it is expired. Both are said, neither counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from jupyter_mlops.governance.policies import Approvals, Policy
from jupyter_mlops.records import LedgerEntry

APPROVED, REJECTED, WITHDRAWN, REQUESTED = "approved", "rejected", "approval withdrawn", "approval requested"
GLASS, REVIEWED = "break glass", "break glass reviewed"
VERDICT, EVIDENCE, DIGEST, RISK = "mlops.verdict", "mlops.evidence", "mlops.digest", "mlops.risk"
VALIDATED = "validated"
State = Literal["not asked", "declared", "pending", "approved", "rejected", "stale", "expired", "withdrawn"]
# Tags that say what was found or decided about a version, not what it is.
_SAID_ABOUT = ("mlops.verdict", "mlops.evidence", "mlops.gates")
# The tags that carry decisions begin so.
DECISION = "mlops.decision."


@dataclass(frozen=True)
class Vote:
    """One person's word on one version; `state` says whether it counts, `why` what took it away."""

    by: str
    at: datetime
    approve: bool
    reason: str
    entry: int
    roles: tuple[str, ...]
    state: Literal["counts", "stale", "expired", "withdrawn", "refused"]
    why: str = ""


@dataclass(frozen=True)
class Standing:
    state: State
    votes: tuple[Vote, ...]
    missing: dict[str, int]
    reason: str = ""


class Past:
    """What the ledger knows of one model, the oldest entry first; `authors` are names known from elsewhere (who trained).

    In a rehearsal the policy is taken to have been in force all along: what was approved then was approved under it.
    """

    def __init__(
        self, model: str, entries: Sequence[LedgerEntry], authors: Sequence[str] = (), *, rehearsal: bool = False
    ) -> None:
        self.model, self._rehearsal = model, rehearsal
        self.entries = list(entries)
        self._trainers = list(authors)

    def of_version(self, version: int) -> list[LedgerEntry]:
        """Entries since this version was created; those of an earlier one with the same number are not about it."""
        about = f"{self.model}/{version}"
        found: list[LedgerEntry] = []
        for entry in self.entries:
            if entry.subject == about:
                found = [entry] if entry.action == "create version" else [*found, entry]
            elif entry.subject == self.model and entry.action in ("create model", "delete model"):
                found = []
        return found

    def tag(self, version: int, name: str) -> str:
        """A version tag's value now."""
        value = ""
        for entry in self.of_version(version):
            if entry.action == "set version tag" and entry.after["key"] == name:
                value = str(entry.after.get("value", ""))
            elif entry.action == "delete version tag" and entry.before["key"] == name:
                value = ""
        return value

    def run(self, version: int) -> str:
        """The run that a version was made from, as it was registered; empty when it names none."""
        made = [e for e in self.of_version(version) if e.action in ("create version", "adopt version")]
        return str(made[-1].after.get("run_id") or "") if made else ""

    def risk(self) -> str:
        found = ""
        for entry in self.entries:
            about = entry.subject == self.model and entry.action in ("set model tag", "adopt model tag")
            if about and entry.after["key"] == RISK:
                found = str(entry.after.get("value", ""))
        return found

    def latest(self, since: int = 0) -> datetime | None:
        """The latest time that any entry says, of those after one: no clock that is set back afterwards undoes it."""
        return max((e.at for e in self.entries if e.seq > since), default=None)

    def bound(self, version: int, policy: Policy) -> dict[str, str]:
        """What an approval given now is bound to."""
        known = {"evidence": self.tag(version, EVIDENCE), "digest": self.tag(version, DIGEST)}
        return known if self._rehearsal else {"policy": policy.digest, **known}

    def authors(self, version: int) -> dict[str, str]:
        """Who made this version what it is, and how: whoever trained, registered or last changed it."""
        found = dict.fromkeys(self._trainers, "trained it")
        for entry in self.of_version(version):
            if entry.action == "create version":
                found[entry.actor] = "registered it"
            elif entry.action in ("change version", "set version tag", "delete version tag"):
                key = (entry.after or entry.before).get("key", "")
                if key not in _SAID_ABOUT and not key.startswith(DECISION):
                    found.setdefault(entry.actor, "changed it")
        return found

    def gates(self, version: int) -> dict[str, str]:
        """Each gate of the evidence in force with its verdict."""
        return {g["gate"]: g["verdict"] for g in self._answers(version)}

    def demanded(self, version: int) -> dict[str, dict[str, str]]:
        """The same of gates that a policy states in full, by the policy's stamp."""
        found: dict[str, dict[str, str]] = {}
        for g in self._answers(version):
            if g.get("policy"):
                found.setdefault(g["policy"], {})[g["gate"]] = g["verdict"]
        return found

    def _answers(self, version: int) -> list[dict[str, str]]:
        evidence, found = self.tag(version, EVIDENCE), []
        for entry in self.of_version(version):
            if entry.action == VALIDATED and entry.after.get("evidence") == evidence:
                found = entry.after.get("gates", [])
        return found


def standing_of(past: Past, version: int, policy: Policy, now: datetime) -> Standing:
    """Whether a version has the approvals a policy asks for. A standing rejection outweighs every approval."""
    asked = policy.approvals
    if asked is None:
        return Standing("approved", (), {})
    votes = _votes(past, version, policy, asked, now)
    counting = [v for v in votes if v.state == "counts"]
    missing = policy.who.missing(asked.roles, [v.by for v in counting if v.approve])
    against = [v for v in counting if not v.approve]
    requested = [e for e in past.of_version(version) if e.action == REQUESTED]
    reason = requested[-1].reason if requested else counting[-1].reason if counting else ""
    return Standing(_state(votes, against, missing, requested=bool(requested)), tuple(votes), missing, reason)


def _state(votes: list[Vote], against: list[Vote], missing: dict[str, int], *, requested: bool) -> State:
    if against:
        return "rejected"
    if not missing:
        return "approved"
    for lost in ("stale", "expired", "withdrawn"):
        if any(v.state == lost and v.approve for v in votes):
            return lost
    return "pending" if requested or votes else "not asked"


def _votes(past: Past, version: int, policy: Policy, asked: Approvals, now: datetime) -> list[Vote]:
    """Each person's last word."""
    said: dict[str, LedgerEntry] = {}
    taken_back: dict[str, LedgerEntry] = {}
    for entry in past.of_version(version):
        person = policy.who.person(entry.actor)
        if entry.action in (APPROVED, REJECTED):
            said[person] = entry
            taken_back.pop(person, None)
        elif entry.action == WITHDRAWN:
            taken_back[person] = entry
    bound = past.bound(version, policy)
    return [_vote(past, version, policy, asked, now, entry, bound, taken_back.get(p)) for p, entry in said.items()]


def _vote(
    past: Past,
    version: int,
    policy: Policy,
    asked: Approvals,
    now: datetime,
    entry: LedgerEntry,
    bound: dict[str, str],
    taken_back: LedgerEntry | None,
) -> Vote:
    def vote(state: Literal["counts", "stale", "expired", "withdrawn", "refused"], why: str = "") -> Vote:
        roles = tuple(policy.who.roles_of(entry.actor))
        return Vote(entry.actor, entry.at, entry.action == APPROVED, entry.reason, entry.seq, roles, state, why)

    if taken_back:
        return vote("withdrawn", taken_back.reason)
    facts = entry.after or {}
    given = {**facts, "policy": (facts.get("policies") or {}).get(policy.policy, "")}
    changed = [name for name, value in bound.items() if given.get(name) != value]
    if changed:
        return vote("stale", f"the {' and the '.join(changed)} changed since")
    if max(now, past.latest(entry.seq) or now) - entry.at > asked.expire:
        return vote("expired", f"it was given more than {_days(asked.expire)} ago")
    why = may_vote(past, version, policy, entry.actor, str((entry.after or {}).get("source", "")))
    return vote("refused", why) if why else vote("counts")


def may_vote(past: Past, version: int, policy: Policy, actor: str, source: str) -> str:
    """Why this person's word cannot count on this version, or nothing."""
    asked = policy.approvals
    if asked is None:
        return ""
    if source not in asked.identities:
        return f"{actor} is a name that nobody vouched for ({source or 'unknown'}); policy {policy.policy} asks for a log-in"
    if not policy.who.has_any(actor, asked.roles):
        lacks = f"{actor} has none of the roles that policy {policy.policy} asks: {', '.join(asked.roles)}"
        return lacks + _others(past, version, policy, source)
    if asked.four_eyes:
        for author, how in past.authors(version).items():
            if policy.who.same(author, actor):
                own = f"{actor} may not judge {past.model} version {version}: they {how}, and four eyes are asked"
                return own + _others(past, version, policy, source)
    return ""


def _others(past: Past, version: int, policy: Policy, source: str) -> str:
    """The way out of a refusal: who may, and from where."""
    roles = policy.approvals.roles if policy.approvals else {}
    authors = past.authors(version)
    able = [n for n in policy.who.members(roles) if not any(policy.who.same(n, author) for author in authors)]
    asked = f"; ask {' or '.join(able)}" if able else f"; name somebody else under `roles` of policy {policy.policy}"
    # On a laptop everybody who uses it is one and the same user.
    how = "; they log in to `jupyter mlops server` on this project, or work as an OS user of their own"
    return asked + (how if source == "os" and able else "")


def unreviewed(past: Past) -> list[LedgerEntry]:
    """Each time the glass was broken that nobody else has looked at since."""
    open_ones: dict[int, LedgerEntry] = {}
    for entry in past.entries:
        if entry.action == GLASS:
            open_ones[entry.seq] = entry
        elif entry.action == REVIEWED:
            open_ones.pop(int(entry.after["entry"]), None)
    return list(open_ones.values())


def _days(time: timedelta) -> str:
    return f"{time.days} days" if time.days else str(time)
