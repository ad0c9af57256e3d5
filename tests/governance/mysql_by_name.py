"""The same on MySQL's kind (Debian's MariaDB): `pytest tests/governance/mysql_by_name.py`, with pymysql installed.

Not part of the suite: the server's package, and MLflow's migrations on it, take longer than all other tests of this room.
"""

import multiprocessing
from collections.abc import Iterator

import pytest
from mlflow.entities.model_registry import ModelVersionTag
from mlflow.exceptions import MlflowException
from people import DIGEST
from servers import mysql

from jupyter_mlops.governance import acting, governed_store
from jupyter_mlops.ledger import append, entries, verify
from jupyter_mlops.store import foreign_database


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mysql(tmp_path_factory.mktemp("mysql")) as found:
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
        writer.join(200)
    assert [w.exitcode for w in writers] == [0] * 16
    with foreign_database(url).read() as connection:
        answer = verify(connection)
    assert (answer.ok, answer.entries) == (True, 400), answer.problem


def test_the_registry_is_governed(url: str):
    store = governed_store(f"mlops+{url}")
    with acting(reason="", actor="ann", source="mlflow"):
        store.create_registered_model("rul")
        store.create_model_version("rul", "/x")
        with pytest.raises(MlflowException, match="protected"):
            store.set_registered_model_alias("rul", "champion", "1")
        facts = f'{{"reason": "v", "verdict": "pass", "evidence": "{DIGEST}"}}'
        store.set_model_version_tag("rul", "1", ModelVersionTag("mlops.decision.validated", facts))
        facts = f'{{"reason": "ship", "evidence": "{DIGEST}"}}'
        store.set_model_version_tag("rul", "1", ModelVersionTag("mlops.decision.promote", facts))
    assert store.get_registered_model("rul").aliases == {"champion": 1}
    base = foreign_database(url)
    with base.read() as connection:
        answer = verify(connection)
        assert answer.ok, answer.problem
        assert "set alias refused" in [e.action for e in entries(connection, "rul")]
    for statement in ("DELETE FROM mlops_ledger", "UPDATE mlops_ledger SET subject = 'x'"):
        with pytest.raises(Exception, match="append-only"), base.begin() as connection:
            connection.exec_driver_sql(statement)
    base.close()
