"""Figures of a made-up business with everything a page must cope with: several models and measures, periods, hostile names."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jupyter_mlops.project import Project, load
from jupyter_mlops.records import (
    Alert,
    Comparison,
    Dataset,
    Dependence,
    Estimate,
    Evidence,
    Explanation,
    GateResult,
    GovernanceFigures,
    Importance,
    LedgerEntry,
    MetricPoint,
    ModelFigures,
    MonitoringFigures,
    PortfolioFigures,
    RetrainDecision,
    Verification,
)
from jupyter_mlops.store import database

AT = datetime(2026, 11, 22, 21, 5, tzinfo=UTC)
HOSTILE = '<script>window.pwned=1</script><img src=x onerror="window.pwned=1">\'{0}{evil}'
HEAD = "298d1982cd407a4f25c1f15d614203754b46181395c25488363a580bfc440308"
STORES = ("north", "south", "east")
PERIODS = 5


def _estimate(metric: str, value: float, width: float, slice_: str = "", n: int = 139) -> Estimate:
    return Estimate(metric=metric, value=value, low=value - width, high=value + width, n=n, slice=slice_)


def _points() -> list[MetricPoint]:
    """Store north decays over five fortnights; labels of the last arrived for 80% only."""
    points = []
    for number, store in enumerate(STORES):
        for period in range(PERIODS):
            fall = 0.04 * period if store == "north" else 0.0
            start = AT - timedelta(days=14 * (PERIODS - period))
            window = {"model": "recommender", "segment": store, "version": 1, "start": start, "n": 180 + period}
            window |= {"end": start + timedelta(days=14), "coverage": 0.8 if period == PERIODS - 1 else 0.9986}
            for metric, value in (("ndcg@10", 0.62 - 0.03 * number - fall), ("recall@10", 0.55 - fall)):
                width = {"low": value - 0.04, "high": value + 0.04}
                points.append(MetricPoint(**window, metric=metric, value=value, **width))
            drift = {**window, "coverage": None, "n": 9000}
            points.append(MetricPoint(**drift, metric="drift", value=0.31 if store == "north" else 0.08 + number / 50))
        points.append(MetricPoint(**window, metric="ndcg@10", slice="age=19-24", value=0.5, low=0.2, high=0.7))
    return points


def portfolio() -> PortfolioFigures:
    points = _points()
    stores = [
        ModelFigures(
            name=f"recommender.{store}",
            model="recommender",
            segment=store,
            owner="personalisation@grocer.example",
            risk="medium",
            champion=1,
            trained=AT - timedelta(days=80),
            metric="ndcg@10",
            estimate=_estimate("ndcg@10", 0.63 - number / 50, 0.04),
            recent=[p for p in points if p.segment == store and p.metric == "ndcg@10" and not p.slice][-1],
            predictions=18265 - 5000 * number,
            value=36.53 - 10 * number,
            currency="USD",
            open_alerts=2 if store == "north" else 0,
            status="at risk" if store == "north" else "healthy",
        )
        for number, store in enumerate(STORES)
    ]
    others = [
        ModelFigures(
            name=HOSTILE,
            model=HOSTILE,
            segment=None,
            owner=HOSTILE,
            risk=HOSTILE,
            champion=3,
            trained=AT,
            metric=HOSTILE,
        ),
        ModelFigures(
            name="credit",
            model="credit",
            segment=None,
            owner="",
            risk="high",
            champion=None,
            trained=None,
            metric="auc",
            value=1_250_000.0,
            currency="EUR",
            status="not in service",
        ),
    ]
    return PortfolioFigures(
        project="grocer", business_unit="retail", at=AT, models=[*stores, *others], value_source="finance 2026-03"
    )


def monitoring() -> MonitoringFigures:
    whose = {"model": "recommender", "segment": "north", "opened": AT - timedelta(days=1)}
    return MonitoringFigures(
        project="grocer",
        at=AT,
        points=_points(),
        alerts=[
            Alert(
                alert_id=7,
                kind="performance",
                what="ndcg@10",
                sentence="ranking quality fell from 0.63 to 0.46 (0.42 to 0.50, 184 cases)",
                severity="critical",
                state="open",
                **whose,
            ),
            Alert(
                alert_id=6,
                kind="drift",
                what="spend",
                sentence=f"{HOSTILE} moved away",
                severity="warning",
                state="acknowledged",
                acknowledged_by="ada",
                **whose,
            ),
            Alert(
                alert_id=2, kind="drift", what="x", sentence="long over", severity="warning", state="resolved", **whose
            ),
        ],
        retrains=[
            RetrainDecision(
                model="recommender", segment="north", fired=True, reason="it fell", run_id="r1", version=2, at=AT
            ),
            RetrainDecision(model="recommender", segment="south", fired=False, reason="the data feed is broken", at=AT),
            RetrainDecision(
                model="recommender", segment="east", fired=False, reason="the notebook failed", run_id="r2", at=AT
            ),
        ],
        drift_limits={"recommender": 0.235},
    )


def _entry(seq: int, action: str, subject: str, reason: str, actor: str = "ada", **after: object) -> LedgerEntry:
    return LedgerEntry(
        seq=seq,
        prev_hash="0" * 64,
        hash="1" * 64,
        actor=actor,
        action=action,
        subject=subject,
        before={"alias": "champion", "version": 1} if after.get("version") == 2 else None,
        after=after or None,
        reason=reason,
        at=AT - timedelta(hours=100 - seq),
    )


def governance(proof: Verification | None = None) -> GovernanceFigures:
    return GovernanceFigures(
        project="grocer",
        at=AT,
        decisions=[
            _entry(98, "set alias", "recommender.north", "it beat the one before", alias="champion", version=2),
            _entry(97, "promotion refused", "recommender.south/2", "ndcg@10 is worse than champion version 1"),
            _entry(96, "retrain refused", "recommender.south", "the feed is broken", actor="jupyter-mlops retrain"),
            _entry(95, "set alias", f"{HOSTILE}", HOSTILE, actor=HOSTILE, alias="champion", version=3),
            _entry(94, "alert opened", "recommender.north/1", "ranking quality fell", actor="jupyter-mlops monitor"),
        ],
        ledger=proof or Verification(ok=True, entries=98, head=HEAD),
        evidence=[_evidence("recommender.north", 2), _evidence("recommender.south", 1)],
    )


def _evidence(model: str, version: int) -> Evidence:
    return Evidence(
        model=model,
        version=version,
        task="ranking",
        data=Dataset(name="evaluation", digest="ab" * 32, source="data/evaluation.parquet", rows=13640, columns=18),
        seed=0,
        estimates=[
            _estimate("ndcg@10", 0.63, 0.04),
            _estimate("recall@10", 0.55, 0.05),
            _estimate("ndcg@10", 0.53, 0.2, "age=19-24", 4),
        ],
        comparisons=[
            Comparison(
                metric="ndcg@10",
                champion_version=1,
                difference=0.01,
                low=-0.02,
                high=0.04,
                n=70,
                verdict="inconclusive",
                rows_needed=900,
            )
        ],
        gates=[
            GateResult(gate="ndcg@10 at least 0.4", verdict="pass", sentence="ndcg@10 is 0.63, at least 0.4 is asked"),
            GateResult(gate="versus champion", verdict="inconclusive", sentence="too few cases to tell"),
        ],
        explanation=Explanation(
            loss="1 - ndcg@10",
            rows=1000,
            importances=[
                Importance(column="bought before", value=0.21, low=0.18, high=0.24),
                Importance(column=HOSTILE, value=0.02, low=0.01, high=0.03),
                Importance(column="bought before", value=0.3, low=0.1, high=0.5, slice="age=19-24"),
            ],
            dependence=[
                Dependence(
                    column="bought before",
                    at=[0.0, 2.0, 9.0],
                    answer=[0.11, 0.3, 0.64],
                    low=[0.1, 0.28, 0.6],
                    high=[0.12, 0.32, 0.68],
                )
            ],
            moved=["bought before"],
        ),
        digest="cd" * 32,
    )


def seed(root: Path) -> Project:
    """A project at this folder with all three documents in its database."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "mlops.yaml").write_text(
        "version: 1\nproject: grocer\ntracking: https://mlflow.example\n", encoding="utf-8"
    )
    project = load(root)
    base = database(project)
    for name, figures in (("portfolio", portfolio()), ("monitoring", monitoring()), ("governance", governance())):
        base.put_figures(name, figures)
    base.close()
    return project


if __name__ == "__main__":
    seed(Path(sys.argv[1]))
