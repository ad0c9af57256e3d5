"""Policy as code: a YAML file, typed, known by the digest of what it says, and in force from a ledger entry on.

A policy in force is the copy in the ledger, not the file: who edits the file changes nothing until the new text is put in
force, by somebody who may, with a reason, as an entry of its own.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import sqlalchemy as sa
import yaml
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
    model_validator,
)

from jupyter_mlops.errors import BadInput, Refused, unknown
from jupyter_mlops.governance.acting import Act, Source
from jupyter_mlops.governance.people import Roles
from jupyter_mlops.governance.signatures import is_model_key
from jupyter_mlops.ledger import append, canonical, history, placed
from jupyter_mlops.project import NAME, Duration, Gate, faults
from jupyter_mlops.records import LedgerEntry

# No model's name can begin so: MLflow refuses a colon.
SUBJECT = ":policies"
IN_FORCE = "policy in force"
WITHDRAWN = "policy withdrawn"


# Written back as it can be read again.
_Time = Annotated[Duration, PlainSerializer(lambda time: f"{int(time.total_seconds())}s")]


def _written(value: Any) -> Any:
    """A gate as it can be read again: what was said of it and no more, times in seconds."""
    if isinstance(value, Gate):
        return _written(value.model_dump(exclude_unset=True))
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.6f}s"
    return {key: _written(part) for key, part in value.items()} if isinstance(value, dict) else value


_Gate = Annotated[Gate, PlainSerializer(_written)]


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Approvals(_Spec):
    """How many people of each role must approve. One person counts once, whatever roles they have."""

    roles: dict[str, int] = Field(min_length=1)
    four_eyes: bool = True
    expire: _Time = timedelta(days=30)
    identities: list[Source] = ["mlflow", "jupyter", "os"]

    @field_validator("roles")
    @classmethod
    def _at_least_one(cls, value: dict[str, int]) -> dict[str, int]:
        if any(count < 1 for count in value.values()):
            raise ValueError("each role needs a count of at least 1")
        return value


class Freeze(_Spec):
    """No protected alias moves from the first moment to the last."""

    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")
    why: str = ""

    @field_validator("start", "end", mode="before")
    @classmethod
    def _with_zone(cls, value: Any) -> Any:
        """A day, or a time without a zone, is UTC's: a freeze must not depend on which machine reads it."""
        moment = datetime.fromisoformat(str(value))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class BreakGlass(_Spec):
    """Who may pass over approvals, evidence and freezes in need; somebody else must look at it within this time."""

    roles: list[str] = Field(min_length=1)
    review_within: _Time = timedelta(days=3)


class ModelFiles(_Spec):
    """Which files that run code when they are read may be loaded, and whose signature over them is needed for it."""

    allow: list[Literal["pickle", "loader-module", "model-code", "code-paths"]] = Field(min_length=1)
    signers: list[str] = Field(min_length=1)

    @field_validator("signers")
    @classmethod
    def _keys(cls, value: list[str]) -> list[str]:
        for key in value:
            if not is_model_key(key):
                raise ValueError("each signer is a P-256 public key, as `jupyter mlops ledger key` prints it")
        return value


