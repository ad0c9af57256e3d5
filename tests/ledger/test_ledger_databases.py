"""One ledger on SQLite, PostgreSQL and MySQL: one chain whoever writes, triggers that hold, a cut tail that is found."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import writers
from servers import mysql, postgres

from jupyter_mlops.ledger import checkpoint, entries, verify
from jupyter_mlops.store import foreign_database

WITHOUT_TRIGGERS = {
    "sqlite": ["DROP TRIGGER mlops_ledger_no_update", "DROP TRIGGER mlops_ledger_no_delete"],
    "postgresql": ["ALTER TABLE mlops_ledger DISABLE TRIGGER ALL"],
    "mysql": ["DROP TRIGGER mlops_ledger_no_update", "DROP TRIGGER mlops_ledger_no_delete"],
}


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    file = folder / "ledger.db"
    file.touch()
    yield f"sqlite:///{file}"


@pytest.fixture(scope="module", params=[sqlite, postgres, mysql], ids=lambda found: found.__name__)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with request.param(tmp_path_factory.mktemp("database")) as found:
        yield found


def _writers(url: str, processes: int, count: int) -> subprocess.Popen:
    words = [sys.executable, writers.__file__, url, str(processes), str(count)]
    return subprocess.Popen(words, start_new_session=True)


def _entered(url: str) -> int:
    base = foreign_database(url)
    with base.read() as connection:
        newest = entries(connection, limit=1)
    base.close()
    return newest[0].seq if newest else 0


def test_sixteen_writers_on_a_new_database_make_one_chain(url: str):
    assert _writers(url, 16, 12).wait(240) == 0
    base = foreign_database(url)
    with base.read() as connection:
        answer = verify(connection)
        assert len(entries(connection, "3")) == 12
    base.close()
    assert (answer.ok, answer.entries) == (True, 192)


def test_killed_writers_leave_no_gap(url: str):
    begun = _entered(url)
    killed = _writers(url, 3, 100_000)
    end = time.monotonic() + 120
    while _entered(url) < begun + 30 and time.monotonic() < end:
        time.sleep(0.1)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    writers.write(url, "after", 1)  # nobody holds the turn for ever
    base = foreign_database(url)
    with base.read() as connection:
        answer = verify(connection)
    base.close()
    assert answer.ok
    assert answer.entries > begun + 30


def test_triggers_hold_and_what_goes_round_them_is_found(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLOPS_WITNESS", str(tmp_path))
    base = foreign_database(url)
    dialect = base.engine.dialect.name
    writers.write(url, "more", 5)
    statements = ["DELETE FROM mlops_ledger", "UPDATE mlops_ledger SET subject = 'x'"]
    for statement in [*statements, *(["TRUNCATE mlops_ledger"] if dialect == "postgresql" else [])]:
        with pytest.raises(Exception, match="append-only"), base.begin() as connection:
            connection.exec_driver_sql(statement)
    with base.begin() as connection:
        made = checkpoint(connection)
    with base.begin() as connection:
        for statement in WITHOUT_TRIGGERS[dialect]:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"DELETE FROM mlops_ledger WHERE seq > {made.size - 3}")
        connection.exec_driver_sql("DELETE FROM mlops_ledger_checkpoints")
    with base.read() as connection:
        answer = verify(connection)
    base.close()
    assert (answer.ok, answer.first_bad) == (False, made.size - 2)
