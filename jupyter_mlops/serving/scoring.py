"""Many rows at once, by the same model and into the same log as one request."""

from __future__ import annotations

import uuid

import pandas as pd

from jupyter_mlops.project import Project, Target
from jupyter_mlops.serving.log import ID, InferenceLog
from jupyter_mlops.store import LoadedModel, predict


def score(project: Project, loaded: LoadedModel, target: Target, rows: pd.DataFrame) -> pd.DataFrame:
    """inference_id and prediction for each row, logged. Rows that bring their own ids are logged once however often scored."""
    answers = predict(loaded.model, rows, loaded.features)
    ids = (
        rows[ID].astype(str)
        if ID in rows.columns
        else pd.Series([uuid.uuid4().hex for _ in range(len(rows))], rows.index)
    )
    stamp = target.spec.data.timestamp
    times = pd.to_datetime(rows[stamp], utc=True) if stamp in rows.columns else pd.Timestamp.now("UTC")
    kept = rows.drop(columns=[c for c in (ID, target.spec.data.target) if c in rows.columns])
    logged = kept.assign(**{ID: ids, "time": times, "version": loaded.version.version, "prediction": answers})
    InferenceLog(project).append(target.model, target.segment, logged)
    return pd.DataFrame({ID: ids.to_numpy(), "prediction": answers})
