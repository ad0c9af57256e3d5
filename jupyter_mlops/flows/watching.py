"""What a model met in production is held against what it learned from: findings are kept, alerts opened."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from jupyter_mlops.errors import BadInput
from jupyter_mlops.flows.alerting import raise_alerts
from jupyter_mlops.flows.estimates import Estimator
from jupyter_mlops.flows.promotion import evidence_of
from jupyter_mlops.flows.recording import record_windows
from jupyter_mlops.flows.rows import read_rows
from jupyter_mlops.flows.windows import arrivals, at_event_time, drift_reference, evenly, last_windows, numbers, span
from jupyter_mlops.monitoring import (
    FEWEST,
    Arrivals,
    AttributionDrift,
    Constraints,
    attributions,
    monitor,
    shown_and_taken,
    weights_of,
)
from jupyter_mlops.project import Target
from jupyter_mlops.records import Estimate, ModelVersion, MonitorReport
from jupyter_mlops.registry import load
from jupyter_mlops.serving import InferenceLog, recover, score
from jupyter_mlops.stats import is_extreme, online_level
from jupyter_mlops.store import LoadedModel, Store, database, predict
from jupyter_mlops.validation import estimates_of, fairness_of, prepare

ID = "inference_id"


def score_and_watch(
    store: Store, target: Target, rows: pd.DataFrame, labels: pd.DataFrame | None = None
) -> MonitorReport:
    """Score a period's rows with the champion (logged, once for each id), take in the labels known so far, and judge it."""
    scored = score(store.project, load(store, f"{target.name}@champion"), target, rows)
    if labels is not None:
        take_labels(store, target, labels)
    return watch(store, target, only=scored[ID])


def take_labels(store: Store, target: Target, labels: pd.DataFrame) -> int:
    """Keep these outcomes; of how many logged rows they are. BadInput when they are of none.

    Columns: inference_id, the target's own name or `truth`, and observed_at if known.
    """
    wanted = target.spec.data.target
    named = labels.rename(columns={wanted: "truth"}) if "truth" not in labels.columns else labels
    lacking = [asked for asked, name in ((ID, ID), (wanted, "truth")) if name not in named.columns]
    if lacking:
        raise BadInput(
            f"the labels have no column {lacking[0]!r}",
            f"give {ID} and {wanted}, one row for each outcome",
            columns=[str(name) for name in labels.columns],
        )
    log = InferenceLog(store.project)
    kept = named[[c for c in (ID, "truth", "observed_at") if c in named.columns]].dropna(subset=[ID, "truth"])
    kept = kept.assign(**{ID: kept[ID].astype(str)})
    known = log.known(target.model, target.segment, set(kept[ID]))
    if not known:
        raise BadInput(
            f"none of the {len(labels)} labels is of a row that {target.name} was asked",
            f"check the {ID} column: it must hold the ids that were answered",
            labels=len(labels),
            matched=0,
        )
    log.add_truth(target.model, target.segment, kept)  # an outcome may come before its row was shipped
    return len(known)


def watch(store: Store, target: Target, *, only: pd.Series | None = None) -> MonitorReport:
    """Judge what was logged for the target's champion, write the points, open the alerts; the last window's report.

    The log is cut into windows of `monitor.window`. Those whose outcomes may still come (`labels_within`) are judged again, so
    that late and corrected labels restate history. With `only` (inference ids) those rows are the window.
    """
    champion = load(store, f"{target.name}@champion")
    recover(store.project)
    log = InferenceLog(store.project)
    logged = at_event_time(target, log.rows(target.model, target.segment))
    current = logged[logged["version"] == champion.version.version] if len(logged) else logged
    truth = log.truth(target.model, target.segment)
    windows = last_windows(target, current) if only is None else [current[current[ID].isin(only.astype(str))]]
    reports = _judged(store, target, champion, windows or [current], logged, truth, given=only)
    base = database(store.project)
    for report in reports:
        base.add_points(report.points)
    for report in reports[:-1]:
        base.keep_window(report)
    judged = reports[-1].model_copy(update={"alerts": raise_alerts(store, target, reports[-1])})
    record_windows(store, target, reports)
    return judged


def _judged(
    store: Store,
    target: Target,
    champion: LoadedModel,
    windows: list[pd.DataFrame],
    logged: pd.DataFrame,
    truth: pd.DataFrame,
    given: pd.Series | None,
) -> list[MonitorReport]:
    training = read_rows(store.project.path(target.spec.data.training, target))
    promised = reference_metric(store, target, champion.version)
    estimator = Estimator(store, target, champion)
    weights = weights_of(champion.model, champion.features)
    leaned = _leaned(champion, training)
    reports: list[MonitorReport] = []
    rules, now = _rules(store, target), datetime.now(UTC)
    for rows in map(evenly, windows):
        known = _with_outcome(target, rows, truth)
        realised = estimates_of(target, known, known["prediction"].to_numpy()) if len(known) else []
        lies_in = span(target, rows) if len(rows) else None
        usual = drift_reference(target, logged, *lies_in) if lies_in else None
        usual = None if usual is None else evenly(usual)
        reports.append(
            monitor(
                target,
                champion.version.version,
                training if usual is None else usual,
                rows,
                [
                    *realised,
                    *_by_group(target, known),
                    *_gaps(target, known),
                    *_behaviour(target, rows, known, realised, training),
                ],
                reference_metric=promised,
                features=champion.features,
                coverage=len(known) / max(1, len(rows)),
                estimated=estimator.of(rows, realised),
                usual_predictions=estimator.usual if usual is None else usual["prediction"],
                span=lies_in if given is None else None,
                weights=weights,
                level=_level(store, target, reports, lies_in),
                arrivals=_arrivals(target, logged, rows, now, live=given is None),
                rules=rules,
                ids=given,
                attribution=_attribution(champion, leaned, rows),
            )
        )
    return reports


