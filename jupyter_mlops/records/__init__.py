"""The nouns: what comes in at a surface, is written by the base, and comes back.

Runs, versions and aliases are MLflow's own; these records are how the rooms hand them to each other and to REST, whose
OpenAPI and TypeScript types are generated from them. Times are UTC, aware.
"""

from __future__ import annotations

from jupyter_mlops.records.base import Record, RunStatus, Severity, Verdict
from jupyter_mlops.records.decisions import Decision, LedgerEntry, Verification
from jupyter_mlops.records.evidence import (
    Comparison,
    Dependence,
    Estimate,
    Evidence,
    Explanation,
    Fairness,
    FoundSlice,
    GateResult,
    GroupRates,
    Importance,
    Reason,
)
from jupyter_mlops.records.figures import GovernanceFigures, ModelFigures, MonitoringFigures, PortfolioFigures
from jupyter_mlops.records.models import LineageStep, ModelVersion, RegisteredModel
from jupyter_mlops.records.runs import Dataset, FormField, Job, JobForm, Progress, Run, RunningCell
from jupyter_mlops.records.watching import (
    Alert,
    EstimatorRecord,
    MetricPoint,
    MonitorReport,
    PerformanceEstimate,
    RetrainDecision,
    Silence,
    Violation,
)

__all__ = [
    "Alert",
    "Comparison",
    "Dataset",
    "Decision",
    "Dependence",
    "Estimate",
    "EstimatorRecord",
    "Evidence",
    "Explanation",
    "Fairness",
    "FormField",
    "FoundSlice",
    "GateResult",
    "GovernanceFigures",
    "GroupRates",
    "Importance",
    "Job",
    "JobForm",
    "LedgerEntry",
    "LineageStep",
    "MetricPoint",
    "ModelFigures",
    "ModelVersion",
    "MonitorReport",
    "MonitoringFigures",
    "PerformanceEstimate",
    "PortfolioFigures",
    "Progress",
    "Reason",
    "Record",
    "RegisteredModel",
    "RetrainDecision",
    "Run",
    "RunStatus",
    "RunningCell",
    "Severity",
    "Silence",
    "Verdict",
    "Verification",
    "Violation",
]
