"""Drift that no single column shows: whether a classifier can tell the data sets apart, and whether old structure still holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.monitoring.sampling import sampled

Floats = NDArray[np.float64]
SAMPLE = 5_000
FEWEST = 100
MATTERS = 0.55
_MOST_CATEGORIES = 50


@dataclass(frozen=True)
class Together:
    """`auc` is of telling the data sets apart on rows held out (0.5: they cannot be), with its 95 % interval.

    `reconstruction` is the mean distance of current rows from what the reference's principal components (65 % of its variance)
    make of them, divided by that of reference rows held out: 1 while the columns still move together as they did.
    """

    auc: float
    low: float
    high: float
    reconstruction: float
    n: int
    drifted: bool

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def together(reference: Any, current: Any, columns: list[str], seed: int = 0) -> Together | None:
    """Both answers, on a sample of at most 5,000 rows a side; None when a side has fewer than 100, as a profile has."""
    one, two = (sampled(data, columns, SAMPLE, seed) for data in (reference, current))
    if one is None or two is None or min(len(one), len(two)) < FEWEST or not columns:
        return None
    inputs = _numbers(pd.concat([one, two], ignore_index=True))
    side = np.concatenate([np.zeros(len(one)), np.ones(len(two))])
    auc, error = _told_apart(inputs, side, seed)
    return Together(
        auc=auc,
        low=max(0.0, auc - 1.96 * error),
        high=min(1.0, auc + 1.96 * error),
        reconstruction=_rebuilt(inputs.to_numpy(dtype=np.float64), len(one), seed),
        n=len(side),
        drifted=auc - 1.96 * error > MATTERS,
    )


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers and times as they are, text as how frequent it is; NaN stays, since missing is a difference too."""
    made = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            made[name] = column.astype("int64").to_numpy(dtype=np.float64)
        elif pd.api.types.is_numeric_dtype(column):
            made[name] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            text = column.astype(str)
            order = {value: place for place, value in enumerate(text.value_counts().index[:_MOST_CATEGORIES])}
            made[name] = text.map(order).to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.DataFrame(made).replace([np.inf, -np.inf], np.nan)


def _told_apart(inputs: pd.DataFrame, side: Floats, seed: int) -> tuple[float, float]:
    """The area under the curve of two halves, each told by the other's classifier; its standard error (Hanley, McNeil 1982)."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    folds = StratifiedKFold(2, shuffle=True, random_state=seed)
    model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, random_state=seed)
    with threadpool_limits(1):
        score = cross_val_predict(model, inputs, side, cv=folds, method="predict_proba")[:, 1]
    auc = float(np.mean([roc_auc_score(side[held], score[held]) for _, held in folds.split(inputs, side)]))
    ups, downs = float(side.sum()), float((1 - side).sum())
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (ups - 1) * (first - auc**2) + (downs - 1) * (second - auc**2)
    return auc, float(np.sqrt(max(variance, 0.0) / (ups * downs)))


def _rebuilt(values: Floats, before: int, seed: int) -> float:
    from sklearn.decomposition import PCA

    random = np.random.default_rng(seed)
    place = random.permutation(before)
    learned, held = place[: before // 2], place[before // 2 :]
    middle = np.nanmedian(np.where(np.isnan(values).all(axis=0), 0.0, values)[learned], axis=0)
    filled = np.where(np.isnan(values), middle, values)
    spread = filled[learned].std(axis=0)
    scaled = (filled - filled[learned].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    shape = PCA(0.65 if values.shape[1] > 1 else 1, svd_solver="full").fit(scaled[learned])
    missed = np.linalg.norm(scaled - shape.inverse_transform(shape.transform(scaled)), axis=1)
    usual = float(missed[held].mean())
    return float(missed[before:].mean()) / usual if usual > 1e-9 else 1.0
