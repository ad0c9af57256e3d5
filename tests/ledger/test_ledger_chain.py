"""Every change to what was entered is found, and named."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import BadInput
from jupyter_mlops.ledger import append, entries, verify
from jupyter_mlops.project import Project, load
from jupyter_mlops.store import Database, database

TAMPER = ["seq", "prev_hash", "hash", "body", "subject"]


@pytest.fixture
def base(project: Project) -> Database:
    return database(project)


def _fill(base: Database, count: int) -> None:
    with base.begin() as connection:
        for i in range(count):
            append(connection, actor="ann", action="set alias", subject=f"rul/{i}", after={"version": i}, reason="r")


def _without_triggers(connection: sa.Connection) -> None:
    for act in ("update", "delete"):
        connection.exec_driver_sql(f"DROP TRIGGER mlops_ledger_no_{act}")


def test_an_empty_ledger_holds(base: Database):
    with base.read() as connection:
        assert verify(connection).ok
        assert entries(connection) == []


def test_entries_come_back_newest_first_and_by_subject(base: Database):
    _fill(base, 3)
    with base.read() as connection:
        assert [e.seq for e in entries(connection)] == [3, 2, 1]
        assert [e.subject for e in entries(connection, "rul/1")] == ["rul/1"]
        assert len(entries(connection, "rul")) == 3
        assert entries(connection, "ru_") == []


def test_a_clock_that_was_set_back_is_named_and_machines_that_differ_by_seconds_are_not(base: Database):
    now = datetime.now(UTC).replace(microsecond=0)
    with base.begin() as connection:
        for seconds in (0, 120, 90, 121, 0, 60.5, 400):
            at = now + timedelta(seconds=seconds)
            append(connection, actor="ann", action="noted", subject="x", after={"at": "1999", "before": 1}, at=at)
    with base.read() as connection:
        answer = verify(connection)
    assert (answer.ok, answer.clock_back) == (True, [5, 6])


@pytest.mark.parametrize("column", TAMPER)
@pytest.mark.parametrize("row", [1, 5, 9])
def test_a_changed_field_is_found_at_its_entry(base: Database, column: str, row: int):
    _fill(base, 9)
    with base.begin() as connection:
        _without_triggers(connection)
        value = "77" if column == "seq" else "x"
        connection.exec_driver_sql(f"UPDATE mlops_ledger SET {column} = '{value}' WHERE seq = {row}")
    with base.read() as connection:
        answer = verify(connection)
    assert not answer.ok
    assert answer.first_bad == row


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_changed_in_any_body_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    base = database(load(tmp_path_factory.mktemp("p")))
    _fill(base, 4)
    row = data.draw(st.integers(1, 4))
    with base.begin() as connection:
        _without_triggers(connection)
        body = connection.exec_driver_sql(f"SELECT body FROM mlops_ledger WHERE seq = {row}").scalar()
        place = data.draw(st.integers(0, len(body) - 1))
        other = data.draw(st.sampled_from([c for c in 'aZ09 {}"' if c != body[place]]))
        changed = body[:place] + other + body[place + 1 :]
        connection.execute(sa.text("UPDATE mlops_ledger SET body = :b WHERE seq = :s"), {"b": changed, "s": row})
    with base.read() as connection:
        answer = verify(connection)
    assert (answer.ok, answer.first_bad) == (False, row)
    base.close()


def test_a_removed_entry_is_missed(base: Database):
    _fill(base, 5)
    with base.begin() as connection:
        _without_triggers(connection)
        connection.exec_driver_sql("DELETE FROM mlops_ledger WHERE seq = 3")
    with base.read() as connection:
        answer = verify(connection)
    assert answer.first_bad == 3
    assert "missing" in answer.problem


@pytest.mark.parametrize("statement", ["DELETE FROM mlops_ledger", "UPDATE mlops_ledger SET subject = 'x'"])
def test_ordinary_tools_cannot_change_it(base: Database, statement: str):
    _fill(base, 2)
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), base.begin() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", 2**60])
def test_what_has_no_one_form_is_refused(base: Database, value: object):
    with pytest.raises(BadInput, match="cannot be entered"), base.begin() as connection:
        append(connection, actor="a", action="b", subject="c", after={"v": value})
