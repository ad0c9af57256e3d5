"""Figures, points and alerts are kept, restated and found again."""

from datetime import UTC, datetime, timedelta

import pytest

from jupyter_mlops.errors import NotFound
from jupyter_mlops.project import Project
from jupyter_mlops.records import MetricPoint
from jupyter_mlops.store import Database, database

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def base(project: Project) -> Database:
    return database(project)


def _point(value: float, hours: int = 0, segment: str | None = "plant-01") -> MetricPoint:
    start = NOON + timedelta(hours=hours)
    return MetricPoint(
        model="rul",
        segment=segment,
        version=1,
        metric="mae",
        start=start,
        end=start + timedelta(hours=1),
        value=value,
        n=9,
    )


def test_a_window_asked_again_restates_its_figure(base: Database):
    base.add_points([_point(1.0), _point(2.0, hours=1), _point(3.0, segment=None)])
    base.add_points([_point(1.5)])
    assert [p.value for p in base.points("rul", "plant-01")] == [1.5, 2.0]
    assert {p.segment for p in base.points()} == {"plant-01", None}


def test_the_same_alert_is_opened_once_until_it_is_resolved(base: Database):
    first = base.open_alert("rul", None, "drift", "speed", "speed moved", "warning")
    again = base.open_alert("rul", None, "drift", "speed", "speed moved further", "critical")
    assert again.alert_id == first.alert_id
    assert again.sentence == "speed moved further"
    base.set_alert(first.alert_id, "resolved", "me")
    assert base.open_alert("rul", None, "drift", "speed", "again", "warning").alert_id != first.alert_id
    assert len(base.alerts("open")) == 1


def test_an_alert_that_is_not_there_is_named(base: Database):
    with pytest.raises(NotFound, match="no alert 99"):
        base.set_alert(99, "acknowledged", "me")


def test_a_change_by_anybody_is_seen(base: Database, project: Project):
    before = base.changed()
    assert base.changed() == before
    other = database(project)
    other.open_alert("rul", None, "drift", "speed", "speed moved", "warning")
    assert base.changed() != before


def test_a_failed_transaction_leaves_nothing(base: Database):
    with pytest.raises(RuntimeError, match="half way"):
        _write_and_fail(base)
    with base.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM mlops_meta WHERE key = 'a'").scalar() == 0


def _write_and_fail(base: Database) -> None:
    with base.begin() as connection:
        connection.exec_driver_sql("INSERT INTO mlops_meta VALUES ('a', 'b')")
        raise RuntimeError("half way")
