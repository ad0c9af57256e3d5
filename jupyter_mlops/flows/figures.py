"""The figures that dashboards show, computed once when something changed and kept in the database; pages only read them."""

from __future__ import annotations

from datetime import UTC, datetime

from jupyter_mlops.flows.promotion import evidence_of
from jupyter_mlops.flows.retraining import FAILED, FIRED, REFUSED
from jupyter_mlops.flows.watching import main_metric
from jupyter_mlops.ledger import entries, verify
from jupyter_mlops.project import Target
from jupyter_mlops.records import (
    Alert,
    Evidence,
    GovernanceFigures,
    LedgerEntry,
    MetricPoint,
    ModelFigures,
    ModelVersion,
    MonitoringFigures,
    PortfolioFigures,
    RetrainDecision,
)
from jupyter_mlops.registry import versions
from jupyter_mlops.serving import InferenceLog
from jupyter_mlops.store import Database, Store, database

_DECISIONS = (
    "set alias",
    "delete alias",
    "promotion refused",
    "set alias refused",
    FIRED,
    REFUSED,
    FAILED,
    "alert opened",
)
_SHOWN = 200


def refresh_figures(store: Store) -> PortfolioFigures:
    """Compute and keep what the three pages show; the portfolio is returned."""
    base = database(store.project)
    now = datetime.now(UTC)
    champions = {target.name: _champion(store, target) for target in store.project.targets()}
    evidence = {name: evidence_of(store, version) for name, version in champions.items() if version}
    with base.read() as connection:
        decided = [e for e in entries(connection, limit=5000) if e.action in _DECISIONS]
        ledger = verify(connection)
    portfolio = _portfolio(store, base, now, champions, evidence)
    base.put_figures("portfolio", portfolio)
    base.put_figures(
        "monitoring",
        MonitoringFigures(
            project=store.project.name,
            at=now,
            points=base.points(),
            alerts=base.alerts(),
            retrains=_retrains(decided),
            drift_limits={name: model.monitor.drift.effect for name, model in store.project.file.models.items()},
        ),
    )
    base.put_figures(
        "governance",
        GovernanceFigures(
            project=store.project.name,
            at=now,
            decisions=[e for e in decided if _about_champions(e)][:_SHOWN],
            ledger=ledger,
            evidence=[e for e in evidence.values() if e],
        ),
    )
    return portfolio


def _champion(store: Store, target: Target) -> ModelVersion | None:
    return next((v for v in versions(store, target.name, missing_ok=True) if "champion" in v.aliases), None)


def _portfolio(
    store: Store,
    base: Database,
    now: datetime,
    champions: dict[str, ModelVersion | None],
    evidence: dict[str, Evidence | None],
) -> PortfolioFigures:
    points, alerts, log = base.points(), base.alerts(), InferenceLog(store.project)
    lines = []
    for target in store.project.targets():
        version, proof = champions[target.name], evidence.get(target.name)
        metric, value = main_metric(target), target.spec.value
        whose = (target.model, target.segment)
        seen = [p for p in points if (p.model, p.segment) == whose and p.metric == metric and not p.slice]
        open_alerts = [a for a in alerts if _concerns(a, target) and a.state in ("open", "acknowledged")]
        predictions = log.asked(target.model, target.segment)
        lines.append(
            ModelFigures(
                name=target.name,
                model=target.model,
                segment=target.segment,
                owner=target.spec.owner,
                risk=target.spec.risk,
                champion=version.version if version else None,
                trained=version.created if version else None,
                metric=metric,
                estimate=next((e for e in proof.estimates if e.metric == metric and not e.slice), None)
                if proof
                else None,
                recent=seen[-1] if seen else None,
                predictions=predictions,
                value=round(predictions * value.amount, 2) if value else None,
                currency=value.currency if value else "",
                open_alerts=len(open_alerts),
                status=_status(version, open_alerts, seen),
            )
        )
    sources = {t.spec.value.source for t in store.project.targets() if t.spec.value and t.spec.value.source}
    return PortfolioFigures(
        project=store.project.name,
        business_unit=store.project.file.business_unit,
        at=now,
        models=lines,
        value_source="; ".join(sorted(sources)),
    )


def _concerns(alert: Alert, target: Target) -> bool:
    """Its own alerts, and those of the fleet that speak for it."""
    own = (alert.model, alert.segment) == (target.model, target.segment)
    return own or (alert.model == target.model and target.segment in alert.segments)


def _status(version: ModelVersion | None, alerts: list[Alert], seen: list[MetricPoint]) -> str:
    """What is not watched is unknown, never healthy."""
    if version is None:
        return "not in service"
    if any(alert.severity != "info" for alert in alerts):
        return "at risk"
    return "healthy" if seen else "unknown"


def _retrains(decided: list[LedgerEntry]) -> list[RetrainDecision]:
    return [
        RetrainDecision(**{"segment": None, **e.after, "at": e.at})
        for e in decided
        if e.action in (FIRED, REFUSED, FAILED)
    ]


def _about_champions(entry: LedgerEntry) -> bool:
    return "alias" not in entry.action or (entry.after or entry.before or {}).get("alias") == "champion"
