"""Retraining with brakes: what a finding asks for is done, or refused with the reason, and entered either way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.flows.alerting import told_elsewhere
from jupyter_mlops.flows.announcing import announce
from jupyter_mlops.flows.promotion import promote
from jupyter_mlops.flows.training import train
from jupyter_mlops.ledger import append, entries
from jupyter_mlops.project import Target
from jupyter_mlops.records import Decision, Job, LedgerEntry, MonitorReport, RetrainDecision
from jupyter_mlops.registry import register
from jupyter_mlops.store import Store, database

ACTOR = "jupyter-mlops retrain"
FIRED = "retrain fired"
FAILED = "retrain failed"
REFUSED = "retrain refused"
_PERIODS = {"day": timedelta(days=1), "week": timedelta(weeks=1), "month": timedelta(days=30)}


def retrain(store: Store, target: Target, report: MonitorReport) -> tuple[RetrainDecision, Decision | None]:
    """Train a challenger if the report asks for it and no brake holds; promote it if policy says automatic and it passes."""
    trigger, why_not = due(target, report)
    why_not = why_not or _braked(store, target)
    if why_not:
        return _refused(store, target, trigger, why_not), None
    return _learned(store, target, trigger, train(store, [target])[target.name])


def retrain_for(store: Store, asked: list[tuple[Target, str]]) -> dict[str, tuple[RetrainDecision, Decision | None]]:
    """The same for what asks without a report, by model: those that no brake holds are trained together."""
    held = {target.name: _held_back(store, target) for target, _ in asked}
    free = [target for target, _ in asked if not held[target.name]]
    jobs = train(store, free) if free else {}
    return {
        target.name: _learned(store, target, trigger, jobs[target.name])
        if target.name in jobs
        else (_refused(store, target, trigger, held[target.name]), None)
        for target, trigger in asked
    }


def _refused(store: Store, target: Target, trigger: str, why: str) -> RetrainDecision:
    return _enter(store, target, REFUSED, RetrainDecision(**_whose(target), fired=False, reason=why, trigger=trigger))


def _learned(store: Store, target: Target, trigger: str, job: Job) -> tuple[RetrainDecision, Decision | None]:
    """What a retraining came to, entered; its version promoted where policy says automatic and it passes."""
    if job.status != "FINISHED":
        return _failed(store, target, trigger, job, job.reason), None
    try:
        made = register(store, job.run_id, target.name)
    except MlopsError as error:  # a run that kept no model, say: tried again it would keep none either
        return _failed(store, target, trigger, job, error.message), None
    decision = RetrainDecision(
        **_whose(target), fired=True, reason=trigger, trigger=trigger, run_id=job.run_id, version=made.version
    )
    _enter(store, target, FIRED, decision)
    if target.spec.retrain.promote != "automatic":
        return decision, None
    return decision, promote(store, target.name, made.version, reason=f"retrained: {trigger}", actor=ACTOR)


def _failed(store: Store, target: Target, trigger: str, job: Job, why: str) -> RetrainDecision:
    """Nobody watches this one, so people are told; the ledger has it, and also whom it could not reach."""
    untold = announce(store.project, {target.name: _as_failed(job, why)})
    why = f"{why}; {untold}" if untold else why
    failed = RetrainDecision(**_whose(target), fired=False, reason=why, trigger=trigger, run_id=job.run_id)
    return _enter(store, target, FAILED, failed)


def _as_failed(job: Job, why: str) -> Job:
    """A run may have finished and yet have failed as a retraining."""
    return job.model_copy(update={"status": "FAILED" if job.status == "FINISHED" else job.status, "reason": why})


def answer(store: Store, target: Target, report: MonitorReport) -> RetrainDecision | None:
    """`retrain`, for what looks again and again: a refusal that is entered already is not entered again, nor is silence."""
    trigger, why_not = due(target, report)
    if not trigger:
        return None
    past = past_decisions(store, target)
    if past and past[0].action == REFUSED and (why_not or _braked(store, target)):
        return None
    return retrain(store, target, report)[0]


def due(target: Target, report: MonitorReport) -> tuple[str, str]:
    """What asks for retraining, and why it is not to be done; one of the two is empty.

    A broken feed is never learned from: more of the same data would teach the model the fault.
    """
    kinds = {violation.kind for violation in report.violations}
    if "data-quality" in kinds and target.spec.retrain.brakes.never_on == "data-quality":
        broken = next(v for v in report.violations if v.kind == "data-quality")
        return broken.sentence, f"the data feed is broken, so retraining would learn the fault: {broken.sentence}"
    wanted = [v for v in report.violations if v.kind in target.spec.retrain.when]
    if not wanted:
        return "", "nothing was found that asks for retraining"
    return wanted[0].sentence, ""


def _braked(store: Store, target: Target) -> str:
    """The brake that holds now, in a sentence; empty when none does."""
    brakes = target.spec.retrain.brakes
    past = past_decisions(store, target)
    now = datetime.now(UTC)
    tried = [e for e in past if e.action in (FIRED, FAILED)]
    if tried and now - tried[0].at < brakes.cooldown:
        return f"it was retrained at {tried[0].at:%Y-%m-%d %H:%M} UTC, less than {brakes.cooldown} ago"
    count, _, period = brakes.at_most.partition(" per ")
    recent = [e for e in tried if now - e.at < _PERIODS[period]]
    if len(recent) >= int(count):
        return f"it was retrained {len(recent)} times in the last {period}; at most {brakes.at_most} is allowed"
    failures = next((i for i, e in enumerate(tried) if e.action != FAILED), len(tried))
    if failures >= brakes.stop_after_failures:
        return f"the last {failures} retrainings failed; a person must look before the next"
    return ""


def _held_back(store: Store, target: Target) -> str:
    """Why it is not retrained though something asks for it; empty when nothing speaks against it."""
    notebook = target.spec.train.notebook
    lacking = "" if (store.project.root / notebook).is_file() else f"there is no notebook {notebook}"
    return lacking or _braked(store, target) or _fed_badly(store, target)


def _fed_badly(store: Store, target: Target) -> str:
    """An alert on the data feed that is open, where those hold retraining back."""
    if target.spec.retrain.brakes.never_on != "data-quality":
        return ""
    for alert in database(store.project).alerts():
        whose = alert.model == target.model and (alert.segment == target.segment or target.segment in alert.segments)
        holds = alert.state == "open" or (alert.state == "suppressed" and told_elsewhere(alert))
        if whose and holds and alert.kind == "data-quality":
            return f"the data feed is broken, so retraining would learn the fault: {alert.sentence}"
    return ""


def past_decisions(store: Store, target: Target) -> list[LedgerEntry]:
    """What was decided of retraining it, the newest first."""
    with database(store.project).read() as connection:
        return [e for e in entries(connection, target.name, limit=500) if e.action in (FIRED, FAILED, REFUSED)]


def _enter(store: Store, target: Target, action: str, decision: RetrainDecision) -> RetrainDecision:
    with database(store.project).begin() as connection:
        append(
            connection,
            actor=ACTOR,
            action=action,
            subject=target.name,
            after=decision.model_dump(mode="json", exclude_none=True),
            reason=decision.reason,
        )
    return decision


def _whose(target: Target) -> dict[str, str | None]:
    return {"model": target.model, "segment": target.segment}
