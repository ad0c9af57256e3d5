"""What the monitor found, as metrics in MLflow: one run for each version in service, whose steps are its windows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from jupyter_mlops.project import Target
from jupyter_mlops.records import MetricPoint, MonitorReport
from jupyter_mlops.store import Store

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def record_windows(store: Store, target: Target, reports: Sequence[MonitorReport]) -> str:
    """The id of the run that holds these windows' points. A window that is judged again adds what changed, at its own step."""
    version = reports[-1].version
    tags = {"mlops.kind": "monitoring", "mlops.model": target.model, "mlops.version": str(version)}
    tags |= {"mlops.segment": target.segment} if target.segment else {}
    run = store.create_run(
        f"{target.model} monitoring",
        f"{target.name} version {version}",
        key=f"monitoring {target.name}/{version}",
        tags=tags,
    )
    store.log_curves(run, [_point(target, p) for report in reports for p in report.points])
    store.end_run(run, "FINISHED")
    return run


def _point(target: Target, p: MetricPoint) -> tuple[str, float, int, int]:
    name = f"{p.metric}/{p.slice}" if p.slice else p.metric
    step = (p.start - EPOCH) // target.spec.monitor.window
    return re.sub(r"[^\w./ :-]", "_", name), p.value, step, int(p.end.timestamp() * 1000)
