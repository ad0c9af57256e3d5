"""Evidence: everything a decision rests on, with a digest. The same inputs give the same bytes."""

from __future__ import annotations

import hashlib
import math
from typing import Any, Literal

import numpy as np
import pandas as pd
import rfc8785

from jupyter_mlops.project import Target, VersusChampion
from jupyter_mlops.records import Comparison, Dataset, Evidence
from jupyter_mlops.stats import HIGHER_IS_BETTER, paired_interval
from jupyter_mlops.store import predict
from jupyter_mlops.validation.gates import judge
from jupyter_mlops.validation.measure import FEWEST, METRICS, Judged, measure, prepare, slices


def validate(
    target: Target,
    version: int,
    model: Any,
    rows: pd.DataFrame,
    dataset: Dataset,
    *,
    champion: tuple[int, Any] | None = None,
    seed: int = 0,
) -> Evidence:
    """Judge a version on rows it never saw, paired with the champion on the same rows if there is one.

    Raises BadInput when the rows or the model's answers cannot be judged at all.
    """
    judged = prepare(target, rows)
    prediction = _predictions(target, model, rows)
    estimates = measure(judged, prediction, seed=seed)
    columns = dict.fromkeys([*(c for gate in target.spec.gates for c in gate.slices), *target.spec.data.sensitive])
    for name, where in slices(judged, list(columns)):
        estimates += measure(judged, prediction, where=where, name=name, seed=seed)
    comparisons = []
    if champion is not None:
        comparisons = _compare(target, judged, prediction, _predictions(target, champion[1], rows), champion[0], seed)
    evidence = Evidence(
        model=target.name,
        version=version,
        task=target.spec.task,
        data=dataset,
        seed=seed,
        estimates=estimates,
        comparisons=comparisons,
        gates=judge(target.spec.gates, judged, prediction, estimates, comparisons, seed),
    )
    return evidence.model_copy(update={"digest": digest(evidence)})


def digest(evidence: Evidence) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of everything but the digest itself."""
    body = evidence.model_dump(mode="json", exclude={"digest"})
    return hashlib.sha256(rfc8785.dumps(body)).hexdigest()


def _predictions(target: Target, model: Any, rows: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    names = getattr(model, "feature_names_in_", None)
    data = target.spec.data
    not_features = {data.target, data.timestamp, data.entity, "inference_id"}
    features = [str(n) for n in names] if names is not None else [c for c in rows.columns if c not in not_features]
    return predict(model, rows, features)


def _compare(target: Target, judged: Judged, new: Any, old: Any, old_version: int, seed: int) -> list[Comparison]:
    asked = {g.metric: g.versus_champion for g in target.spec.gates if g.metric and g.versus_champion}
    found = []
    for metric in METRICS[judged.task]:
        rule = asked.get(metric.name)
        if rule is None:
            continue
        mine, theirs = judged.parts(metric, new), judged.parts(metric, old)
        sign = 1.0 if HIGHER_IS_BETTER[metric.name] else -1.0
        answer = paired_interval(mine, theirs, metric.combine, confidence=2 * rule.confidence - 1, seed=seed)
        low, high = sorted((sign * answer.low, sign * answer.high))
        standing = float(metric.combine(theirs.sum(axis=0)))
        found.append(_verdict(metric.name, rule, sign * answer.value, low, high, answer.n, abs(standing), old_version))
    return found


def _standing(low: float, high: float, margin: float) -> Literal["better", "not worse", "worse", "inconclusive"]:
    if low > 0:
        return "better"
    if low >= -margin:
        return "not worse"
    return "worse" if high < -margin else "inconclusive"


def _verdict(
    metric: str, rule: VersusChampion, difference: float, low: float, high: float, n: int, standing: float, old: int
) -> Comparison:
    """Better, not worse by the margin, worse, or inconclusive: by the one-sided bounds at the rule's confidence."""
    margin = rule.not_worse_by * standing
    needed = None
    verdict: Literal["better", "not worse", "worse", "inconclusive"] = "inconclusive"
    if n >= FEWEST and math.isfinite(low) and math.isfinite(high):
        verdict = _standing(low, high, margin)
    if verdict == "inconclusive" and n >= FEWEST:
        distance = abs(difference + margin)
        # Halving an interval takes four times the cases; beyond a thousand times more, no number would be honest.
        needed = math.ceil(n * ((difference - low) / distance) ** 2) if distance > (difference - low) / 32 else None
    return Comparison(
        metric=metric,
        champion_version=old,
        difference=difference,
        low=low,
        high=high,
        n=n,
        verdict=verdict,
        rows_needed=needed,
    )
