"""What needs several stages: train, promote, watch, retrain, show the figures, and the quickstart that runs them all."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlops.flows.alerting import acknowledge, close, silence, suppress
    from jupyter_mlops.flows.approving import apply_policies, approvals, declared_policies, say
    from jupyter_mlops.flows.batch import erase, score_files
    from jupyter_mlops.flows.dossier import dossier_of, evidence_pack, make_card
    from jupyter_mlops.flows.endpoints import serve
    from jupyter_mlops.flows.exposing import exposition
    from jupyter_mlops.flows.figures import refresh_figures
    from jupyter_mlops.flows.judging import reasons_of
    from jupyter_mlops.flows.notifying import notify
    from jupyter_mlops.flows.promotion import promote, rollback, validate_version
    from jupyter_mlops.flows.repeating import replay_job
    from jupyter_mlops.flows.retraining import retrain
    from jupyter_mlops.flows.rows import read_rows
    from jupyter_mlops.flows.starting import quickstart
    from jupyter_mlops.flows.training import gather, run_jobs, train
    from jupyter_mlops.flows.watching import score_and_watch, take_labels, watch

__all__ = [
    "acknowledge",
    "apply_policies",
    "approvals",
    "close",
    "declared_policies",
    "dossier_of",
    "erase",
    "evidence_pack",
    "exposition",
    "gather",
    "make_card",
    "notify",
    "promote",
    "quickstart",
    "read_rows",
    "reasons_of",
    "refresh_figures",
    "replay_job",
    "retrain",
    "rollback",
    "run_jobs",
    "say",
    "score_and_watch",
    "score_files",
    "serve",
    "silence",
    "suppress",
    "take_labels",
    "train",
    "validate_version",
    "watch",
]

# Each flow brings its own heavy libraries, so each is imported when it is first used.
_HOME = {
    "acknowledge": "alerting",
    "close": "alerting",
    "notify": "notifying",
    "silence": "alerting",
    "suppress": "alerting",
    "take_labels": "watching",
    "apply_policies": "approving",
    "approvals": "approving",
    "declared_policies": "approving",
    "dossier_of": "dossier",
    "evidence_pack": "dossier",
    "make_card": "dossier",
    "erase": "batch",
    "exposition": "exposing",
    "gather": "training",
    "promote": "promotion",
    "quickstart": "starting",
    "read_rows": "rows",
    "reasons_of": "judging",
    "refresh_figures": "figures",
    "replay_job": "repeating",
    "retrain": "retraining",
    "rollback": "promotion",
    "run_jobs": "training",
    "say": "approving",
    "score_and_watch": "watching",
    "score_files": "batch",
    "serve": "endpoints",
    "train": "training",
    "validate_version": "promotion",
    "watch": "watching",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"jupyter_mlops.flows.{_HOME[name]}"), name)
    raise AttributeError(name)
