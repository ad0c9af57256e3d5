"""How well a model probably does before outcomes are known: from its own confidence, or from where it erred before.

Both rest on rows with outcomes that the model was not trained on (the reference), and both assume that the relation of inputs to
outcome is still the reference's: they see a changed mix of cases, never a changed world. So they are always shown as estimates.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.records import Estimate, PerformanceEstimate
from jupyter_mlops.stats import CLASSIFICATION

Floats = NDArray[np.float64]
FEWEST = 100
ASSUMES = {
    "CBPE": "inputs may have changed, but the same inputs still lead to the same outcomes, and scores mean what they meant",
    "DLE": "inputs may have changed, but the model still errs as much on the same inputs",
}
_MOST_ROWS = 20_000
_MOST_CATEGORIES = 200
_DRAWN = 2_000_000
_CLIP = float(np.finfo(np.float64).eps)


def cbpe(
    reference_score: Floats, reference_truth: Floats, score: Floats, predicted: Floats | None = None
) -> list[Estimate]:
    """Confidence-based estimates of a classifier's metrics over rows whose outcome is not known.

    Scores are calibrated by isotonic regression on the reference, and the metrics' expectation is taken under them; `predicted`
    (0 or 1) is what was decided, by default a score above 0.5. The interval is where the realised value would be in 95 of 100
    such windows: outcomes are drawn from the calibrated scores. Empty when the reference is too small or has one class only.
    """
    from sklearn.isotonic import IsotonicRegression

    if len(reference_score) < FEWEST or len(np.unique(reference_truth)) < 2 or not len(score):
        return []
    calibrated = IsotonicRegression(out_of_bounds="clip").fit(reference_score, reference_truth).predict(score)
    decided = (score > 0.5).astype(np.float64) if predicted is None else predicted
    values = _expected(calibrated, score, decided)
    drawn = _drawn(calibrated, score, decided)
    found = []
    for name, value in values.items():
        seen = drawn[name][np.isfinite(drawn[name])]
        if np.isfinite(value) and len(seen):
            low, high = np.quantile(seen, [0.025, 0.975])
            found.append(Estimate(metric=name, value=value, low=min(low, value), high=max(high, value), n=len(score)))
    return found


def _expected(p: Floats, score: Floats, decided: Floats) -> dict[str, float]:
    """Each metric with every row counted as positive by its probability `p` and as negative by the rest."""
    hit, false, missed = (float(x.sum()) for x in (p * decided, (1 - p) * decided, p * (1 - decided)))
    right = hit + float(((1 - p) * (1 - decided)).sum())
    clipped = np.clip(score, _CLIP, 1 - _CLIP)
    return {
        "accuracy": right / len(p),
        "auc": _area(p, score),
        "f1": 2 * hit / (2 * hit + false + missed) if hit + false + missed else float("nan"),
        "precision": hit / (hit + false) if hit + false else float("nan"),
        "recall": hit / (hit + missed) if hit + missed else float("nan"),
        "specificity": (right - hit) / (right - hit + false) if right - hit + false else float("nan"),
        "log_loss": float(-(p * np.log(clipped) + (1 - p) * np.log(1 - clipped)).mean()),
        "brier": float((p * (1 - score) ** 2 + (1 - p) * score**2).mean()),
    }


def _area(p: Floats, score: Floats) -> float:
    """The area under the ROC curve with fractional members of both classes; equal scores count half."""
    order = np.argsort(score, kind="stable")
    p, score = p[order], score[order]
    starts = np.flatnonzero(np.concatenate([[True], score[1:] != score[:-1]]))
    ups, downs = np.add.reduceat(p, starts), np.add.reduceat(1 - p, starts)
    below = np.concatenate([[0.0], np.cumsum(downs)[:-1]])
    both = ups.sum() * downs.sum()
    return float((ups * (below + downs / 2)).sum() / both) if both > 0 else float("nan")


def _drawn(p: Floats, score: Floats, decided: Floats) -> dict[str, Floats]:
    """The metrics of windows whose outcomes are drawn from `p`."""
    random = np.random.default_rng(0)
    times = int(np.clip(_DRAWN // len(p), 40, 400))
    each = [_expected((random.random(len(p)) < p).astype(np.float64), score, decided) for _ in range(times)]
    return {name: np.array([one[name] for one in each]) for name in each[0]}


def dle(
    reference: pd.DataFrame,
    reference_prediction: Floats,
    reference_truth: Floats,
    rows: pd.DataFrame,
    prediction: Floats,
) -> list[Estimate]:
    """Direct loss estimates of a regressor's mean absolute and root mean squared error over rows without outcomes.

    A second model learns from the reference how large the error is for which features and prediction. The interval is that of the
    realised figure in 95 of 100 such windows, from the spread of the
    reference's errors. Empty when the reference is too small.
    """
    if len(reference) < FEWEST or not len(rows):
        return []
    if len(reference) > _MOST_ROWS:
        kept = np.random.default_rng(0).choice(len(reference), _MOST_ROWS, replace=False)
        reference, reference_prediction, reference_truth = (
            reference.iloc[kept],
            reference_prediction[kept],
            reference_truth[kept],
        )
    before, now = _inputs(reference, reference_prediction, rows, prediction)
    missed = np.abs(reference_truth - reference_prediction)
    found = []
    for name, loss in (("mae", missed), ("rmse", missed**2)):
        mean = max(0.0, _expected_loss(before, loss, now))
        spread = float(loss.std()) * mean / (float(loss.mean()) or 1.0)  # larger errors also vary more
        half = 1.96 * spread * np.sqrt(1 / len(rows) + 1 / len(reference))
        low, high = max(0.0, mean - half), mean + half
        value, low, high = (np.sqrt(x) for x in (mean, low, high)) if name == "rmse" else (mean, low, high)
        found.append(Estimate(metric=name, value=float(value), low=float(low), high=float(high), n=len(rows)))
    return found


def _expected_loss(before: pd.DataFrame, loss: Floats, now: pd.DataFrame) -> float:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # on a busy machine its threads wait for each other far longer than they work
        return float(_learned(_Case(before, loss)).predict(now).mean())


class _Case:
    """What a loss is learned from; two of the same content are the same, so that window after window needs no new fit."""

    def __init__(self, before: pd.DataFrame, loss: Floats) -> None:
        self.before, self.loss = before, loss
        rows = pd.util.hash_pandas_object(before, index=False).to_numpy()
        self._content = (tuple(before.dtypes.items()), rows.tobytes(), loss.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Case) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content[1:])


@lru_cache(maxsize=4)
def _learned(case: _Case) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(categorical_features="from_dtype", max_iter=60, random_state=0)
    return model.fit(case.before, case.loss)


def _inputs(before: pd.DataFrame, first: Floats, now: pd.DataFrame, then: Floats) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both frames in the form a tree takes: numbers as they are, text as the reference's categories, nothing else."""
    one: dict[str, Any] = {"\0prediction": first}
    two: dict[str, Any] = {"\0prediction": then}
    for name in before.columns:
        if name not in now.columns:
            continue
        a, b = before[name], now[name]
        if pd.api.types.is_numeric_dtype(a) and pd.api.types.is_numeric_dtype(b):
            one[name], two[name] = a.to_numpy(dtype=np.float64), b.to_numpy(dtype=np.float64)
        elif a.nunique() <= _MOST_CATEGORIES and not pd.api.types.is_datetime64_any_dtype(a):
            known = pd.CategoricalDtype(sorted(a.dropna().astype(str).unique()))
            one[name], two[name] = (x.astype(str).astype(known).array for x in (a, b))
    return pd.DataFrame(one), pd.DataFrame(two)


def performance(
    task: str,
    features: list[str],
    reference: pd.DataFrame,
    reference_prediction: Floats,
    reference_truth: Floats,
    current: pd.DataFrame,
    realised: list[Estimate],
) -> list[PerformanceEstimate]:
    """The estimates of a window (`current` has its features and `prediction`), beside what its known outcomes say by now.

    Only metrics that can also be realised are given. There is no such estimate for rankings.
    """
    prediction = current["prediction"].to_numpy(dtype=np.float64)
    if task == "classification":
        method, found = "CBPE", cbpe(reference_prediction, reference_truth, prediction)
        found = [e for e in found if e.metric in {m.name for m in CLASSIFICATION}]
    elif task == "regression":
        shared = [name for name in features if name in current.columns and name in reference.columns]
        method = "DLE"
        found = dle(reference[shared], reference_prediction, reference_truth, current[shared], prediction)
    else:
        return []
    seen = {e.metric: e for e in realised if not e.slice}
    return [
        PerformanceEstimate(**e.model_dump(), method=method, assumption=ASSUMES[method], realised=seen.get(e.metric))
        for e in found
    ]
