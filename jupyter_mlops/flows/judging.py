"""What a version is judged on: its files, the champion's, the rows nobody trained on, and the rows it was trained on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import rfc8785

from jupyter_mlops.errors import BadInput, MlopsError, NotFound
from jupyter_mlops.flows.approving import declared_policies
from jupyter_mlops.flows.rows import digest_of, read_rows
from jupyter_mlops.governance import demanded
from jupyter_mlops.project import Gate, Target
from jupyter_mlops.records import Dataset, Evidence, ModelVersion, Reason
from jupyter_mlops.registry import load_version, resolve, version
from jupyter_mlops.store import Store, database
from jupyter_mlops.validation import Judge, drawings, reasons, validate

CHAMPION = "champion"
_BACKGROUND = 200


def judge_version(store: Store, name: str, number: int, data: Path | None = None, *, seed: int = 0) -> Evidence:
    """The evidence of one version, against the champion on the same rows, kept with its run beside its drawings."""
    target = store.project.target(name)
    found = version(store, name, number)
    asked = demands(store, name)
    champion = champion_of(store, name)
    rival = champion if champion and champion.version != number else None
    rows, dataset = evaluation(store, target, data)
    evidence = validate(
        target,
        number,
        _judge(store, target, found),
        rows,
        dataset,
        champion=(rival.version, _judge(store, target, rival)) if rival else None,
        training=training_rows(store, target, [*target.spec.gates, *(gate for _, gate in asked)]),
        demanded=asked,
        seed=seed,
    )
    beside = f"evidence/{evidence.digest}"
    texts = {place(evidence.digest): canonical(evidence)}
    texts |= {f"{beside}/{drawing}": text for drawing, text in drawings(evidence).items()}
    if evidence.timings:
        texts[f"{beside}/timings.json"] = json.dumps(evidence.timings)
    store.log_texts(found.run_id, texts)
    return evidence


def reasons_of(store: Store, name: str, number: int, row: int, data: Path | None = None) -> list[Reason]:
    """Why the version answers one row of the evaluation rows (counted from 0) as it does."""
    target = store.project.target(name)
    rows, _ = evaluation(store, target, data)
    if not 0 <= row < len(rows):
        raise BadInput(f"there is no row {row}; the rows are 0 to {len(rows) - 1}", "name one of those", row=row)
    judge = _judge(store, target, version(store, name, number))
    classes = judge.ask(rows.iloc[[row]]).classes or []
    return reasons(judge, rows.iloc[[row]], rows.sample(min(_BACKGROUND, len(rows)), random_state=0), classes, seed=0)


def demands(store: Store, name: str) -> list[tuple[str, Gate]]:
    """The gates that policies state in full for this model. A server's ledger cannot be read from here: there it is the
    policy files of the project that are held to, and the server that refuses."""
    if store.project.tracking.startswith("sqlite:///"):
        with database(store.project).read() as connection:
            return demanded(connection, name)
    risk = store.project.target(name).spec.risk
    return [pair for p in declared_policies(store.project) if p.covers(name, risk) for pair in p.demands]


def champion_of(store: Store, name: str) -> ModelVersion | None:
    try:
        return resolve(store, f"{name}@{CHAMPION}")
    except NotFound:
        return None


def evaluation(store: Store, target: Target, data: Path | None) -> tuple[pd.DataFrame, Dataset]:
    """The rows that are named, else those declared, and what they are."""
    declared = target.spec.data.evaluation
    if data is None and declared is None:
        raise BadInput(
            f"models.{target.model}.data.evaluation is not declared, so there are no rows to judge {target.name} on",
            "declare it in mlops.yaml, or name a file with --data",
            field="data.evaluation",
        )
    path = data or store.project.path(declared or "", target)
    frame = read_rows(path)
    digest = digest_of(path)
    source = str(path.relative_to(store.project.root)) if path.is_relative_to(store.project.root) else str(path)
    shape = {"rows": len(frame), "columns": frame.shape[1]}
    return frame, Dataset(name=path.stem, digest=digest, source=source, context="evaluation", **shape)


def training_rows(store: Store, target: Target, gates: Sequence[Gate]) -> pd.DataFrame | None:
    """The declared training rows where something that is asked needs them; None where they cannot be read, which the gates
    that need them say."""
    needs = any(gate.quality or gate.leakage or gate.freshness for gate in gates)
    if not needs and target.spec.data.item is None:
        return None
    try:
        return read_rows(store.project.path(target.spec.data.training, target))
    except MlopsError:
        return None


def canonical(evidence: Evidence) -> str:
    """The bytes that are kept: canonical JSON (RFC 8785), so that the same evidence is the same file."""
    content: dict[str, Any] = evidence.model_dump(mode="json")
    return rfc8785.dumps(content).decode()


def place(digest: str) -> str:
    return f"evidence/{digest}.json"


def _judge(store: Store, target: Target, found: ModelVersion) -> Judge:
    loaded = load_version(store, found)
    files = store.model_files(found.tags.get("mlops.model_uri", ""))
    size = sum(path.stat().st_size for path in files.rglob("*") if path.is_file())
    return Judge(loaded.model, target, size, found.digest)
