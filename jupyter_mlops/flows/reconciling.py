"""What `plan` found, done: each step by the flow that a person would use, one after the other, and none twice."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput, Conflict, MlopsError, NotFound
from jupyter_mlops.flows.approving import ensure_policies
from jupyter_mlops.flows.figures import refresh_figures
from jupyter_mlops.flows.judging import champion_of
from jupyter_mlops.flows.notifying import notify
from jupyter_mlops.flows.planning import APPLY, DEPLOY, Step, image_in, plan
from jupyter_mlops.flows.promotion import promote
from jupyter_mlops.flows.retraining import answer
from jupyter_mlops.flows.timetable import keep_schedules
from jupyter_mlops.flows.training import train
from jupyter_mlops.flows.watching import watch
from jupyter_mlops.project import Project, Target
from jupyter_mlops.registry import register
from jupyter_mlops.serving import InferenceLog, recover, render, tidy, write
from jupyter_mlops.store import Store

ACTOR = "jupyter-mlops apply"


@dataclass(frozen=True)
class Done:
    """What was tried and how it went; `ok` is whether it is as `mlops.yaml` says now."""

    step: Step
    ok: bool
    said: str

    def as_dict(self) -> dict[str, Any]:
        return {**self.step.as_dict(), "ok": self.ok, "said": self.said}


def apply(store: Store, folder: Path | None = None) -> list[Done]:
    """Close the differences that may be closed without a person. Conflict while somebody else is at it."""
    with _alone(store.project):
        return _applied(store, folder)


def reconcile(store: Store, folder: Path | None = None) -> tuple[list[Done], list[str]]:
    """`apply`; then judge what each champion met, answer what was found, and retrain what a schedule asks for.

    What was done, and what was seen in sentences.
    """
    with _alone(store.project):
        done = _applied(store, folder)
        recover(store.project)
        tidy(store.project)
        said = [sentence for target in store.project.targets() for sentence in _watched(store, target)]
        said += keep_schedules(store)
        refresh_figures(store)
        unsent = notify(store.project)
        return done, [*said, *([unsent] if unsent else [])]


@contextmanager
def _alone(project: Project) -> Iterator[None]:
    project.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (project.home / "reconcile.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict("this project is being reconciled already", "wait until that is done") from error
        yield


def _applied(store: Store, folder: Path | None) -> list[Done]:
    """A model that was trained has a version to promote, so there is a second look."""
    done = _trained(store, [step for step in _mine(store, folder) if step.kind == "train"])
    tried = {(one.step.kind, one.step.name) for one in done}
    for step in _mine(store, folder):
        if step.kind in _HOW and (step.kind, step.name) not in tried:
            done.append(_tried(store, step, folder or store.project.root / DEPLOY))
    return done


def _mine(store: Store, folder: Path | None) -> list[Step]:
    return [step for step in plan(store, folder) if step.by == APPLY]


def _trained(store: Store, steps: list[Step]) -> list[Done]:
    if not steps:
        return []
    jobs = train(store, [store.project.target(step.name) for step in steps])
    return [_registered(store, step, jobs[step.name]) for step in steps]


def _registered(store: Store, step: Step, job: Any) -> Done:
    if job.status != "FINISHED":
        return Done(step, False, f"run {job.run_id[:8]} ended {job.status}: {job.reason}")
    try:
        made = register(store, job.run_id, step.name)
    except MlopsError as error:
        return Done(step, False, error.message)
    return Done(step, True, f"version {made.version} was trained by run {job.run_id[:8]}")


def _tried(store: Store, step: Step, folder: Path) -> Done:
    """One that fails keeps none of the others from being done."""
    try:
        ok, said = _HOW[step.kind](store, step, folder)
    except MlopsError as error:
        return Done(step, False, error.message)
    return Done(step, ok, said)


def _policy(store: Store, step: Step, _folder: Path) -> tuple[bool, str]:
    ensure_policies(store.project)
    return True, f"{step.name} is in force"


def _promote(store: Store, step: Step, _folder: Path) -> tuple[bool, str]:
    assert step.version is not None
    reason = "the first version here, and mlops.yaml says that what passes is promoted"
    decision = promote(store, step.name, step.version, reason=reason, actor=ACTOR)
    return decision.done, f"version {step.version} is champion" if decision.done else decision.reason


def _render(store: Store, step: Step, folder: Path) -> tuple[bool, str]:
    write(render(store.project, image_in(folder) or ""), folder)
    return True, f"{step.name} is rendered again"


_HOW = {"policy": _policy, "promote": _promote, "deploy": _render}


def _watched(store: Store, target: Target) -> list[str]:
    """What was met since, in a sentence each; nothing of a model that is not in service or was not asked."""
    if not InferenceLog(store.project).count(target.model, target.segment) or champion_of(store, target.name) is None:
        return []
    try:
        report = watch(store, target)
    except (BadInput, NotFound):
        return []  # nobody has asked this version yet
    said = [f"{target.name}: {violation.sentence}" for violation in report.violations]
    decision = answer(store, target, report)
    return [*said, f"{target.name}: {decision.reason}"] if decision else said
