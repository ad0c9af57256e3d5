"""The governed registry on a MariaDB from the system's packages, found by MLflow under the URL that its users write."""

from collections.abc import Iterator

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from people import DIGEST
from servers import mysql

from jupyter_mlops.governance import acting
from jupyter_mlops.ledger import entries, verify
from jupyter_mlops.store import Database, foreign_database


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mysql(tmp_path_factory.mktemp("mysql")) as found:
        yield found


@pytest.fixture
def base(url: str) -> Iterator[Database]:
    found = foreign_database(url)
    yield found
    found.close()


def test_a_model_lives_there_governed(url: str, base: Database):
    plain = MlflowClient(url, f"mlops+{url}")
    with acting(reason="", actor="ann", source="mlflow"):
        plain.create_registered_model("rul")
        plain.create_model_version("rul", "/x", await_creation_for=0)
        with pytest.raises(MlflowException, match="protected"):
            plain.set_registered_model_alias("rul", "champion", "1")
        facts = f'{{"reason": "v", "verdict": "pass", "evidence": "{DIGEST}"}}'
        plain.set_model_version_tag("rul", "1", "mlops.decision.validated", facts)
        facts = f'{{"reason": "ship \N{ROCKET}", "evidence": "{DIGEST}"}}'
        plain.set_model_version_tag("rul", "1", "mlops.decision.promote", facts)
        plain.set_model_version_tag("rul", "1", "note", "long " * 900)
        plain.delete_model_version_tag("rul", "1", "note")
        with pytest.raises(MlflowException, match="in service"):
            plain.rename_registered_model("rul", "other")
        plain.create_registered_model("plain")
        plain.rename_registered_model("plain", "renamed")
        plain.delete_registered_model("renamed")
    assert plain.get_registered_model("rul").aliases == {"champion": 1}
    with base.read() as connection:
        answer = verify(connection)
        said = [e.action for e in entries(connection, "rul")]
    assert answer.ok, answer.problem
    assert {"set alias", "set alias refused", "rename model refused"} <= set(said)


def test_a_row_changed_behind_its_back_is_named(base: Database):
    with base.begin() as connection:
        connection.exec_driver_sql("INSERT INTO registered_models (workspace, name) VALUES ('default', 'smuggled')")
    with base.read() as connection:
        found = verify(connection).unexplained
    assert found == ["model smuggled is in the registry, and no ledger entry says who put it there"]
