"""One window of one segment, judged: first whether the feed is whole, then whether it drifted, then how well the model did.

Pure: rows and rules in, a report out. What is found is said in sentences a manager understands, with the figures behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring import causes
from jupyter_mlops.monitoring.arriving import Arrivals, arrived, repeated, same_ids
from jupyter_mlops.monitoring.attributing import AttributionDrift
from jupyter_mlops.monitoring.behaving import NEED_NO_OUTCOME
from jupyter_mlops.monitoring.comparing import DriftReport, drift
from jupyter_mlops.monitoring.constraints import Constraints, violated
from jupyter_mlops.monitoring.profiles import Profile
from jupyter_mlops.monitoring.quality import broken, faults
from jupyter_mlops.monitoring.reading import profile
from jupyter_mlops.project import Target
from jupyter_mlops.records import Estimate, MetricPoint, MonitorReport, PerformanceEstimate, Verdict, Violation
from jupyter_mlops.stats import higher_is_better, simes

ID = "inference_id"
FEWEST = 30
WORDS = {
    "ndcg@10": "ranking quality",
    "precision@10": "precision of the ten best",
    "recall@10": "recall of the ten best",
    "mae": "average error",
    "rmse": "typical error",
    "auc": "separation",
    "accuracy": "accuracy",
}


def monitor(
    target: Target,
    version: int,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    estimates: list[Estimate],
    *,
    reference_metric: Estimate | None = None,
    features: list[str],
    coverage: float = 0.0,
    estimated: Sequence[PerformanceEstimate] = (),
    usual_predictions: Any = None,
    span: tuple[datetime, datetime] | None = None,
    weights: Mapping[str, float] | None = None,
    level: float | None = None,
    arrivals: Arrivals | None = None,
    rules: Constraints | None = None,
    ids: pd.Series | None = None,
    attribution: AttributionDrift | None = None,
) -> MonitorReport:
    """Judge `current` (features, prediction, time) against `reference` (training rows).

    `estimates` are the metrics of the rows whose outcome is known, a share `coverage` of all; `reference_metric` is what the
    version was promoted on. `estimated` is what its performance probably is; it is a finding only while outcomes are too few
    to tell. `usual_predictions` is what the model answered to ordinary rows, `span` the window the rows are of (default: from
    the first to the last); `weights` say how much the model leans on each feature; `level` is the rate of false
    discoveries this window may have (default: the one declared); `arrivals` how its rows came, `rules` what a person asks of
    them, `ids` those that were given for them, of which the log keeps each once; `attribution` how far what the model leans on
    moved. Raises BadInput when there are no rows.
    """
    if not len(current):
        raise BadInput(f"{target.name} has logged no rows to judge", "serve it or score rows first")
    start, end = span or _span(current)
    before = profile(_of(reference, features), pairs=target.spec.monitor.drift.pairs)
    now = profile(_of(current, features), pairs=_still_there(before, current))
    violations = [
        *_arrived(target, reference, current, _sound(target, before, now, features), arrivals, ids),
        *broken(before, now, features, target.spec.monitor.quality),
    ]
    violations += _unruly(current, rules, features, {v.what for v in violations})
    report = _drift(target, before, now, features, level)
    point = {"model": target.model, "segment": target.segment, "version": version, "start": start, "end": end}
    points = [
        *_drift_points(report, point, len(current), counted=level is not None),
        *_prediction_point(usual_predictions, current, point),
        *_attribution_point(attribution, point, len(current)),
    ]
    whole = not violations
    if whole:
        violations += _drifted(report, reference, current, target, weights or {})
    points += [_metric_point(e, point, coverage) for e in estimates]
    points += [_estimated_point(e, point) for e in estimated]
    moved = any(column.drifted for column in report.columns) or bool(report.drifted_pairs)
    decayed, told = _performance(target, estimates, reference_metric)
    decayed = [_explained(v, moved, whole, estimated) for v in decayed]
    if not told and not violations:
        decayed = _probably_worse(target, estimated, reference_metric)
    violations += [_worth(v, target, len(current)) for v in decayed]
    verdict: Verdict = "fail" if violations else "pass" if told else "inconclusive"
    return MonitorReport(
        model=target.model,
        segment=target.segment,
        version=version,
        start=start,
        end=end,
        rows=len(current),
        coverage=coverage,
        verdict=verdict,
        points=points,
        violations=violations,
        estimated=list(estimated),
    )


def _sound(target: Target, before: Profile, now: Profile, features: list[str]) -> list[str]:
    """Features that are not broken: rows that are alike because a sensor is stuck did not come twice."""
    return [name for name in features if name not in faults(before, now, [name], target.spec.monitor.quality)]


def _arrived(
    target: Target,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    sound: list[str],
    arrivals: Arrivals | None,
    ids: pd.Series | None,
) -> list[Violation]:
    data, rule = target.spec.data, target.spec.monitor.quality
    names = dict.fromkeys([*sound, *filter(None, (data.entity, data.item, data.timestamp))])
    given = current[ID] if ids is None and ID in current.columns else ids
    return [
        *(arrived(arrivals, rule) if arrivals else []),
        *(same_ids(given, rule) if given is not None else []),
        *(repeated(reference, current, list(names), rule) if sound else []),
    ]


def _unruly(current: pd.DataFrame, rules: Constraints | None, features: list[str], known: set[str]) -> list[Violation]:
    """A finding for each column that breaks a rule, but where its fault is already said. Asked of features and what is logged."""
    if rules is None:
        return []
    asked = {n: r for n, r in rules.columns.items() if n not in known and (n in features or n in current.columns)}
    now = profile(_of(current, list(asked)))
    found = {name: violated(Constraints(columns={name: rule}), now) for name, rule in asked.items()}
    return [
        Violation(
            kind="data-quality",
            what=name,
            sentence=f"{'; '.join(said)}: a rule of the constraints is not kept",
            severity="critical",
            figures={"column": name, "n": len(current), "cause": "data bug"},
        )
        for name, said in found.items()
        if said
    ]


def _still_there(before: Profile, current: pd.DataFrame) -> list[tuple[str, str]]:
    """A pair of which a column is gone, or is no number now, is a broken feed, which is said; it is not paired."""
    numbers = {name for name in current.columns if pd.api.types.is_numeric_dtype(current[name])}
    numbers -= {name for name in numbers if pd.api.types.is_bool_dtype(current[name])}
    return [names for names in before.pairs if numbers >= set(names)]


def _of(frame: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    return frame[[name for name in features if name in frame.columns]]


def _span(current: pd.DataFrame) -> tuple[datetime, datetime]:
    times = pd.to_datetime(current["time"], utc=True).dt.floor("us")  # a datetime holds no nanoseconds
    return times.min().to_pydatetime().astimezone(UTC), times.max().to_pydatetime().astimezone(UTC)


def _drift(target: Target, before: Profile, now: Profile, features: list[str], level: float | None) -> DriftReport:
    rule = target.spec.monitor.drift
    ignore = [*rule.ignore, *(n for n in before.columns if n not in features)]
    return drift(before, now, effect=rule.effect, fdr=level or rule.false_discovery_rate, ignore=ignore)


def _drifted(
    report: DriftReport, reference: pd.DataFrame, current: pd.DataFrame, target: Target, weights: Mapping[str, float]
) -> list[Violation]:
    """All drifted columns are one finding: they are seen, and answered, together."""
    moved = causes.by_weight(report, weights)
    apart = "; ".join(map(str, report.drifted_pairs))
    if not moved:
        return [_came_apart(report, apart)] if apart else []
    effects = {c.name: c.effect for c in report.columns}
    names = ", ".join(f"{name} ({effects[name]:.2f})" for name in moved[:3])
    more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
    began = causes.since(current, moved[0], reference)
    by = [*target.spec.data.sensitive, *(c.name for c in report.columns if c.kind == "categorical")]
    carried = causes.carried_by(current, reference, moved[0], by)
    when = f" since {began:%Y-%m-%d %H:%M} UTC" if began else ""
    where = f", most of it in {carried[0]}" if carried else ""
    figures: dict[str, float | int | str | None] = {"columns": len(moved), "of": len(report.columns)}
    figures |= {"effect": effects[moved[0]], "cause": "covariate", "confidence": 0.9}
    figures |= {"since": began.isoformat() if began else None, "where": carried[0] if carried else None}
    figures["weight"] = sum(weights.get(name, 0.0) for name in moved) if weights else None
    return [
        Violation(
            kind="drift",
            what=moved[0],
            sentence=f"what it is asked about has changed: {names}{more} moved away from the training data{when}{where}"
            + (f"; {apart}" if apart else ""),
            severity="warning",
            figures=figures,
        )
    ]


def _came_apart(report: DriftReport, said: str) -> Violation:
    """No column moved by itself, and yet some no longer move together as they did."""
    most = max(report.drifted_pairs, key=lambda pair: pair.effect or 0.0)
    return Violation(
        kind="drift",
        what=" and ".join(most.columns),
        sentence=f"what it is asked about has changed: {said}",
        severity="warning",
        figures={"columns": 0, "pairs": len(report.drifted_pairs), "effect": most.effect, "cause": "covariate"},
    )


def _explained(v: Violation, moved: bool, whole: bool, estimated: Sequence[PerformanceEstimate]) -> Violation:
    """A loss with its probable cause: a broken feed, other inputs, or the same inputs leading to other outcomes."""
    cause, confidence = causes.kind_of_loss(moved, estimated, v.what) if whole else ("data bug", 0.8)
    because = {
        "data bug": "its feed is broken",
        "covariate": "it meets other cases than it learned from",
        "concept": "the same inputs lead to other outcomes than they did",
    }[cause]
    figures = v.figures | {"cause": cause, "confidence": confidence}
    return v.model_copy(update={"sentence": f"{v.sentence}; probably {because}", "figures": figures})


def _worth(v: Violation, target: Target, rows: int) -> Violation:
    """What the loss is worth where `value:` is declared: the share that the metric lost, of what these rows should earn."""
    value = target.spec.value
    before, now = (float(v.figures[name] or 0.0) for name in ("before", "value"))
    if value is None or not before or not now:
        return v
    lost = 1 - now / before if higher_is_better(v.what) else 1 - before / now
    whole = rows * value.amount
    at_stake = round(whole * min(1.0, max(0.0, lost)), 2)
    told = f"; about {at_stake:,.0f} of {whole:,.0f} {value.currency} in this window, if value falls as the metric does"
    figures = v.figures | {"metric_change": now - before, "value_at_stake": at_stake, "currency": value.currency}
    return v.model_copy(update={"sentence": v.sentence + told, "figures": figures})


def _performance(target: Target, estimates: list[Estimate], promised: Estimate | None) -> tuple[list[Violation], bool]:
    """Worse than promised by more than the rule allows, beyond the interval's doubt; and whether one could tell at all."""
    found = next((e for e in estimates if promised and e.metric == promised.metric and not e.slice), None)
    if promised is None or found is None or found.n < FEWEST:
        return [], False
    allowed = target.spec.monitor.performance.loses * abs(promised.value)
    better_high = higher_is_better(found.metric)
    worse = found.high < promised.value - allowed if better_high else found.low > promised.value + allowed
    if not worse:
        return [], True
    word = WORDS.get(found.metric, found.metric)
    return [
        Violation(
            kind="performance",
            what=found.metric,
            sentence=(
                f"{word} {'fell' if better_high else 'rose'} from {promised.value:.3g} to {found.value:.3g} "
                f"({found.low:.3g} to {found.high:.3g}, {found.n:,} cases)"
            ),
            severity="critical",
            figures={
                "before": promised.value,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "n": found.n,
            },
        )
    ], True


