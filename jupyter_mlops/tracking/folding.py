"""Runs of one cell of a notebook are attempts at one thing: they are counted, the latest and the best of them are marked.

A kernel counts its own attempts; here those of every kernel are counted, whichever of them was restarted.
"""

from __future__ import annotations

from typing import Any

from jupyter_mlops.records import Run
from jupyter_mlops.store import Store
from jupyter_mlops.tracking.finding import less_is_better

CELL, ATTEMPT, LATEST, BEST = "mlops.cell", "mlops.attempt", "mlops.latest", "mlops.best"


def champion(store: Store, experiment: str) -> dict[str, Any]:
    """`{model, version, metrics}` of the one champion that came from this notebook's runs or from jobs that ran it."""
    runs = store.runs(experiment, limit=200)
    found = store.champions({r.run_id for r in runs} | {r.parent for r in runs if r.parent})
    if len(found) != 1:
        return {}
    model, version, run_id = found[0]
    return {"model": model, "version": version, "metrics": store.run(run_id).metrics}


def fold(store: Store, run: Run) -> None:
    """Mark this run as the latest attempt of its cell, and as the best one if its first metric says so."""
    cell = run.tags.get(CELL, "")
    for older in store.runs(run.experiment, tags={CELL: cell, LATEST: "true"}):
        if older.run_id != run.run_id and older.started <= run.started:
            store.log(older.run_id, tags={LATEST: "false"})
    earlier = [r for r in store.runs(run.experiment, tags={CELL: cell}, limit=1000) if r.started < run.started]
    store.log(run.run_id, tags={LATEST: "true", ATTEMPT: str(len(earlier) + 1)})
    if run.status != "FINISHED" or not run.metrics:
        return
    metric = next(iter(run.metrics))
    held = [r for r in store.runs(run.experiment, tags={CELL: cell, BEST: metric}) if r.run_id != run.run_id]
    if all(_better(metric, run.metrics[metric], other.metrics.get(metric)) for other in held):
        for other in held:
            store.log(other.run_id, tags={BEST: "none"})
        store.log(run.run_id, tags={BEST: metric})


def _better(metric: str, value: float, other: float | None) -> bool:
    if other is None:
        return True
    return value < other if less_is_better(metric) else value > other
