"""A drift report in the words of other tools, for those whose dashboards and scripts read those.

`evidently` has the metrics of Evidently 0.7's DataDriftPreset, `nannyml` the methods of NannyML 0.13's univariate results. The
figures are ours, and each method's name says which.
"""

from __future__ import annotations

from typing import Any

from jupyter_mlops.monitoring.comparing import ColumnDrift, DriftReport

SHARE = 0.5  # of columns, from which on Evidently speaks of the data set's drift
_NANNYML = {
    "kolmogorov_smirnov": "ks",
    "jensen_shannon": "js",
    "wasserstein": "wasserstein",
    "hellinger": "hellinger",
    "chi2": "chi2",
    "l_infinity": "linf",
}


def evidently(report: DriftReport) -> dict[str, Any]:
    """`{"metrics": [{"metric_name", "config", "value"}]}`: how many columns drifted, then the Jensen-Shannon distance of each."""
    count, total = len(report.drifted_columns), len(report.columns)
    counted = {
        "metric_name": f"DriftedColumnsCount(drift_share={SHARE})",
        "config": {"type": "evidently:metric_v2:DriftedColumnsCount", "drift_share": SHARE},
        "value": {"count": float(count), "share": count / total if total else 0.0},
    }
    return {"metrics": [counted, *(_value_drift(column) for column in report.columns)]}


def _value_drift(column: ColumnDrift) -> dict[str, Any]:
    method = "Jensen-Shannon distance"
    return {
        "metric_name": f"ValueDrift(column={column.name},method={method})",
        "config": {"type": "evidently:metric_v2:ValueDrift", "column": column.name, "method": method},
        "value": column.figures.get("js"),
    }


def nannyml(report: DriftReport) -> list[dict[str, Any]]:
    """One line for each column and method: `column_name`, `method`, `value`, `alert`."""
    return [
        {"column_name": column.name, "method": method, "value": column.figures[ours], "alert": column.drifted}
        for column in report.columns
        for method, ours in _NANNYML.items()
        if column.figures.get(ours) is not None
    ]