def _prediction_point(usual: Any, current: pd.DataFrame, point: dict[str, Any]) -> list[MetricPoint]:
    """How far the answers moved: the first sign of trouble that needs no outcome, and no finding by itself."""
    if usual is None or not len(usual):
        return []
    answers = (pd.DataFrame({"prediction": np.asarray(x)}) for x in (usual, current["prediction"]))
    [moved] = drift(*answers).columns
    return [MetricPoint(**point, metric="prediction_drift", value=moved.effect, n=len(current))]


def _attribution_point(found: AttributionDrift | None, point: dict[str, Any], rows: int) -> list[MetricPoint]:
    """As the answers' own move, no finding by itself."""
    return [MetricPoint(**point, metric="attribution_drift", value=found.moved, n=rows)] if found else []


def _probably_worse(
    target: Target, estimated: Sequence[PerformanceEstimate], promised: Estimate | None
) -> list[Violation]:
    found = next((e for e in estimated if promised and e.metric == promised.metric), None)
    if promised is None or found is None or found.n < FEWEST:
        return []
    allowed = target.spec.monitor.performance.loses * abs(promised.value)
    better_high = higher_is_better(found.metric)
    worse = found.high < promised.value - allowed if better_high else found.low > promised.value + allowed
    if not worse:
        return []
    word = WORDS.get(found.metric, found.metric)
    return [
        Violation(
            kind="estimated-performance",
            what=found.metric,
            sentence=(
                f"{word} has probably {'fallen' if better_high else 'risen'} from {promised.value:.3g} to {found.value:.3g} "
                f"({found.low:.3g} to {found.high:.3g}); too few outcomes are known to tell. Assumed: {found.assumption}"
            ),
            severity="warning",
            figures={
                "before": promised.value,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "n": found.n,
            },
        )
    ]


def _estimated_point(e: PerformanceEstimate, point: dict[str, Any]) -> MetricPoint:
    return MetricPoint(**point, metric=f"estimated_{e.metric}", value=e.value, low=e.low, high=e.high, n=e.n)


def _metric_point(e: Estimate, point: dict[str, Any], coverage: float) -> MetricPoint:
    known = None if e.metric in NEED_NO_OUTCOME else coverage
    figures = {"value": e.value, "low": e.low, "high": e.high, "n": e.n}
    return MetricPoint(**point, metric=e.metric, slice=e.slice, **figures, coverage=known)


def _drift_points(report: DriftReport, point: dict[str, Any], rows: int, *, counted: bool) -> list[MetricPoint]:
    """How far the column went that moved most; where windows are `counted`, how probable all these moves were by chance."""
    figures = {"drift": float(np.max([column.effect for column in report.columns], initial=0.0))}
    if counted:
        p_values = [p for column in report.columns if (p := column.figures.get("p_value")) is not None]
        figures["drift_p_value"] = simes(np.array(p_values, dtype=np.float64))
    return [MetricPoint(**point, metric=name, value=value, n=rows) for name, value in figures.items()]
