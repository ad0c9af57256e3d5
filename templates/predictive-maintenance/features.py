"""What a model of remaining useful life sees of a machine: its sensors now, and how they moved over the last cycles."""

from __future__ import annotations

import pandas as pd

SENSORS = ["temperature", "vibration", "pressure", "current", "load"]
TARGET = "rul"
CAP = 125
"""Cycles beyond which a healthy machine tells nothing of its end; remaining life is counted up to here."""
WINDOW = 10


def with_features(cycles: pd.DataFrame, sensors: list[str]) -> pd.DataFrame:
    """Adds the rolling mean and the trend of each sensor over a machine's last ten cycles. Needs `unit` and `cycle`, sorted."""
    grouped = cycles.groupby("unit")[sensors]
    mean = grouped.rolling(WINDOW, min_periods=1).mean().reset_index(level=0, drop=True).sort_index()
    past = grouped.shift(WINDOW).fillna(grouped.transform("first"))
    return cycles.assign(
        **{f"{s}_mean": mean[s] for s in sensors}, **{f"{s}_trend": cycles[s] - past[s] for s in sensors}
    )


def feature_names(sensors: list[str]) -> list[str]:
    return [name for s in sensors for name in (s, f"{s}_mean", f"{s}_trend")] + ["cycle"]
