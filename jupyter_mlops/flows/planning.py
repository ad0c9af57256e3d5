"""The difference between what `mlops.yaml` says and what is, as steps; looked at, never changed, and the same each time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.flows.approving import approvals, declared_policies
from jupyter_mlops.flows.judging import CHAMPION, champion_of
from jupyter_mlops.flows.promotion import VERDICT
from jupyter_mlops.flows.timetable import due_by_schedule
from jupyter_mlops.governance import in_force
from jupyter_mlops.ledger import entries
from jupyter_mlops.project import Project, Target
from jupyter_mlops.records import ModelVersion
from jupyter_mlops.registry import models, versions
from jupyter_mlops.serving import differences, render, running
from jupyter_mlops.store import Store, database

DEPLOY = "deploy"
APPLY, RECONCILE, PERSON = "apply", "reconcile", "person"
_IMAGE = re.compile(r"^\s+image: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One difference. `kind` is what differs, from policy to deploy; `by` says who closes it.

    `by` is "apply", "reconcile" (which applies too) or "person", who uses `command`. `version` is of what is to be promoted,
    `diff` of files, as a unified diff.
    """

    kind: str
    name: str
    what: str
    by: str
    command: str
    version: int | None = None
    diff: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def plan(store: Store, folder: Path | None = None) -> list[Step]:
    """Every difference, in the order of `mlops.yaml`. `folder` holds rendered manifests (default: `deploy`, if it is there)."""
    project = store.project
    targets = list(project.targets())
    found = [*_policies(project), *(step for target in targets for step in _target(store, target))]
    found += [*_strangers(store, targets), *_endpoints(store, targets, folder or project.root / DEPLOY)]
    return [*found, *_manifests(project, folder or project.root / DEPLOY)]


def _policies(project: Project) -> Iterator[Step]:
    """Where a server decides, its policies are the server's, and nothing is said of them from here."""
    if not project.tracking.startswith("sqlite:"):
        return
    declared = {policy.policy: (policy, name) for policy, name in zip(*_named(project), strict=True)}
    with database(project).read() as connection:
        now = {policy.policy: policy.digest for policy in in_force(connection)}
    for name, (policy, file) in declared.items():
        if name not in now:
            yield Step("policy", name, f"{file} is declared and not in force", APPLY, "jupyter mlops apply")
        elif now[name] != policy.digest:
            command = f"jupyter mlops policy apply {file} --reason TEXT"
            yield Step("policy", name, f"{file} says something else than what is in force", PERSON, command)
    for name in sorted(set(now) - set(declared)):
        command = f"jupyter mlops policy withdraw {name} --reason TEXT"
        yield Step("policy", name, "it is in force and mlops.yaml does not name it", PERSON, command)


def _named(project: Project) -> tuple[list[Any], list[str]]:
    return list(declared_policies(project)), list(project.file.policies)


def _target(store: Store, target: Target) -> Iterator[Step]:
    known = versions(store, target.name, missing_ok=True)
    champion = next((v for v in known if CHAMPION in v.aliases), None)
    if not known:
        yield _training(store, target)
    elif champion is None:
        yield _promotion(store, target, max(known, key=lambda v: v.version))
    else:
        yield from _traffic(target, known)
        yield from _retraining(store, target)
        words = due_by_schedule(store, target)
        if words:
            what = f"{words} asks for retraining"
            yield Step("schedule", target.name, what, RECONCILE, "jupyter mlops reconcile")


def _endpoints(store: Store, targets: list[Target], folder: Path) -> Iterator[Step]:
    """Champions that are to be served and are not, or not yet by the version that they are. Of servers that run elsewhere,
    for which manifests were rendered, only those are known that write below this project's home.
    """
    known = running(store.project)
    if not known and image_in(folder) is not None:
        return
    for target in targets:
        champion = champion_of(store, target.name) if target.spec.deploy else None
        if champion is None:
            continue
        served = [one for one in known if target.name in one.models]
        behind = [one for one in served if one.models[target.name] != champion.version]
        if not served:
            command = f"jupyter mlops serve {target.model}"
            yield Step("endpoint", target.name, "no server that is known here answers for it", PERSON, command)
        for one in behind:
            what = f"{one.url} answers by version {one.models[target.name]}, and version {champion.version} is champion"
            yield Step("endpoint", target.name, what, PERSON, "jupyter mlops alerts")


