"""What a model met in production is held against what it learned from: findings are kept, alerts opened."""

from __future__ import annotations

import pandas as pd

from jupyter_mlops.flows.promotion import evidence_of
from jupyter_mlops.flows.rows import read_rows
from jupyter_mlops.ledger import append
from jupyter_mlops.monitoring import monitor
from jupyter_mlops.project import Target
from jupyter_mlops.records import Estimate, ModelVersion, MonitorReport
from jupyter_mlops.registry import load
from jupyter_mlops.serving import InferenceLog, recover, score
from jupyter_mlops.store import Store, database
from jupyter_mlops.validation import estimates_of

ACTOR = "jupyter-mlops monitor"


def score_and_watch(
    store: Store, target: Target, rows: pd.DataFrame, labels: pd.DataFrame | None = None
) -> MonitorReport:
    """Score a period's rows with the champion (logged, once for each id), take in the labels known so far, and judge it."""
    score(store.project, load(store, f"{target.name}@champion"), target, rows)
    log = InferenceLog(store.project)
    if labels is not None:
        log.add_truth(target.model, target.segment, labels.rename(columns={target.spec.data.target: "truth"}))
    return watch(store, target, only=rows.get("inference_id"))


def watch(store: Store, target: Target, *, only: pd.Series | None = None) -> MonitorReport:
    """Judge what was logged for the target's champion (`only` these inference ids), write the points, open the alerts."""
    champion = load(store, f"{target.name}@champion")
    recover(store.project)
    log = InferenceLog(store.project)
    logged = log.rows(target.model, target.segment)
    current = logged[logged["version"] == champion.version.version] if len(logged) else logged
    current = current if only is None else current[current["inference_id"].isin(only.astype(str))]
    known = _with_outcome(target, current, log.truth(target.model, target.segment))
    report = monitor(
        target,
        champion.version.version,
        read_rows(store.project.path(target.spec.data.training, target)),
        current,
        estimates_of(target, known, known["prediction"].to_numpy()) if len(known) else [],
        reference_metric=reference_metric(store, target, champion.version),
        features=champion.features,
        coverage=len(known) / max(1, len(current)),
    )
    return _keep(store, target, report)


def _with_outcome(target: Target, current: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """The rows whose outcome is known, with it under the target's own name. Ids nobody was answered with match nothing."""
    outcome = truth[["inference_id", "truth"]].rename(columns={"truth": target.spec.data.target})
    return current.merge(outcome, on="inference_id", how="inner")


def main_metric(target: Target) -> str:
    """The metric the target is watched by: the one declared, else that of its first gate."""
    named = target.spec.monitor.performance.metric
    gated = next((gate.metric for gate in target.spec.gates if gate.metric), None)
    return named or gated or {"regression": "mae", "classification": "auc", "ranking": "ndcg@10"}[target.spec.task]


def reference_metric(store: Store, target: Target, champion: ModelVersion) -> Estimate | None:
    """What the champion was promoted on: its evidence's estimate of the metric that is watched."""
    evidence = evidence_of(store, champion)
    if evidence is None:
        return None
    wanted = main_metric(target)
    return next((e for e in evidence.estimates if e.metric == wanted and not e.slice), None)


def _keep(store: Store, target: Target, report: MonitorReport) -> MonitorReport:
    base = database(store.project)
    base.add_points(report.points)
    known = {alert.alert_id for alert in base.alerts()}
    alerts = [
        base.open_alert(target.model, target.segment, v.kind, v.what, v.sentence, v.severity) for v in report.violations
    ]
    for alert in alerts:
        if alert.alert_id not in known:
            with base.begin() as connection:
                append(
                    connection,
                    actor=ACTOR,
                    action="alert opened",
                    subject=f"{target.name}/{report.version}",
                    after={"kind": alert.kind, "what": alert.what, "severity": alert.severity},
                    reason=alert.sentence,
                )
    return report.model_copy(update={"alerts": alerts})
