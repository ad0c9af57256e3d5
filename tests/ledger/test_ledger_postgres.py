"""The same ledger on PostgreSQL: one chain whoever writes at once, triggers that hold, a cut tail that is found."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import postgres

from jupyter_mlops.ledger import append, checkpoint, entries, verify
from jupyter_mlops.store import foreign_database


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres(tmp_path_factory.mktemp("postgres")) as found:
        yield found


def _write(url: str, name: str, count: int) -> None:
    base = foreign_database(url)
    for i in range(count):
        with base.begin() as connection:
            append(connection, actor="a", action="noted", subject=f"{name}/{i}")
    base.close()


def test_sixteen_writers_on_a_new_database_make_one_chain(url: str):
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(url, str(n), 25)) for n in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [w.exitcode for w in writers] == [0] * 16
    with foreign_database(url).read() as connection:
        answer = verify(connection)
        assert len(entries(connection, "3")) == 25
    assert (answer.ok, answer.entries) == (True, 400)


def test_killed_writers_leave_no_gap(url: str):
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(url, f"killed-{n}", 10_000)) for n in range(3)]
    for writer in writers:
        writer.start()
    time.sleep(6)
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    with foreign_database(url).read() as connection:
        assert verify(connection).ok


def test_triggers_hold_and_what_goes_round_them_is_found(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLOPS_WITNESS", str(tmp_path))
    base = foreign_database(url)
    _write(url, "more", 5)
    for statement in ("DELETE FROM mlops_ledger", "UPDATE mlops_ledger SET subject = 'x'", "TRUNCATE mlops_ledger"):
        with pytest.raises(Exception, match="append-only"), base.begin() as connection:
            connection.exec_driver_sql(statement)
    with base.begin() as connection:
        made = checkpoint(connection)
    with base.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE mlops_ledger DISABLE TRIGGER ALL")
        connection.exec_driver_sql(f"DELETE FROM mlops_ledger WHERE seq > {made.size - 3}")
        connection.exec_driver_sql("DELETE FROM mlops_ledger_checkpoints")
    with base.read() as connection:
        answer = verify(connection)
    assert (answer.ok, answer.first_bad) == (False, made.size - 2)
