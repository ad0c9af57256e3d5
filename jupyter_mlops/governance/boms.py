"""What a version is made of and came from, in other tools' formats: CycloneDX 1.6 (ML-BOM) and OpenLineage 2-0-2 events."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from jupyter_mlops.governance.dossier import Dossier
from jupyter_mlops.records import Dataset

_NAMESPACE = uuid.UUID("6d6c6f70-7300-4000-8000-6a7570797465")
_LINEAGE = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_PRODUCER = "https://pypi.org/project/jupyter-mlops"


def cyclonedx(d: Dossier) -> dict[str, Any]:
    """The model with its card, its data and its packages; the same version gives the same serial number."""
    known = f"model:{d.name}"
    packages = [p for p in (_package(line) for line in d.requirements) if p]
    data = [_data(x) for x in _datasets(d)]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, d.name + d.version.digest)}",
        "version": 1,
        "metadata": {"timestamp": d.version.created.isoformat(), "component": _model(d, known, data)},
        "components": [*data, *packages],
        "dependencies": [{"ref": known, "dependsOn": [c["bom-ref"] for c in (*data, *packages)]}],
    }


def _model(d: Dossier, ref: str, data: list[dict[str, Any]]) -> dict[str, Any]:
    metrics = [
        {
            "type": e.metric,
            "value": f"{e.value:.6g}",
            **({"slice": e.slice} if e.slice else {}),
            "confidenceInterval": {"lowerBound": f"{e.low:.6g}", "upperBound": f"{e.high:.6g}"},
        }
        for e in (d.evidence.estimates if d.evidence else [])
    ]
    considerations = {
        name: [d.asked[key]]
        for name, key in (("users", "users"), ("useCases", "intended_use"), ("technicalLimitations", "limitations"))
        if d.asked.get(key)
    }
    card: dict[str, Any] = {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": d.target.spec.task if d.target else "unknown",
            "datasets": [{"ref": x["bom-ref"]} for x in data],
        },
        "quantitativeAnalysis": {"performanceMetrics": metrics},
        "considerations": considerations,
    }
    found: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": ref,
        "name": d.version.model,
        "version": str(d.version.version),
        "modelCard": card,
        "properties": [{"name": f"jupyter-mlops:file:{name}", "value": h} for name, h in sorted(d.files.items())],
    }
    if d.version.digest:
        found["hashes"] = [{"alg": "SHA-256", "content": d.version.digest}]
    return found


def _datasets(d: Dossier) -> list[Dataset]:
    return list({f"{x.context}:{x.name}:{x.digest}": x for x in d.data}.values())


def _data(x: Dataset) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": f"data:{x.context}:{x.name}:{x.digest}",
        "name": x.name,
        "description": f"{x.context} data, {x.rows} rows, digest {x.digest}",
        "data": [
            {"type": "dataset", "name": x.name, "contents": {"properties": [{"name": "source", "value": x.source}]}}
        ],
    }


def _package(line: str) -> dict[str, Any] | None:
    name, _, version = line.partition("==")
    if not version:
        return None
    purl = f"pkg:pypi/{name.strip().lower().replace('_', '-')}@{version.strip()}"
    return {"type": "library", "bom-ref": purl, "name": name.strip(), "version": version.strip(), "purl": purl}


def openlineage(d: Dossier) -> list[dict[str, Any]]:
    """START and the end of the training run, with what it read and the version it made."""
    if d.run is None:
        return []
    ending = {"FINISHED": "COMPLETE", "FAILED": "FAIL", "KILLED": "ABORT"}.get(d.run.status)
    times: list[tuple[str, datetime]] = [("START", d.run.started)]
    if ending and d.run.ended:
        times.append((ending, d.run.ended))
    return [_event(d, kind, at) for kind, at in times]


def _event(d: Dossier, kind: str, at: datetime) -> dict[str, Any]:
    assert d.run
    space = f"jupyter-mlops://{d.project}"
    return {
        "eventType": kind,
        "eventTime": at.isoformat(),
        "producer": _PRODUCER,
        "schemaURL": _LINEAGE,
        "run": {
            "runId": str(uuid.UUID(d.run.run_id))
            if len(d.run.run_id) == 32
            else str(uuid.uuid5(_NAMESPACE, d.run.run_id))
        },
        "job": {"namespace": space, "name": d.run.experiment},
        "inputs": [{"namespace": space, "name": f"{x.source}#{x.digest}"} for x in d.run.datasets],
        "outputs": [{"namespace": space, "name": f"models/{d.name}"}] if kind == "COMPLETE" else [],
    }
