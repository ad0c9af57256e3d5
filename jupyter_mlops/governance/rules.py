"""What rules ask for, held against what is recorded of a version: met, missing or not applicable, and where it is from.

This says which evidence there is. Whether that is enough is for the reader: nothing here judges conformity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_mlops.governance.card import Rows
from jupyter_mlops.governance.dossier import Dossier
from jupyter_mlops.records import LedgerEntry

Status = Literal["met", "missing", "not applicable"]
NOTE = (
    "Each line says which record answers a requirement, or that none does. It is evidence for a reviewer, and no judgement "
    "of conformity. Article numbers are of Regulation (EU) 2024/1689; SR 26-2 is the guidance of April 2026 on model risk."
)


@dataclass(frozen=True)
class Field:
    """One thing a rule asks for. `find` gives what is recorded, or nothing; `source` says where that is from."""

    rule: str
    asks: str
    field: str
    source: str
    find: Callable[[Dossier], Any]
    applies: Callable[[Dossier], bool] = lambda _d: True


def _said(name: str) -> Callable[[Dossier], Any]:
    return lambda d: d.asked.get(name)


def _evidence(find: Callable[[Any], Any]) -> Callable[[Dossier], Any]:
    return lambda d: find(d.evidence) if d.evidence else None


def _data(d: Dossier) -> Any:
    return (
        "; ".join(f"{x.name} {x.digest[:12]} ({x.rows} rows)" for x in d.run.datasets)
        if d.run and d.run.datasets
        else None
    )


def _groups(d: Dossier) -> Any:
    slices = sorted({e.slice for e in d.evidence.estimates if e.slice}) if d.evidence else []
    return ", ".join(slices[:12]) or None


def _fairness(d: Dossier) -> Any:
    found = [g.sentence for g in d.evidence.gates if "difference" in g.gate or "ratio" in g.gate] if d.evidence else []
    return "; ".join(found) or None


def _sensitive(d: Dossier) -> bool:
    return bool(d.target and d.target.spec.data.sensitive)


def _in_service(d: Dossier) -> bool:
    return bool(d.version.aliases)


def _risky(d: Dossier) -> bool:
    return d.risk in ("high", "")


def _approved(d: Dossier) -> Any:
    state = d.standing.get("state")
    names = [
        v["by"] for p in d.standing.get("policies", []) for v in p["votes"] if v["state"] == "counts" and v["approve"]
    ]
    return f"by {', '.join(sorted(set(names)))}" if state == "approved" and names else None


def _reasons(d: Dossier) -> Any:
    moves = [e for e in d.history if e.action == "set alias" and e.reason]
    return f"moves with who, when and why: {_last(moves)}" if moves else None


def _last(found: list[LedgerEntry]) -> str:
    return f"ledger entries {', '.join(str(e.seq) for e in found[-8:])}"


def _way_back(d: Dossier) -> Any:
    held = {e.after["version"] for e in d.history if e.action == "set alias" and e.after["alias"] == "champion"}
    others = sorted(held - {d.version.version})
    return f"versions that were champion before: {', '.join(map(str, others))}" if others else None


def _monitor(d: Dossier) -> Any:
    if d.target is None:
        return None
    m = d.target.spec.monitor
    return f"window {m.window}, drift effect {m.drift.effect:g}, performance may lose {m.performance.loses:.0%}"


def _first(text: str) -> Callable[[Dossier], Any]:
    return lambda d: {"digest": d.version.digest, "code": f"{len(d.code.splitlines())} lines" if d.code else None}[text]


def _changes(d: Dossier) -> Any:
    found = [e for e in d.of_version if e.action in ("create version", "change version")]
    return _last(found) if found else None


def _developer(d: Dossier) -> Any:
    made = [e.actor for e in d.of_version if e.action == "create version"]
    trained = d.run.tags.get("mlflow.user") if d.run else None
    words = [f"trained by {trained}" if trained else "", f"registered by {made[-1]}" if made else ""]
    return ", ".join(word for word in words if word) or None


def _validated(d: Dossier) -> Any:
    found = [e for e in d.of_version if e.action == "validated"]
    return f"{found[-1].at:%Y-%m-%d} by {found[-1].actor}, ledger entry {found[-1].seq}" if found else None


def _findings(d: Dossier) -> Any:
    if not d.alerts:
        return "it is watched, and nothing was found" if d.points else None
    waiting = [a for a in d.alerts if a.state in ("open", "acknowledged")]
    return f"{len(waiting)} of {len(d.alerts)} alerts wait for a person"


def _exposure(d: Dossier) -> Any:
    value = d.target.spec.value if d.target else None
    return f"{value.amount:g} {value.currency} a {value.per} ({value.source or 'source not said'})" if value else None


def _status(d: Dossier) -> Any:
    return f"in service as {', '.join(d.version.aliases)}" if d.version.aliases else "registered, not in service"


def _packages(d: Dossier) -> Any:
    return f"{len(d.requirements)} packages" if d.requirements else None


def _nowhere(_d: Dossier) -> Any:
    return None


_LEDGER, _CARD, _RUN, _EVIDENCE, _YAML = "the ledger", "mlops.yaml, card", "the run", "the evidence", "mlops.yaml"
_NO_FIELD = "not recorded by this product"

FIELDS: tuple[Field, ...] = (
    Field("EU AI Act Art. 9", "risks known and managed", "risks", _CARD, _said("risks"), _risky),
    Field(
        "EU AI Act Art. 9", "groups that may be affected", "affected_groups", _CARD, _said("affected_groups"), _risky
    ),
    Field("EU AI Act Art. 9", "foreseeable misuse", "foreseeable_misuse", _CARD, _said("foreseeable_misuse"), _risky),
    Field("EU AI Act Art. 10", "data used, fixed by digest", "datasets", _RUN, _data),
    Field("EU AI Act Art. 10", "origin of the data", "data_origin", _CARD, _said("data_origin"), _risky),
    Field("EU AI Act Art. 10", "licence of the data", "data_licence", _CARD, _said("data_licence"), _risky),
    Field("EU AI Act Art. 10", "whether data are personal", "personal_data", _CARD, _said("personal_data"), _risky),
    Field("EU AI Act Art. 10", "examination for bias", "fairness gates", _EVIDENCE, _fairness, _sensitive),
    Field("EU AI Act Art. 11, Annex IV 1", "intended purpose", "purpose", _YAML, _said("purpose")),
    Field("EU AI Act Annex IV 1", "version and its files", "digest", "the registry", _first("digest")),
    Field("EU AI Act Annex IV 1", "whom it is for", "users", _CARD, _said("users"), _risky),
    Field("EU AI Act Annex IV 1", "provider", "provider", _CARD, _said("provider"), _risky),
    Field("EU AI Act Annex IV 2", "development: code", "slice", _RUN, _first("code")),
    Field(
        "EU AI Act Annex IV 2",
        "development: parameters",
        "parameters",
        _RUN,
        lambda d: d.run and ", ".join(sorted(d.run.parameters)),
    ),
    Field(
        "EU AI Act Annex IV 2",
        "environment",
        "requirements",
        _RUN,
        _packages,
    ),
    Field(
        "EU AI Act Annex IV 2",
        "validation: on which data, with which result",
        "evidence",
        _EVIDENCE,
        _evidence(lambda e: f"{e.data.rows} rows, {e.data.digest[:12]}: {e.verdict}"),
    ),
    Field("EU AI Act Annex IV 3", "capabilities and limits", "limitations", _CARD, _said("limitations")),
    Field("EU AI Act Annex IV 3", "performance by group", "slices", _EVIDENCE, _groups, _sensitive),
    Field(
        "EU AI Act Annex IV 4",
        "metrics that are judged, with their limits",
        "gates",
        _EVIDENCE,
        _evidence(lambda e: "; ".join(g.gate for g in e.gates)),
    ),
    Field("EU AI Act Annex IV 4", "why these metrics are apt", "-", _NO_FIELD, _nowhere, _risky),
    Field("EU AI Act Annex IV 5", "risk management", "risks", _CARD, _said("risks"), _risky),
    Field("EU AI Act Annex IV 6", "changes through its life", "versions", _LEDGER, _changes),
    Field("EU AI Act Annex IV 7", "standards applied", "standards", _CARD, _said("standards"), _risky),
    Field("EU AI Act Annex IV 8", "EU declaration of conformity", "-", _NO_FIELD, _nowhere, _risky),
    Field("EU AI Act Annex IV 9, Art. 72", "monitoring plan", "monitor", _YAML, _monitor),
    Field(
        "EU AI Act Art. 12, 19",
        "events recorded by themselves",
        "ledger",
        _LEDGER,
        lambda d: f"{len(d.history)} entries" if d.history else None,
    ),
    Field("EU AI Act Art. 19, 26(6)", "how long events are kept", "retention", _CARD, _said("retention"), _risky),
    Field("EU AI Act Art. 13", "instructions for use", "instructions", _CARD, _said("instructions"), _risky),
    Field("EU AI Act Art. 13", "limits", "limitations", _CARD, _said("limitations")),
    Field("EU AI Act Art. 14", "human oversight", "human_oversight", _CARD, _said("human_oversight"), _risky),
    Field("EU AI Act Art. 14", "who may stop it", "who_may_stop", _CARD, _said("who_may_stop"), _risky),
    Field(
        "EU AI Act Art. 15",
        "accuracy with its uncertainty",
        "estimates",
        _EVIDENCE,
        _evidence(
            lambda e: "; ".join(
                f"{x.metric} {x.value:.4g} ({x.low:.4g} to {x.high:.4g}, n={x.n})" for x in e.estimates if not x.slice
            )
        ),
    ),
    Field("EU AI Act Art. 15", "files fixed, checked when loaded", "digest", "the registry", _first("digest")),
    Field("EU AI Act Art. 15", "robustness to changed inputs", "-", _NO_FIELD, _nowhere, _risky),
    Field(
        "EU AI Act Art. 17",
        "policy in force when decided",
        "policy",
        _LEDGER,
        lambda d: ", ".join(f"{p['policy']} {p['digest'][:12]}" for p in d.standing.get("policies", [])) or None,
    ),
    Field("EU AI Act Art. 26", "put in service: when and by whom", "deployment", _LEDGER, _reasons, _in_service),
    Field(
        "EU AI Act Art. 72",
        "monitoring results",
        "points",
        "the monitors",
        lambda d: f"{len(d.points)} figures" if d.points else None,
        _in_service,
    ),
    Field("SR 26-2: inventory", "owner", "owner", _YAML, _said("owner")),
    Field("SR 26-2: inventory", "purpose", "purpose", _YAML, _said("purpose")),
    Field("SR 26-2: inventory", "materiality", "risk", _YAML, lambda d: d.risk or None),
    Field("SR 26-2: inventory", "limits on use", "out_of_scope", _CARD, _said("out_of_scope")),
    Field("SR 26-2: inventory", "version", "version", "the registry", lambda d: d.name),
    Field("SR 26-2: inventory", "developer", "developer", "the run, the ledger", _developer),
    Field("SR 26-2: inventory", "users", "users", _CARD, _said("users")),
    Field("SR 26-2: inventory", "vendor", "provider", _CARD, _said("provider")),
    Field("SR 26-2: inventory", "exposure", "value", _YAML, _exposure),
    Field("SR 26-2: inventory", "inputs and output", "datasets", _RUN, _data),
    Field("SR 26-2: inventory", "dependencies", "requirements", _RUN, _packages),
    Field("SR 26-2: inventory", "status", "aliases", "the registry", _status),
    Field("SR 26-2: inventory", "last validation", "validated", _LEDGER, _validated),
    Field("SR 26-2: inventory", "next review", "-", _NO_FIELD, _nowhere),
    Field("SR 26-2: inventory", "open findings", "alerts", "the monitors", _findings, _in_service),
    Field("SR 26-2: validation", "conceptual soundness", "-", _NO_FIELD, _nowhere),
    Field(
        "SR 26-2: validation",
        "outcome",
        "verdict",
        _EVIDENCE,
        _evidence(lambda e: f"{e.verdict}, {len(e.gates)} gates, {e.digest[:12]}"),
    ),
    Field("SR 26-2: effective challenge", "judged by others than its author", "approvals", _LEDGER, _approved),
    Field(
        "SR 26-2: ongoing monitoring",
        "drift and outcomes watched",
        "points",
        "the monitors",
        lambda d: f"{len(d.points)} figures" if d.points else None,
        _in_service,
    ),
    Field(
        "21 CFR 11.10(e)",
        "audit trail: who, when, what, before, after",
        "ledger",
        _LEDGER,
        lambda d: f"entries {d.history[0].seq} to {d.history[-1].seq}" if d.history else None,
    ),
    Field("21 CFR 11.50, 11.70", "signature with its meaning, bound to the record", "approvals", _LEDGER, _approved),
    Field(
        "21 CFR 11.200",
        "signed by log-in again at signing",
        "-",
        _NO_FIELD,
        _nowhere,
    ),
    Field("NIST AI RMF GOVERN 1.6", "in the inventory", "registry", "the registry", lambda d: d.name),
    Field("NIST AI RMF MAP 1.1", "intended use", "intended_use", _CARD, _said("intended_use")),
    Field(
        "NIST AI RMF MEASURE 2.3",
        "performance measured",
        "estimates",
        _EVIDENCE,
        _evidence(lambda e: f"{len(e.estimates)} estimates on {e.data.rows} rows"),
    ),
    Field("NIST AI RMF MEASURE 2.11", "fairness measured", "fairness gates", _EVIDENCE, _fairness, _sensitive),
    Field(
        "NIST AI RMF MANAGE 2.4",
        "it can be taken back",
        "rollback",
        _LEDGER,
        _way_back,
        _in_service,
    ),
    Field("NIST AI RMF MANAGE 4.1", "monitored after it is in service", "monitor", _YAML, _monitor),
    Field("ISO/IEC 42001 A.6.2.4", "verified and validated", "evidence", _EVIDENCE, _evidence(lambda e: e.digest)),
    Field(
        "ISO/IEC 42001 A.6.2.8",
        "event logs",
        "ledger",
        _LEDGER,
        lambda d: f"{len(d.history)} entries" if d.history else None,
    ),
    Field("ISO/IEC 42001 A.7", "data for AI systems", "datasets", _RUN, _data),
    Field("ISO/IEC 42001 A.8", "information for those who use it", "contact", _CARD, _said("contact")),
    Field(
        "GDPR Art. 6, 30",
        "legal basis",
        "legal_basis",
        _CARD,
        _said("legal_basis"),
        lambda d: d.asked.get("personal_data", "").lower() not in ("no", "none", "false"),
    ),
)


def held_against_rules(d: Dossier) -> list[dict[str, str]]:
    """Each requirement with its status, and what was found; missing is said, never filled in."""
    return [_line(f, d) for f in FIELDS]


def _line(f: Field, d: Dossier) -> dict[str, str]:
    found = f.find(d) if f.applies(d) else None
    status: Status = "not applicable" if not f.applies(d) else "met" if found else "missing"
    value = str(found) if found else ""
    return {"rule": f.rule, "asks": f.asks, "field": f.field, "source": f.source, "status": status, "found": value}


def completeness(lines: list[dict[str, str]]) -> dict[str, int]:
    return {status: sum(x["status"] == status for x in lines) for status in ("met", "missing", "not applicable")}


def rules_sections(lines: list[dict[str, str]]) -> list[tuple[str, Rows]]:
    """The table a reviewer reads, a section for each set of rules."""
    found: dict[str, Rows] = {}
    for x in lines:
        family = next(name for name in _FAMILIES if x["rule"].startswith(name))
        head: Rows = [("Rule", "Asks for", "Status", "Recorded", "From")]
        found.setdefault(family, head).append((x["rule"], x["asks"], x["status"], x["found"] or "-", x["source"]))
    return list(found.items())


_FAMILIES = ("EU AI Act", "SR 26-2", "21 CFR", "NIST AI RMF", "ISO/IEC 42001", "GDPR")