class Policy(_Spec):
    """The whole of a policy file. It is for models whose name matches and whose risk is listed (all, when none is).

    `rul*` is for these names in every MLflow workspace, `retail:rul*` in that one (`default:rul*` in the default one).

    A gate is the name of one that must be in `mlops.yaml`, or stated in full: then every version it is for is judged by it.
    """

    version: Literal[1]
    policy: str = Field(pattern=NAME)
    about: str = ""
    models: list[str] = ["*"]
    risk: list[Literal["low", "medium", "high"]] = []
    protect: list[str] = ["champion"]
    gates: list[str | _Gate] = []
    approvals: Approvals | None = None
    roles: dict[str, list[str]] = {}
    people: dict[str, list[str]] = {}
    freeze: list[Freeze] = []
    automatic: list[str] = []
    evidence_by: list[str] = []
    owners: list[str] = []
    break_glass: BreakGlass | None = None
    model_files: ModelFiles | None = None

    @model_validator(mode="after")
    def _known_roles(self) -> Policy:
        asked = [*(self.approvals.roles if self.approvals else ()), *self.evidence_by, *self.owners]
        asked += self.break_glass.roles if self.break_glass else []
        for role in asked:
            if role not in self.roles:
                raise ValueError(f"role {role!r} has nobody in it; add it under `roles`")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 over what the policy says in canonical JSON; comments and spacing do not change it."""
        said = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return hashlib.sha256(canonical(said)).hexdigest()

    @property
    def demands(self) -> list[tuple[str, Gate]]:
        """The gates stated in full, each with a stamp of this policy and what exactly is asked."""
        return [(f"{self.policy} {_print(gate)}", gate) for gate in self.gates if isinstance(gate, Gate)]

    @property
    def looked_up(self) -> list[str]:
        """The gates that are named only."""
        return [gate for gate in self.gates if isinstance(gate, str)]

    @property
    def who(self) -> Roles:
        return Roles(self.roles, self.people)

    def covers(self, model: str, risk: str) -> bool:
        """Whether it is for this model. A model whose risk nobody said is taken for one of every risk."""
        named = any(_names(pattern, model) for pattern in self.models)
        return named and (not self.risk or not risk or risk in self.risk)


def _names(pattern: str, model: str) -> bool:
    """A pattern without a workspace is for the name in every workspace; one with a workspace before a colon, in that alone."""
    (unit, name), (wanted, form) = placed(model), placed(pattern)
    return fnmatch.fnmatchcase(name, form) and (":" not in pattern or fnmatch.fnmatchcase(unit, wanted))


def _print(gate: Gate) -> str:
    return hashlib.sha256(canonical(_written(gate))).hexdigest()[:12]


def parse_policy(text: str, where: str) -> Policy:
    """The typed policy; BadInput names each fault with its key and the nearest right one."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadInput(f"{where}: not valid YAML: {error}", "mend that line") from error
    if not isinstance(content, dict):
        raise BadInput(f"{where}: holds no policy", "start it with `version: 1` and `policy: NAME`")
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        found = faults(error, Policy)
        message = "\n".join(f"{where}: {fault.key or 'policy'}: {fault.problem}" for fault in found)
        fixes = "; ".join(fault.fix for fault in found if fault.fix)
        raise BadInput(message, fixes or "mend those lines", code="bad-policy") from None


def in_force(connection: sa.Connection) -> list[Policy]:
    """The policies in force now, by name."""
    return standing(history(connection, SUBJECT))


def standing(entries: Iterable[LedgerEntry]) -> list[Policy]:
    """The policies in force after these entries, the oldest first."""
    found: dict[str, Policy] = {}
    for entry in entries:
        name = entry.subject.rpartition("/")[2]
        if entry.action == IN_FORCE:
            found[name] = Policy.model_validate(entry.after["policy"])
        elif entry.action == WITHDRAWN:
            found.pop(name, None)
    return [found[name] for name in sorted(found)]


def put_in_force(connection: sa.Connection, policy: Policy, act: Act) -> LedgerEntry | None:
    """Enter a policy, in place of the one of its name; None when that very text is in force already."""
    now = _standing_one(connection, policy.policy)
    if now and now.digest == policy.digest:
        return None
    _may_change(now, act)
    return append(
        connection,
        actor=act.actor,
        action=IN_FORCE,
        subject=f"{SUBJECT}/{policy.policy}",
        before={"digest": now.digest} if now else None,
        after={"digest": policy.digest, "policy": policy.model_dump(mode="json", by_alias=True), "source": act.source},
        reason=act.reason,
    )


def withdraw_policy(connection: sa.Connection, name: str, act: Act) -> LedgerEntry:
    """Take a policy out of force; NotFound-like refusal when there is none of that name."""
    now = _standing_one(connection, name)
    if now is None:
        raise unknown("policy in force", name, [p.policy for p in in_force(connection)])
    _may_change(now, act)
    return append(
        connection,
        actor=act.actor,
        action=WITHDRAWN,
        subject=f"{SUBJECT}/{name}",
        before={"digest": now.digest},
        after={"source": act.source},
        reason=act.reason,
    )


def _standing_one(connection: sa.Connection, name: str) -> Policy | None:
    return next((p for p in in_force(connection) if p.policy == name), None)


def _may_change(now: Policy | None, act: Act) -> None:
    if not act.reason.strip():
        raise BadInput("a policy changes only with a reason", "say why with --reason TEXT", field="reason")
    if now and now.owners and not now.who.has_any(act.actor, now.owners):
        raise Refused(
            f"policy {now.policy} is changed by {', '.join(now.owners)} only, and {act.actor} is none of them",
            "ask one of: " + ", ".join(now.who.members(now.owners)),
            code="not-the-owner",
        )
