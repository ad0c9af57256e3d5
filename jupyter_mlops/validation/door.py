"""Evidence without a project: a fitted model, a frame, and what is asked of it."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Model, Target
from jupyter_mlops.records import Dataset, Evidence
from jupyter_mlops.validation.case import Judge
from jupyter_mlops.validation.evidence import validate


def judge_rows(
    model: Any,
    rows: pd.DataFrame,
    target: str,
    *,
    task: str | None = None,
    champion: Any = None,
    gates: Sequence[Mapping[str, Any]] = (),
    training: pd.DataFrame | None = None,
    name: str = "model",
    explained: bool = True,
    seed: int = 0,
    **data: Any,
) -> Evidence:
    """The evidence of a fitted model on `rows`, whose column `target` is the outcome.

    `task` is classification, regression or ranking (default: what the model is); `gates` are written as in mlops.yaml;
    `data` are further settings of its `data:` (entity, timestamp, weight, strata, sensitive, item, item_group).
    """
    if not isinstance(rows, pd.DataFrame):
        raise BadInput(f"rows are a {type(rows).__name__}, not a DataFrame", "give a pandas DataFrame")
    task = task or ("classification" if hasattr(model, "predict_proba") or hasattr(model, "classes_") else "regression")
    declared = {
        "task": task,
        "train": {"notebook": "-"},
        "data": {"training": "-", "target": target, **data},
        "gates": list(gates),
    }
    try:
        spec = Model.model_validate(declared)
    except ValidationError as error:
        faults = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors(include_url=False)]
        raise BadInput("; ".join(faults), "write it as in mlops.yaml", faults=faults) from None
    asked = Target(name, None, spec)
    rival = None if champion is None else (0, Judge(champion, asked))
    judge = Judge(model, asked, _size(model))
    return validate(
        asked, 1, judge, rows, _described(rows), champion=rival, training=training, explained=explained, seed=seed
    )


def _described(rows: pd.DataFrame) -> Dataset:
    found = hashlib.sha256("\x00".join(map(str, rows.columns)).encode())
    for i in range(rows.shape[1]):
        found.update(_print(rows.iloc[:, i]))
    return Dataset(
        name="rows",
        digest=found.hexdigest(),
        source="memory",
        rows=len(rows),
        columns=rows.shape[1],
        context="evaluation",
    )


def _print(column: pd.Series[Any]) -> bytes | memoryview:
    """The bytes that tell a column's values: of numbers their own."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        return np.ascontiguousarray(column.to_numpy()).data.cast("B")
    try:
        return pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes()
    except TypeError:  # cells that cannot be hashed, such as lists
        return column.to_json(orient="split", default_handler=str).encode()


def _size(model: Any) -> int | None:
    """What the model would take on a disk; only its length is used."""
    kept = io.BytesIO()
    try:
        pickle.dump(model, kept)
    except Exception:  # noqa: BLE001 - a model is somebody else's code; one that cannot be written has no size
        return None
    return kept.tell()
