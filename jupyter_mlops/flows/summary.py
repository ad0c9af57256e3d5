"""What the quickstart did, in a dozen lines a manager understands. Every figure is read from where it is kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.flows.retraining import FIRED, REFUSED
from jupyter_mlops.ledger import entries, verify
from jupyter_mlops.records import LedgerEntry, MonitorReport, PortfolioFigures, Run, Verification
from jupyter_mlops.registry import versions
from jupyter_mlops.store import Store, database

WORDS = {
    "ndcg@10": "ranking quality (ndcg@10)",
    "precision@10": "precision of the ten best suggestions",
    "mae": "average error (mae)",
    "rmse": "typical error (rmse)",
    "auc": "separation of good from bad (auc)",
}


@dataclass(frozen=True)
class Told:
    """`untrained` names the models whose notebook did not end well; the others went on without them."""

    root: Path
    lines: list[str]
    figures: dict[str, Any]
    untrained: list[str]

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "root": str(self.root)}


@dataclass(frozen=True)
class _Kept:
    """What the stores hold of the loop."""

    runs: list[Run]
    ledger: list[LedgerEntry]
    proof: Verification
    reports: dict[str, MonitorReport]
    served: dict[str, Any] | None

    def acts(self, action: str) -> list[LedgerEntry]:
        return [entry for entry in reversed(self.ledger) if entry.action == action]


def tell(store: Store, portfolio: PortfolioFigures, note: dict[str, Any]) -> Told:
    """The lines, and the same as figures."""
    with database(store.project).read() as connection:
        kept = _Kept(
            runs=store.runs(limit=1000, tags={"mlops.kind": "job"}),
            ledger=entries(connection, limit=100_000),
            proof=verify(connection),
            reports={name: MonitorReport(**report) for name, report in note.get("reports", {}).items()},
            served=note.get("served"),
        )
    lines = [
        *_trained(store, kept, portfolio),
        *_judged(kept, portfolio),
        *_served(kept),
        *_watched(kept),
        *_answered(kept),
        *_worth(portfolio),
        f"Every decision is on record: {kept.proof.entries} entries, "
        + (f"verified, head {kept.proof.head[:12]}." if kept.proof.ok else f"NOT intact: {kept.proof.problem}."),
        f"It is all in {store.project.root}: open it with `jupyter lab`, the pages with `jupyter mlops dashboards`.",
    ]
    return Told(store.project.root, lines, _figures(kept, portfolio), _untrained(store))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _untrained(store: Store) -> list[str]:
    return [t.name for t in store.project.targets() if not versions(store, t.name, missing_ok=True)]


def _trained(store: Store, kept: _Kept, portfolio: PortfolioFigures) -> list[str]:
    finished = [r for r in kept.runs if r.status == "FINISHED"]
    failed = len(kept.runs) - len(finished)
    seconds = sum((r.ended - r.started).total_seconds() for r in finished if r.ended)
    lost = f"; {failed} did not finish, each with its reason" if failed else ""
    average = seconds / max(1, len(finished))
    each = ", one for each segment, all trained by the same notebook" if len(portfolio.models) > 1 else ""
    return [
        f"{store.project.name}: {_count(len(portfolio.models), 'model')}{each}.",
        f"{_count(len(finished), 'training run')}, {average:.1f} s each on average{lost}; "
        "code, data, parameters and result are kept.",
    ]


def _judged(kept: _Kept, portfolio: PortfolioFigures) -> list[str]:
    serving = [m for m in portfolio.models if m.champion is not None]
    idle = [m.name for m in portfolio.models if m.champion is None]
    lines = [f"{len(serving)} of {len(portfolio.models)} passed their gates on rows they never saw and are in service."]
    for name in idle[:1]:
        refusal = next((e for e in kept.acts("promotion refused") if e.subject.startswith(f"{name}/")), None)
        why = refusal.reason if refusal else "it was not trained"
        lines[0] += f" {len(idle)} not, for example {name}: {why}"
    judged = sorted((m for m in serving if m.estimate), key=lambda m: m.estimate.value if m.estimate else 0)
    if judged:
        middle = judged[len(judged) // 2]
        e = middle.estimate
        assert e is not None
        lines.append(
            f"Typical {WORDS.get(e.metric, e.metric)}: {e.value:.3g}, between {e.low:.3g} and {e.high:.3g} "
            f"with 95 % confidence over {e.n:,} cases ({middle.name})."
        )
    return lines


def _served(kept: _Kept) -> list[str]:
    if kept.served is None:
        return []
    s = kept.served
    return [
        f"{s['name']} was served on this machine: {s['answered']} of {s['requests']} real requests answered, "
        f"{s['milliseconds']:.1f} ms each, {s['logged']} logged."
    ]


def _watched(kept: _Kept) -> list[str]:
    if not kept.reports:
        return []
    rows = sum(r.rows for r in kept.reports.values())
    start, end = min(r.start for r in kept.reports.values()), max(r.end for r in kept.reports.values())
    found = {name: r for name, r in kept.reports.items() if r.violations}
    lines = [
        f"The next period ({start:%d %b %Y} to {end:%d %b %Y}) brought {rows:,} rows; "
        f"{_count(len(kept.reports) - len(found), 'model')} held, "
        f"{len(found)} need{'s' if len(found) == 1 else ''} an answer."
    ]
    shown = sorted(found.items(), key=lambda item: item[1].violations[0].kind != "performance")
    lines += [f"  {name}: {report.violations[0].sentence}" for name, report in shown[:2]]
    return lines


def _answered(kept: _Kept) -> list[str]:
    fired, refused = kept.acts(FIRED), kept.acts(REFUSED)
    if not fired and not refused:
        return []
    better = [e for e in kept.acts("set alias") if e.before and e.after and e.after.get("alias") == "champion"]
    kept_old = [e for e in kept.acts("promotion refused") if not e.subject.endswith("/1")]
    lines = []
    if fired:
        lines.append(f"Retrained: {len(fired)}; new models that took over: {len(better)}; refused: {len(kept_old)}.")
        lines += [f"  {e.subject}: version {e.after['version']} replaced {e.before['version']}" for e in better[:1]]
        lines += [f"  {e.subject.partition('/')[0]} keeps its model: {e.reason}" for e in kept_old[:1]]
    if refused:
        first = refused[0]
        lines.append(f"{len(refused)} not retrained, by the brakes; {first.subject}: {first.reason}")
    return lines


def _worth(portfolio: PortfolioFigures) -> list[str]:
    predictions = sum(m.predictions for m in portfolio.models)
    valued = [m for m in portfolio.models if m.value is not None]
    if not valued:
        return [f"{predictions:,} predictions were made; what one is worth is not declared."]
    total = sum(m.value or 0 for m in valued)
    return [f"{predictions:,} predictions, worth {total:,.0f} {valued[0].currency} ({portfolio.value_source})."]


def _figures(kept: _Kept, portfolio: PortfolioFigures) -> dict[str, Any]:
    return {
        "models": len(portfolio.models),
        "in_service": sum(m.champion is not None for m in portfolio.models),
        "runs": len(kept.runs),
        "findings": sum(bool(r.violations) for r in kept.reports.values()),
        "retrained": len(kept.acts(FIRED)),
        "retrain_refused": len(kept.acts(REFUSED)),
        "ledger_entries": kept.proof.entries,
        "ledger_ok": kept.proof.ok,
    }
