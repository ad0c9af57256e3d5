"""A job replayed: its notebook and parameters once more, in a project of the moment, and the metrics compared."""

from __future__ import annotations

import math
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.flows.training import gather
from jupyter_mlops.jobs import kept, repeat
from jupyter_mlops.project import load
from jupyter_mlops.records import Run
from jupyter_mlops.store import Store, open_store
from jupyter_mlops.tracking import isolating

TOLERANCE = 1e-9


def replay_job(store: Store, run: Run, *, isolated: bool = False) -> dict[str, Any]:
    """`{run_id, reproduced, metrics: {NAME: {recorded, replayed}}, culprit}`; the replay leaves no run behind.

    `isolated` runs it in an environment rebuilt from the run's pins; raises Unavailable where that cannot be had.
    """
    once = kept(store, run)
    kernel = isolating.isolated_kernel(_pins(store, run, once.lock)) if isolated else None
    with tempfile.TemporaryDirectory(prefix="mlops-replay-") as elsewhere:
        there = open_store(load(Path(elsewhere)))
        job = gather(there, {"job": repeat(there, once, kernel)})["job"]
    metrics = {name: {"recorded": value, "replayed": job.metrics.get(name)} for name, value in run.metrics.items()}
    differs = [name for name, m in metrics.items() if not _agree(m["recorded"], m["replayed"])]
    failed = "" if job.status == run.status else f"it ended as {job.status}: {job.reason}"
    wrong = failed or (f"metric {differs[0]} differs" if differs else "")
    changed = once.changed() if wrong else ""
    culprit = f"{wrong}; {changed}" if changed else wrong
    return {"run_id": run.run_id, "reproduced": not culprit, "metrics": metrics, "culprit": culprit or None}


def _pins(store: Store, run: Run, lock: str) -> list[str]:
    """What its tracked cells imported; where none did, all that was installed."""
    pins: set[str] = set()
    for cell in store.runs(parent=run.run_id):
        with suppress(MlopsError, OSError):
            pins |= set(store.artifact(cell.run_id, "requirements.txt").read_text(encoding="utf-8").split())
    return sorted(pins) or [line for line in lock.splitlines() if not line.startswith("#")]


def _agree(recorded: float | None, replayed: float | None) -> bool:
    if recorded is None or replayed is None:
        return False
    return math.isclose(recorded, replayed, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
