"""Where a cell computed no metric: what the recorded model and the replayed one answer to the same rows."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.store import Store
from jupyter_mlops.tracking import journal

_MOST = 20  # figures


def recorded(store: Store, run_id: str) -> tuple[dict[str, float], Any]:
    """The figures that the run's model answers to its input example, by name, and the example; empty where it cannot be asked."""
    with suppress(MlopsError, OSError):
        uri = store.model_uri(run_id)
        model, rows = store.read_model(uri) if uri else (None, None)
        rows = store.array_example(uri) if uri and rows is None else rows
        return (_figures(model, rows), rows) if rows is not None else ({}, None)
    return {}, None


def replayed(store: Store, record: Path, rows: Any) -> dict[str, float]:
    """What the model of a journal's record answers to these rows."""
    with suppress(MlopsError, OSError):
        file = journal.model_file(record)
        return _figures(store.read_saved(file), rows) if file else {}
    return {}


def _figures(model: Any, rows: Any) -> dict[str, float]:
    method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    try:
        answers = np.asarray(getattr(model, method)(rows))
    except Exception:  # noqa: BLE001  # a model raises what it likes, and then there is nothing to compare
        return {}
    if answers.dtype.kind not in "biuf":
        answers = _numbered(answers, [str(one) for one in getattr(model, "classes_", [])])
    return {f"{method}{list(place)}": float(value) for place, value in list(np.ndenumerate(answers))[:_MOST]}


def _numbered(answers: Any, classes: list[str]) -> Any:
    """Each class as its number among the model's, -1 for one that it does not list."""
    return np.array([classes.index(str(one)) if str(one) in classes else -1 for one in answers.ravel()])