def _training(store: Store, target: Target) -> Step:
    """A job that failed is not tried again by itself: what it failed on is still there."""
    command = f"jupyter mlops run --segments {target.model}"
    lacking = _lacking(store.project, target)
    if lacking:
        return Step("train", target.name, f"it has no version, and {lacking}", PERSON, command)
    tags = {"mlops.kind": "job", "mlops.model": target.model}
    tags |= {"mlops.segment": target.segment} if target.segment else {}
    last = next(iter(store.runs(tags=tags, limit=1)), None)
    if last is None:
        what = f"it has no version: {target.spec.train.notebook} is to be run for it"
        return Step("train", target.name, what, APPLY, "jupyter mlops apply")
    run = last.run_id[:8]
    if last.status == "RUNNING":
        return Step("train", target.name, f"run {run} trains it", PERSON, f"jupyter mlops show {run}")
    if last.status == "FINISHED":
        what, command = f"run {run} trained it and is not registered", f"jupyter mlops register {run} {target.name}"
        return Step("train", target.name, what, PERSON, command)
    return Step("train", target.name, f"its training, run {run}, ended {last.status}: {last.reason}", PERSON, command)


def _lacking(project: Project, target: Target) -> str:
    """What its training needs and has not, as far as can be told before; empty when it is all there."""
    notebook = project.root / target.spec.train.notebook
    if not notebook.is_file():
        return f"there is no notebook {target.spec.train.notebook}"
    try:
        rows = project.path(target.spec.data.training, target)
    except MlopsError as error:
        return error.message
    return "" if rows.exists() else f"there are no training rows at {rows.relative_to(project.root)}"


def _promotion(store: Store, target: Target, newest: ModelVersion) -> Step:
    """A first version that was not judged yet, or passed. One that a person took out of service stays out."""
    name, number = target.name, newest.version
    command = f"jupyter mlops promote {name} {number} --reason TEXT"
    verdict = newest.tags.get(VERDICT)
    with database(store.project).read() as connection:
        held = entries(connection, name, limit=1, action="set alias")
    if held:
        what, by = "it has no champion any more", PERSON
    elif target.spec.data.evaluation is None:
        what, by = f"version {number} cannot be judged: data.evaluation is not declared", PERSON
    elif verdict not in (None, "pass"):
        what, by = f"its newest version {number} did not pass its gates ({verdict})", PERSON
        command = f"jupyter mlops validate {name} {number}"
    elif target.spec.retrain.promote != "automatic":
        what, by = f"version {number} waits for somebody to promote it (retrain.promote: approval)", PERSON
    elif (state := approvals(store, name, number)["state"]) not in ("not needed", "approved", "unknown"):
        what, by = f"version {number} waits for approvals ({state})", PERSON
        command = f"jupyter mlops approve {name} {number} --reason TEXT"
    else:
        what, by = f"it has no champion: version {number} is to be judged, and promoted if it passes", APPLY
        command = "jupyter mlops apply"
    return Step("promote", name, what, by, command, number)


def _traffic(target: Target, known: list[ModelVersion]) -> Iterator[Step]:
    deploy = target.spec.deploy
    wants = deploy is not None and (deploy.challenger_share > 0 or deploy.shadow)
    if wants and not any("challenger" in version.aliases for version in known):
        command = f"jupyter mlops promote {target.name} VERSION --to challenger --reason TEXT"
        yield Step("traffic", target.name, "a challenger is to have traffic, and none is named", PERSON, command)


def _retraining(store: Store, target: Target) -> Iterator[Step]:
    """What was found and asks for retraining; whether a brake holds is seen when it is done."""
    for alert in database(store.project).alerts("open"):
        whose = alert.model == target.model and (alert.segment == target.segment or target.segment in alert.segments)
        if whose and alert.kind in target.spec.retrain.when:
            what = f"alert {alert.alert_id} asks for retraining: {alert.sentence}"
            yield Step("retrain", target.name, what, RECONCILE, "jupyter mlops reconcile")


def _strangers(store: Store, targets: list[Target]) -> Iterator[Step]:
    """Registered segments of a declared model that it does not declare any more. Other models may be another project's."""
    known = {target.name for target in targets} | set(store.project.file.models)
    for name in sorted(model.name for model in models(store)):
        if name not in known and name.partition(".")[0] in store.project.file.models:
            what = "it is registered, and mlops.yaml does not declare the segment"
            yield Step("registry", name, what, PERSON, f"jupyter mlops versions {name}")


def image_in(folder: Path) -> str | None:
    """The image that the manifests in this folder were rendered for; None where there are none."""
    rendered = folder / "kubernetes.yaml"
    found = _IMAGE.search(rendered.read_text(encoding="utf-8", errors="replace")) if rendered.is_file() else None
    return found[1] if found else None


def _manifests(project: Project, folder: Path) -> Iterator[Step]:
    """What rendering again would change; nothing where nothing was rendered."""
    image = image_in(folder)
    if image is None:
        return
    command = f"jupyter mlops deploy --image {image} -o {folder}"
    name = str(folder.relative_to(project.root)) if folder.is_relative_to(project.root) else str(folder)
    try:
        diff = differences(render(project, image), folder)
    except MlopsError as error:
        yield Step("deploy", name, f"it cannot be rendered: {error.message}", PERSON, command)
        return
    if diff:
        changed = sum(line.startswith("--- ") for line in diff.splitlines())
        yield Step("deploy", name, f"{changed} of its files are not what would be rendered", APPLY, command, diff=diff)
