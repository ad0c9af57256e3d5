"""MLflow's runs as our records, and its milliseconds as moments."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from jupyter_mlops.records import Dataset, Run

REASON = "mlops.reason"
PARENT = "mlflow.parentRunId"


def record(run: Any, experiment: str) -> Run:
    info, data = run.info, run.data
    return Run(
        run_id=info.run_id,
        name=info.run_name or info.run_id[:8],
        experiment=experiment,
        status=info.status,
        started=_when(info.start_time) or datetime.fromtimestamp(0, UTC),
        ended=_when(info.end_time),
        reason=data.tags.get(REASON, ""),
        parameters=dict(data.params),
        metrics=dict(data.metrics),
        tags={k: v for k, v in data.tags.items() if not k.startswith("mlflow.") or k == "mlflow.user"},
        datasets=[_dataset(i) for i in (run.inputs.dataset_inputs if run.inputs else [])],
        parent=data.tags.get(PARENT),
        artifacts=info.artifact_uri or "",
    )


def _dataset(entry: Any) -> Dataset:
    shape = json.loads(entry.dataset.profile or "{}")
    context = next((t.value for t in entry.tags if t.key == "mlflow.data.context"), "training")
    return Dataset(
        name=entry.dataset.name,
        digest=entry.dataset.digest,
        source=entry.dataset.source,
        rows=shape.get("num_rows") or 0,
        columns=shape.get("num_columns") or 0,
        context=context,
    )


def now() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def millis(at: datetime | None) -> int | None:
    return int(at.timestamp() * 1000) if at else None


def _when(millis: int | None) -> datetime | None:
    return datetime.fromtimestamp(millis / 1000, UTC) if millis else None
