"""SHAP values (Lundberg and Lee, 2017) where the extra `explain` is installed; nothing where it is not.

Trees and linear models have exact explainers; any other model is asked from outside, on fewer rows. Trees are explained along
their own paths (Lundberg et al., 2020): against a background, the values of histogram boosting do not add up to its answers
on some rows, and SHAP refuses them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.records import Importance
from jupyter_mlops.stats import intervals, ratio
from jupyter_mlops.validation.case import Judge
from jupyter_mlops.validation.judged import Judged

Floats = NDArray[np.float64]
_ROWS = 200
_BACKGROUND = 50
_ASKED_ROWS, _ASKED_BACKGROUND = 20, 10  # each is as many answers as there are columns, twice, for each of the other


def shap_importances(judge: Judge, part: Judged, rows: pd.DataFrame, seed: int) -> list[Importance]:
    """The mean absolute SHAP value of each column with its interval over rows; of many classes, summed over them."""
    columns = judge.features(rows)
    numeric = all(rows[c].dtype.kind in "iufb" for c in columns)
    if find_spec("shap") is None or not numeric or part.task == "ranking" or not len(rows):
        return []
    values = np.abs(_values(judge, part, rows[columns].astype(np.float64), seed))
    values = values.sum(axis=2) if values.ndim == 3 else values
    taken = part.take(np.arange(len(part.truth)) < len(values))
    sums = taken.gather(np.column_stack([values, np.ones(len(values))]))
    asked = [sums.columns([i, len(columns)]) for i in range(len(columns))]
    found = intervals([(one, lambda s: ratio(s[..., 0], s[..., 1])) for one in asked])
    kept = [
        Importance(column=str(c), value=i.value, low=i.low, high=i.high)
        for c, i in zip(columns, found, strict=True)
        if np.isfinite([i.value, i.low, i.high]).all()
    ]
    return sorted(kept, key=lambda i: (-i.value, i.column))


def _values(judge: Judge, part: Judged, rows: pd.DataFrame, seed: int) -> Floats:
    import shap

    background = rows.iloc[np.random.default_rng(seed).permutation(len(rows))[:_BACKGROUND]]
    exact: list[Callable[[], Any]] = [
        lambda: shap.TreeExplainer(judge.model),
        lambda: shap.LinearExplainer(judge.model, background),
    ]
    for explainer in exact:
        try:
            return np.asarray(explainer()(rows.head(_ROWS)).values, dtype=np.float64)
        except Exception:  # noqa: BLE001, S112 - each explainer refuses other models in errors of its own
            continue

    def answered(table: Any) -> Floats:
        return judge.ask(pd.DataFrame(table, columns=rows.columns)).on(part.classes)

    few = background.head(_ASKED_BACKGROUND).to_numpy(dtype=np.float64)
    asked = shap.explainers.Permutation(answered, few, seed=seed)
    some = rows.head(_ASKED_ROWS).to_numpy(dtype=np.float64)
    return np.asarray(asked(some, max_evals=2 * rows.shape[1] + 1, silent=True).values, dtype=np.float64)
