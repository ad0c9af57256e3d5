"""Retraining by the clock: the last moment that a schedule named is answered once, however late, and none twice."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from jupyter_mlops.flows.judging import champion_of
from jupyter_mlops.flows.retraining import past_decisions, retrain_for
from jupyter_mlops.project import Schedule, Target
from jupyter_mlops.records import Decision, RetrainDecision
from jupyter_mlops.registry import versions
from jupyter_mlops.store import Store

_BEGINS = "schedule "


def due_by_schedule(store: Store, target: Target, now: datetime | None = None) -> str:
    """What asks for retraining by now and was neither done nor refused, in words; empty when nothing does.

    Nothing is due of a model without a champion, nor for a moment from before its newest version. Of moments that passed while
    nobody looked only the last counts. One from before what was decided already is over too, should the clock go back.
    """
    rules = [rule for rule in target.spec.retrain.when if isinstance(rule, Schedule)]
    if not rules or champion_of(store, target.name) is None:
        return ""
    at, rule = max(((rule.last(now or datetime.now(UTC)), rule) for rule in rules), key=lambda found: found[0])
    if max(version.created for version in versions(store, target.name)) >= at:
        return ""
    words = f"{_BEGINS}{rule.schedule!r} of {at.astimezone(ZoneInfo(rule.zone)):%Y-%m-%d %H:%M} {rule.zone}"
    by_clock = [
        (e.after["trigger"], e.at) for e in past_decisions(store, target) if e.after["trigger"].startswith(_BEGINS)
    ]
    return "" if any(trigger == words or entered >= at for trigger, entered in by_clock) else words


def keep_schedules(store: Store, now: datetime | None = None) -> list[str]:
    """Retrain what is due, together, as far as no brake holds; what became of each, in a sentence."""
    asked = [(target, due_by_schedule(store, target, now)) for target in store.project.targets()]
    found = retrain_for(store, [(target, words) for target, words in asked if words])
    return [f"{name}: {_said(decision, promoted)}" for name, (decision, promoted) in found.items()]


def _said(decision: RetrainDecision, promoted: Decision | None) -> str:
    if not decision.fired:
        what = "its retraining failed" if decision.run_id else "it was not retrained"
        return f"{decision.trigger}: {what}: {decision.reason}"
    then = "" if promoted is None else "; it is champion" if promoted.done else f"; not promoted: {promoted.reason}"
    return f"{decision.trigger}: version {decision.version} was trained{then}"
