"""What kind of change it is, since when, where it sits, and how much it matters: said with every finding, with its confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.monitoring.comparing import DriftReport
from jupyter_mlops.records import PerformanceEstimate
from jupyter_mlops.stats import change_point

Floats = NDArray[np.float64]
_FEWEST = 30
_MOST_VALUES = 30


def kind_of_loss(moved: bool, estimated: Sequence[PerformanceEstimate], metric: str) -> tuple[str, float]:
    """Why realised performance fell, and how sure that is.

    When what changed inputs alone would explain (the estimate) agrees with what outcomes say, inputs changed: covariate. When the
    estimate saw no loss, or inputs did not move at all, the same inputs lead to other outcomes now: concept.
    """
    found = next((e for e in estimated if e.metric == metric and e.realised), None)
    if found is None or found.realised is None:
        return ("covariate", 0.5) if moved else ("concept", 0.8)
    apart = found.realised.low > found.high or found.realised.high < found.low
    if apart:
        return "concept", 0.7 if moved else 0.95
    return ("covariate", 0.9) if moved else ("concept", 0.5)


def since(rows: pd.DataFrame, column: str, reference: pd.DataFrame) -> datetime | None:
    """When within the window the column began to be what it is now; None when it was so throughout or that cannot be told."""
    if column not in rows.columns or column not in reference.columns or len(rows) < 2 * _FEWEST:
        return None
    ordered = rows.sort_values("time", kind="stable")
    values = _as_numbers(ordered[column], reference[column])
    place = change_point(values)
    times = pd.to_datetime(ordered["time"], utc=True)
    if place is None or times.iloc[place] == times.iloc[0]:
        return None
    return times.iloc[place].to_pydatetime()


def _as_numbers(values: pd.Series, reference: pd.Series) -> Floats:
    """Numbers as they are; of other values, how much rarer each was in the reference than here."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return np.asarray(values.fillna(values.median()), dtype=np.float64)
    text, before = values.astype(str), reference.astype(str).value_counts(normalize=True)
    now = text.value_counts(normalize=True)
    return np.asarray(text.map(now - before.reindex(now.index).fillna(0.0)), dtype=np.float64)


def carried_by(rows: pd.DataFrame, reference: pd.DataFrame, column: str, by: Sequence[str]) -> tuple[str, float] | None:
    """The slice (`name=value`) that carries most of a numeric column's move, and its share of it; None when none stands out.

    The mean's move is the sum, over the slices of another column, of each slice's move weighted by its rows.
    """
    numeric = column in rows.columns and pd.api.types.is_numeric_dtype(rows[column])
    if not numeric or column not in reference.columns:
        return None
    usual = float(reference[column].mean())
    whole = float((rows[column] - usual).sum())
    best: tuple[str, float] | None = None
    for name in by:
        if name == column or name not in rows.columns or rows[name].nunique() > _MOST_VALUES:
            continue
        before = (
            reference.groupby(name, observed=True)[column].mean()
            if name in reference.columns
            else pd.Series(dtype=float)
        )
        expected = rows[name].map(before).astype(float).fillna(usual)
        moved = (rows[column] - expected).groupby(rows[name].astype(str)).sum()
        if not len(moved) or not whole or len(moved) < 2:
            continue
        value = str(moved.abs().idxmax())
        share, size = float(moved[value] / whole), float((rows[name].astype(str) == value).mean())
        stands_out = 0.6 <= share <= 1.4 and size < share / 1.5
        if stands_out and (best is None or share / size > best[1]):
            best = (f"{name}={value}", min(1.0, share))
    return best


def weights_of(model: Any, features: Sequence[str]) -> dict[str, float]:
    """How much a fitted model leans on each feature, as shares of 1, by its trees or coefficients; empty when it does not say."""
    last = model[-1] if hasattr(model, "steps") else model
    raw = getattr(last, "feature_importances_", getattr(last, "coef_", None))
    if raw is None:
        return {}
    values = np.abs(np.asarray(raw, dtype=np.float64))
    values = values.reshape(-1, values.shape[-1]).mean(axis=0)
    if values.shape != (len(features),) or not values.sum() > 0:
        return {}
    return dict(zip(features, (values / values.sum()).tolist(), strict=True))


def by_weight(report: DriftReport, weights: Mapping[str, float]) -> list[str]:
    """Drifted columns, those first that moved far and that the model leans on."""
    even = 1 / max(1, len(report.columns))
    moved = [c for c in report.columns if c.drifted]
    return [
        c.name
        for c in sorted(moved, key=lambda c: (-c.effect * (weights.get(c.name, 0.0) if weights else even), c.name))
    ]
