"""What needs several stages: train, promote, watch, retrain, show the figures, and the quickstart that runs them all."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlops.flows.alerting import acknowledge, close, silence, suppress
    from jupyter_mlops.flows.announcing import reachable
    from jupyter_mlops.flows.approving import apply_policies, approvals, declared_policies, say, sign_files_of
    from jupyter_mlops.flows.batch import erase, score_files
    from jupyter_mlops.flows.detaching import start_jobs
    from jupyter_mlops.flows.dossier import dossier_of, evidence_pack, make_card
    from jupyter_mlops.flows.endpoints import serve
    from jupyter_mlops.flows.exposing import exposition
    from jupyter_mlops.flows.figures import refresh_figures
    from jupyter_mlops.flows.forms import filled, job_form
    from jupyter_mlops.flows.judging import reasons_of
    from jupyter_mlops.flows.launching import launch, launch_segments, resume_fleet
    from jupyter_mlops.flows.lineage import compared_with_champion, lineage_of
    from jupyter_mlops.flows.notifying import notify
    from jupyter_mlops.flows.planning import Step, plan
    from jupyter_mlops.flows.promotion import evidence_of, promote, rollback, validate_version
    from jupyter_mlops.flows.reconciling import Done, apply, reconcile
    from jupyter_mlops.flows.repeating import replay_job
    from jupyter_mlops.flows.retraining import retrain
    from jupyter_mlops.flows.rows import read_rows
    from jupyter_mlops.flows.scheduling import MlopsScheduler
    from jupyter_mlops.flows.showing import shown
    from jupyter_mlops.flows.starting import quickstart
    from jupyter_mlops.flows.training import gather, run_jobs, train
    from jupyter_mlops.flows.waiting import waiting_approvals
    from jupyter_mlops.flows.watching import score_and_watch, take_labels, watch

__all__ = [
    "Done",
    "MlopsScheduler",
    "Step",
    "acknowledge",
    "apply",
    "apply_policies",
    "approvals",
    "close",
    "compared_with_champion",
    "declared_policies",
    "dossier_of",
    "erase",
    "evidence_of",
    "evidence_pack",
    "exposition",
    "filled",
    "gather",
    "job_form",
    "launch",
    "launch_segments",
    "lineage_of",
    "make_card",
    "notify",
    "plan",
    "promote",
    "quickstart",
    "reachable",
    "read_rows",
    "reasons_of",
    "reconcile",
    "refresh_figures",
    "replay_job",
    "resume_fleet",
    "retrain",
    "rollback",
    "run_jobs",
    "say",
    "score_and_watch",
    "score_files",
    "serve",
    "shown",
    "sign_files_of",
    "silence",
    "start_jobs",
    "suppress",
    "take_labels",
    "train",
    "validate_version",
    "waiting_approvals",
    "watch",
]

# Each flow brings its own heavy libraries, so each is imported when it is first used.
_HOME = {
    "Done": "reconciling",
    "MlopsScheduler": "scheduling",
    "Step": "planning",
    "acknowledge": "alerting",
    "apply": "reconciling",
    "apply_policies": "approving",
    "approvals": "approving",
    "close": "alerting",
    "compared_with_champion": "lineage",
    "declared_policies": "approving",
    "dossier_of": "dossier",
    "erase": "batch",
    "evidence_of": "promotion",
    "evidence_pack": "dossier",
    "exposition": "exposing",
    "filled": "forms",
    "gather": "training",
    "job_form": "forms",
    "launch": "launching",
    "launch_segments": "launching",
    "lineage_of": "lineage",
    "make_card": "dossier",
    "notify": "notifying",
    "reachable": "announcing",
    "plan": "planning",
    "promote": "promotion",
    "quickstart": "starting",
    "read_rows": "rows",
    "reasons_of": "judging",
    "reconcile": "reconciling",
    "refresh_figures": "figures",
    "replay_job": "repeating",
    "resume_fleet": "launching",
    "retrain": "retraining",
    "rollback": "promotion",
    "run_jobs": "training",
    "say": "approving",
    "score_and_watch": "watching",
    "score_files": "batch",
    "serve": "endpoints",
    "shown": "showing",
    "sign_files_of": "approving",
    "silence": "alerting",
    "start_jobs": "detaching",
    "suppress": "alerting",
    "take_labels": "watching",
    "train": "training",
    "validate_version": "promotion",
    "waiting_approvals": "waiting",
    "watch": "watching",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"jupyter_mlops.flows.{_HOME[name]}"), name)
    raise AttributeError(name)
