"""A version is judged on evidence and, if it passes, becomes what the business runs on; or it does not, and why is entered."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlops.errors import BadInput, Refused
from jupyter_mlops.flows.alerting import answered
from jupyter_mlops.flows.approving import ensure_policies
from jupyter_mlops.flows.judging import CHAMPION, champion_of, judge_version, place
from jupyter_mlops.flows.notifying import notify
from jupyter_mlops.governance import Source, acting, decide
from jupyter_mlops.ledger import append, entries
from jupyter_mlops.records import Decision, Evidence, ModelVersion
from jupyter_mlops.registry import load_version, point_alias, resolve, tag_version, version
from jupyter_mlops.store import Store, database

VERDICT = "mlops.verdict"
EVIDENCE = "mlops.evidence"


def validate_version(store: Store, name: str, number: int, data: Path | None = None, *, seed: int = 0) -> Evidence:
    """The evidence of one version, against the champion on the same rows; kept with its run, its digest on the version."""
    ensure_policies(store.project)
    _untouched(store, name, number)
    evidence = judge_version(store, name, number, data, seed=seed)
    gates = [
        {"gate": g.gate, "verdict": g.verdict, **({"policy": g.policy} if g.policy else {})} for g in evidence.gates
    ]
    facts = {"verdict": evidence.verdict, "evidence": evidence.digest, "gates": gates}
    with store.explained():
        decide(store.client, name, number, "validated", reason="validated", **facts)
    if version(store, name, number).tags.get(EVIDENCE) != evidence.digest:
        # A server without our registry store keeps the decision as a tag and no more.
        tag_version(store, name, number, {VERDICT: evidence.verdict, EVIDENCE: evidence.digest})
    return evidence


def _untouched(store: Store, name: str, number: int) -> None:
    """Refused unless its files are what was registered. That they are not is entered: it may be the first sign of more."""
    found = version(store, name, number)
    try:
        load_version(store, found)
    except Refused as error:
        if error.code == "model-tampered":
            with acting(reason=error.message) as act, database(store.project).begin() as connection:
                append(
                    connection,
                    actor=act.actor,
                    action="changed files refused",
                    subject=f"{name}/{number}",
                    after={"registered": found.digest},
                    reason=act.reason,
                )
        raise


def evidence_of(store: Store, found: ModelVersion) -> Evidence | None:
    """The evidence a version was last judged on, read back; None when it never was."""
    digest = found.tags.get(EVIDENCE)
    if not digest:
        return None
    return Evidence.model_validate_json(store.artifact(found.run_id, place(digest)).read_text(encoding="utf-8"))


def promote(
    store: Store,
    name: str,
    number: int,
    *,
    reason: str,
    alias: str = CHAMPION,
    data: Path | None = None,
    actor: str | None = None,
    source: Source | None = None,
    break_glass: str = "",
) -> Decision:
    """Validate, then move the alias if every gate passed. The decision is entered in the ledger either way.

    Where policy asks for approvals that are wanting, they are asked for and Refused says which. `break_glass` is the second
    reason of somebody who passes over policy in need; it opens a critical alert and stays open until somebody else reviews it.
    """
    _needs_reason(reason)
    ensure_policies(store.project)
    evidence = validate_version(store, name, number, data)
    previous = champion_of(store, name) if alias == CHAMPION else None
    if evidence.verdict != "pass" and not break_glass:
        return _refuse(store, name, number, alias, reason, evidence, previous, actor)
    facts = {"to": alias, "evidence": evidence.digest, "break_glass": break_glass}
    with acting(reason=reason, evidence=evidence.digest, actor=actor, source=source) as act:
        with store.explained():
            decide(store.client, name, number, "promote", reason=reason, **facts)
        if alias not in version(store, name, number).aliases:
            point_alias(store, name, alias, number)
    if alias == CHAMPION:
        trained = version(store, name, number).created
        answered(database(store.project), store.project.target(name), number, trained, act.actor)
    if break_glass:
        _cry_out(store, name, number, act.actor, break_glass)
    return Decision(
        model=name,
        version=number,
        alias=alias,
        done=True,
        reason=reason,
        verdict=evidence.verdict,
        evidence_digest=evidence.digest,
        previous=previous.version if previous else None,
        entry=_last_entry(store, name),
    )


def _cry_out(store: Store, name: str, number: int, actor: str, why: str) -> None:
    model, _, segment = name.partition(".")
    database(store.project).open_alert(
        model,
        segment or None,
        "governance",
        f"break glass, version {number}",
        f"{actor} put version {number} of {name} in service past its policy: {why}. Somebody else must review it.",
        "critical",
    )
    notify(store.project)


def _refuse(
    store: Store,
    name: str,
    number: int,
    alias: str,
    reason: str,
    evidence: Evidence,
    previous: ModelVersion | None,
    actor: str | None,
) -> Decision:
    why = "; ".join(gate.sentence for gate in evidence.gates if gate.verdict != "pass") or "no gate was declared"
    with acting(reason=reason, actor=actor) as act, database(store.project).begin() as connection:
        entry = append(
            connection,
            actor=act.actor,
            action="promotion refused",
            subject=f"{name}/{number}",
            after={"alias": alias, "verdict": evidence.verdict, "evidence": evidence.digest, "asked": reason},
            reason=why,
        )
    return Decision(
        model=name,
        version=number,
        alias=alias,
        done=False,
        reason=why,
        verdict=evidence.verdict,
        evidence_digest=evidence.digest,
        previous=previous.version if previous else None,
        entry=entry.seq,
    )


def rollback(
    store: Store, name: str, *, reason: str, actor: str | None = None, source: Source | None = None
) -> Decision:
    """Champion back to the version it was before its last move, on the evidence that version was promoted on."""
    _needs_reason(reason)
    now = resolve(store, name)
    with database(store.project).read() as connection:
        moves = entries(connection, name, limit=1000, action="set alias")
    held = [e.after["version"] for e in moves if e.after["alias"] == CHAMPION and e.after["version"] != now.version]
    if not held:
        raise Refused(
            f"{name} never had another champion than version {now.version}, so there is nothing to go back to",
            f"promote another version: `jupyter mlops promote {name} VERSION --reason TEXT`",
        )
    target = version(store, name, held[0])
    digest = target.tags.get(EVIDENCE, "")
    with acting(reason=reason, evidence=digest, actor=actor, source=source):
        with store.explained():
            decide(store.client, name, target.version, "promote", reason=reason, to=CHAMPION, evidence=digest)
        if CHAMPION not in version(store, name, target.version).aliases:
            point_alias(store, name, CHAMPION, target.version)
    return Decision(
        model=name,
        version=target.version,
        alias=CHAMPION,
        done=True,
        reason=reason,
        verdict="pass",
        evidence_digest=digest,
        previous=now.version,
        entry=_last_entry(store, name),
    )


def _needs_reason(reason: str) -> None:
    if not reason.strip():
        raise BadInput("a decision needs a reason", "say why with --reason TEXT", field="reason")


def _last_entry(store: Store, name: str) -> int | None:
    with database(store.project).read() as connection:
        found = entries(connection, name, limit=1, action="set alias")
    return found[0].seq if found else None
