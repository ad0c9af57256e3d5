"""Gates on where the model comes from: the quality of its training rows, rows it saw before, and how old they are.

These are counts, not samples of something, so they pass or fail; without the training rows they are not run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.project import FreshnessGate, LeakageGate, QualityGate
from jupyter_mlops.records import GateResult
from jupyter_mlops.validation.case import Case


def quality_gate(gate: QualityGate, case: Case) -> list[GateResult]:
    """Nulls of the worst column, copies among the rows, and how many rows there are."""
    rows = case.training
    if rows is None or not len(rows):
        return [_not_run("quality of the training rows")]
    results = []
    if gate.min_rows is not None:
        said = f"there are {len(rows):,} training rows, at least {gate.min_rows:,} are asked"
        results.append(_fact("training rows", len(rows) >= gate.min_rows, said, len(rows), gate.min_rows))
    if gate.nulls is not None:
        shares = rows.isna().mean()
        worst = str(shares.idxmax())
        share = float(shares.max())
        said = (
            f"{share:.1%} of column {worst!r} is null in training, the most of all; at most {gate.nulls:.1%} is asked"
        )
        results.append(_fact("nulls in training", share <= gate.nulls, said, share, gate.nulls))
    if gate.duplicates is not None:
        share = float(np.mean(pd.Series(_prints(rows, list(rows.columns))).duplicated()))
        said = f"{share:.1%} of the training rows are copies of others, at most {gate.duplicates:.1%} is asked"
        results.append(_fact("copies in training", share <= gate.duplicates, said, share, gate.duplicates))
    return results


def leakage_gate(gate: LeakageGate, case: Case) -> list[GateResult]:
    """Evaluation rows and entities that the model was trained on, and features that are the outcome itself."""
    rows, training, data = case.judged.rows, case.training, case.judge.target.spec.data
    if training is None or not len(training):
        return [_not_run("leakage")]
    shared = [c for c in rows.columns if c in training.columns and c != "inference_id"]
    share = float(np.isin(_prints(rows, shared), _prints(training, shared)).mean())
    said = f"{share:.1%} of the evaluation rows are training rows too, at most {gate.rows:.1%} is asked"
    results = [_fact("leakage of rows", share <= gate.rows, said, share, gate.rows)]
    if gate.entities is not None and data.entity and data.entity in training.columns:
        known = set(training[data.entity].astype(str))
        share = float(np.mean([e in known for e in rows[data.entity].astype(str).unique()]))
        said = f"{share:.1%} of the entities in evaluation were trained on, at most {gate.entities:.1%} is asked"
        results.append(_fact("leakage of entities", share <= gate.entities, said, share, gate.entities))
    outcome = rows[data.target].astype(str)
    copies = [c for c in case.judge.features(rows) if c in rows and (rows[c].astype(str) == outcome).mean() > 0.999]
    said = f"column {copies[0]!r} is the outcome itself" if copies else "no column the model is given is the outcome"
    return [*results, _fact("leakage of the outcome", not copies, said, len(copies), 0)]


def freshness_gate(gate: FreshnessGate, case: Case) -> list[GateResult]:
    """How far the newest training row lies behind the newest evaluation row; no clock is asked."""
    column, training = case.judge.target.spec.data.timestamp, case.training
    if column is None or training is None or column not in training or column not in case.judged.rows:
        return [_not_run("freshness", "a timestamp in training and evaluation rows")]
    newest = [pd.to_datetime(rows[column], errors="coerce", utc=True).max() for rows in (training, case.judged.rows)]
    if any(pd.isna(moment) for moment in newest):
        return [_not_run("freshness", f"times in column {column!r}")]
    age = (newest[1] - newest[0]).total_seconds() / 86400
    most = gate.max_age.total_seconds() / 86400
    said = f"the newest training row is {age:.3g} days older than the newest evaluation row, at most {most:g} are asked"
    return [_fact("freshness", age <= most, said, age, most)]


def _prints(rows: pd.DataFrame, columns: list[str]) -> NDArray[np.uint64]:
    """A fingerprint of each row, the same however a number is typed."""
    alike = {c: _alike(rows[c]) for c in columns}
    return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(alike), index=False), dtype=np.uint64)


def _alike(column: pd.Series[Any]) -> Any:
    if column.dtype.kind in "iufb":
        return column.to_numpy(dtype=np.float64) + 0.0
    return column.astype(object).where(column.notna(), "").astype(str).to_numpy(dtype=object)


def _fact(gate: str, holds: bool, sentence: str, value: float, limit: float) -> GateResult:
    figures = {"value": float(value), "limit": float(limit)}
    return GateResult(gate=gate, verdict="pass" if holds else "fail", sentence=sentence, figures=figures)


def _not_run(gate: str, lacking: str = "the training rows (`data.training`)") -> GateResult:
    return GateResult(gate=gate, verdict="not run", sentence=f"{gate} was not judged: it needs {lacking}")