def _leaned(champion: LoadedModel, rows: pd.DataFrame) -> dict[str, float] | None:
    """What the champion leans on where it answers these rows; None where it cannot, which others say."""
    if len(rows) < FEWEST or not champion.features:
        return None
    try:
        with threadpool_limits(1):
            return attributions(
                lambda asked: predict(champion.model, asked, champion.features), rows, champion.features
            )
    except (BadInput, KeyError, ValueError):  # answers in texts do not move by an amount
        return None


def _attribution(champion: LoadedModel, before: dict[str, float] | None, rows: pd.DataFrame) -> AttributionDrift | None:
    now = _leaned(champion, rows) if before else None
    return AttributionDrift(before, now) if before and now else None


def _arrivals(
    target: Target, logged: pd.DataFrame, rows: pd.DataFrame, now: datetime, *, live: bool
) -> Arrivals | None:
    """None of rows that lie in several windows. Only the last of a log that is live can have become old since."""
    if not len(rows) or numbers(target, rows).nunique() > 1:
        return None
    start, end = span(target, rows)
    last = live and pd.to_datetime(logged["time"], utc=True).max() < end
    return arrivals(target, logged, start, end, now if last else end)


def _rules(store: Store, target: Target) -> Constraints | None:
    file = target.spec.monitor.quality.constraints
    return Constraints.load(store.project.path(file, target)) if file else None


def _level(
    store: Store, target: Target, reports: list[MonitorReport], lies_in: tuple[datetime, datetime] | None
) -> float | None:
    """The rate of false discoveries left to this window by the ones before it, where mlops.yaml asks for that."""
    rule = target.spec.monitor.drift
    if rule.over == "columns" or lies_in is None:
        return None
    kept = database(store.project).points(target.model, target.segment, metric="drift_p_value")
    now = [p for report in reports for p in report.points if p.metric == "drift_p_value"]
    before = {p.start: p.value for p in [*kept, *now] if p.start < lies_in[0]}
    return online_level([before[start] for start in sorted(before)], rule.false_discovery_rate)


def _behaviour(
    target: Target, rows: pd.DataFrame, known: pd.DataFrame, realised: list[Estimate], training: pd.DataFrame
) -> list[Estimate]:
    """What validation already measured on the outcomes is not said twice."""
    measured = {e.metric for e in realised}
    return [e for e in shown_and_taken(target, rows, known, training) if e.metric not in measured]


def _by_group(target: Target, known: pd.DataFrame) -> list[Estimate]:
    """The watched metric within each group of the sensitive columns. Of a group with few outcomes nothing is said."""
    found = []
    for column in target.spec.data.sensitive:
        if column not in known.columns:
            continue
        for value, rows in known.groupby(known[column].astype(str)):
            if len(rows) >= FEWEST:
                own = estimates_of(target, rows, rows["prediction"].to_numpy())
                found += [
                    e.model_copy(update={"slice": f"{column}={value}"}) for e in own if e.metric == main_metric(target)
                ]
    return found


def _gaps(target: Target, known: pd.DataFrame) -> list[Estimate]:
    """Gaps and ratios between the groups of sensitive columns, where at least two are large enough to be judged."""
    outcomes = known[target.spec.data.target].nunique() if len(known) else 0
    numeric = len(known) > 0 and pd.api.types.is_numeric_dtype(known["prediction"])
    if not target.spec.data.sensitive or not numeric or outcomes < 2:
        return []
    scores = known["prediction"].to_numpy(dtype=np.float64)
    try:
        found = fairness_of(prepare(target, known), scores, target.spec.data.sensitive, 0)
    except BadInput:  # more classes than a score tells apart
        return []
    told = []
    for one in found:
        judged = sum(group.judged for group in one.groups)
        where = "" if judged == len(one.groups) else "groups of 100 rows or more"
        told += [g.model_copy(update={"slice": one.by}) for g in one.gaps if judged > 1 and g.slice == where]
    return told


def _with_outcome(target: Target, current: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """The rows whose outcome is known, with it under the target's own name. Ids nobody was answered with match nothing."""
    outcome = truth[[ID, "truth"]].rename(columns={"truth": target.spec.data.target})
    return current.merge(outcome, on=ID, how="inner")


def main_metric(target: Target) -> str:
    """The metric the target is watched by: the one declared, else that of its first gate whose metric has an interval."""
    named = target.spec.monitor.performance.metric
    gated = next((g.metric for g in target.spec.gates if g.metric and not is_extreme(g.metric)), None)
    return named or gated or {"regression": "mae", "classification": "auc", "ranking": "ndcg@10"}[target.spec.task]


def reference_metric(store: Store, target: Target, champion: ModelVersion) -> Estimate | None:
    """What the champion was promoted on: its evidence's estimate of the metric that is watched."""
    evidence = evidence_of(store, champion)
    if evidence is None:
        return None
    wanted = main_metric(target)
    return next((e for e in evidence.estimates if e.metric == wanted and not e.slice), None)
