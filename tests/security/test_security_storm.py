"""A storm of alerts, or a loop that triggers itself, trains nothing more than its brakes allow and promotes nothing."""

from datetime import UTC, datetime, timedelta

from jupyter_mlops.flows.retraining import ACTOR, FAILED, FIRED, REFUSED, answer
from jupyter_mlops.ledger import append, entries, verify
from jupyter_mlops.project import Project
from jupyter_mlops.records import MonitorReport, Violation
from jupyter_mlops.store import Store, database, open_store

NAME = "rul.plant-01"
NOW = datetime.now(UTC)


def _report(kind: str, number: int) -> MonitorReport:
    found = Violation(kind=kind, what=f"column {number}", sentence=f"column {number} moved", severity="warning")
    window = {"start": NOW + timedelta(minutes=number), "end": NOW + timedelta(minutes=number + 1)}
    told = {"rows": 100, "coverage": 1.0, "verdict": "fail", "points": [], "violations": [found]}
    return MonitorReport(model="rul", segment="plant-01", version=1, **window, **told)


def _before(project: Project, action: str, ago: timedelta, times: int = 1) -> None:
    with database(project).begin() as connection:
        for _ in range(times):
            append(connection, actor=ACTOR, action=action, subject=NAME, reason="before", at=NOW - ago)


def _storm(store: Store, kind: str = "drift") -> list[str]:
    """What three hundred alerts, one after the other, left in the ledger."""
    target = store.project.target(NAME)
    for number in range(300):
        answer(store, target, _report(kind, number))
    with database(store.project).read() as connection:
        assert verify(connection).ok
        return [e.action for e in entries(connection, NAME, limit=2000)][::-1]


def test_hundreds_of_alerts_after_a_retraining_are_one_refusal(project: Project):
    _before(project, FIRED, timedelta(minutes=1))
    assert _storm(open_store(project)) == [FIRED, REFUSED]


def test_a_loop_of_failures_stops_until_a_person_looks(project: Project):
    _before(project, FAILED, timedelta(days=20), times=3)
    assert _storm(open_store(project))[3:] == [REFUSED]


def test_labels_from_a_broken_feed_are_not_learned_from(project: Project):
    assert _storm(open_store(project), "data-quality") == [REFUSED]
