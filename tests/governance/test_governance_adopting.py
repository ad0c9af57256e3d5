"""A registry that MLflow kept alone is taken in as found: explained from then on, and nothing in it counts as decided."""

import json

import pytest
import sqlalchemy as sa
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from people import NAME, POLICY, by, put

from jupyter_mlops.cli import main
from jupyter_mlops.governance import acting
from jupyter_mlops.ledger import entries, verify
from jupyter_mlops.project import Project
from jupyter_mlops.store import database, open_store

SECRET = "ghp_" + "a1B2c3D4e5F6" * 3


@pytest.fixture
def old(project: Project) -> MlflowClient:
    """MLflow's own registry of years, on the database that is governed from now on; somebody forged a verdict in it."""
    database(project).close()
    plain = MlflowClient(project.tracking, project.tracking)
    plain.create_registered_model(NAME, tags={"mlops.risk": "high", "token": "x"}, description=f"by {SECRET}")
    for _ in range(2):
        plain.create_model_version(NAME, source="/x", tags={"mlops.verdict": "pass"}, await_creation_for=0)
    plain.set_model_version_tag(NAME, "2", "mlops.evidence", "e")
    plain.set_registered_model_alias(NAME, "champion", "1")
    return open_store(project).client


def _adopt(project: Project, capsys: pytest.CaptureFixture, *words: str) -> tuple[int, dict]:
    status = main(["ledger", "adopt", "--project", str(project.root), "--json", *words])
    return status, json.loads(capsys.readouterr().out)


def _verified(project: Project):
    with database(project).read() as connection:
        return verify(connection)


def test_each_row_is_entered_with_who_and_why(project: Project, old: MlflowClient, capsys: pytest.CaptureFixture):
    assert len(_verified(project).unexplained) == 9
    assert _adopt(project, capsys)[0] == 2
    status, answer = _adopt(project, capsys, "--reason", "governed from today")
    assert (status, len(answer["data"]["adopted"]), answer["data"]["left"]) == (0, 9, [])
    assert _verified(project).ok
    with database(project).read() as connection:
        found = entries(connection, NAME)
    assert {e.action for e in found} == {
        f"adopt {k}" for k in ("model", "version", "alias", "model tag", "version tag")
    }
    assert {e.reason for e in found} == {"governed from today"}
    assert SECRET not in "".join(e.model_dump_json() for e in found)
    assert _adopt(project, capsys, "--reason", "again")[1]["data"]["adopted"] == []


def test_what_was_adopted_is_no_evidence_and_policy_holds(project: Project, old: MlflowClient, capsys):
    assert _adopt(project, capsys, "--reason", "governed from today")[0] == 0
    with acting(reason="trust it", evidence="e"), pytest.raises(MlflowException, match="no evidence that passed"):
        old.set_registered_model_alias(NAME, "champion", "2")
    put(project, POLICY)
    with by("ann", reason="go"), pytest.raises(MlflowException, match="no evidence that passed"):
        old.set_registered_model_alias(NAME, "production", "1")
    with by("ann"), pytest.raises(MlflowException, match="in service"):
        old.delete_registered_model(NAME)


def test_what_was_changed_behind_is_not_adopted_by_the_way(project: Project, old: MlflowClient, capsys):
    assert _adopt(project, capsys, "--reason", "governed from today")[0] == 0
    with database(project).begin() as connection:
        connection.execute(sa.text("UPDATE registered_model_aliases SET version = 2"))
        connection.execute(sa.text("DELETE FROM registered_model_tags WHERE key = 'token'"))
    status, answer = _adopt(project, capsys, "--reason", "tidy")
    assert (status, answer["data"]["adopted"]) == (1, [])
    assert answer["data"]["left"] == [f"alias champion of {NAME}", f"model tag token of {NAME}"]
    put(project, POLICY + "owners: [risk-officer]\n")
    assert _adopt(project, capsys, "--reason", "tidy", "--changed")[1]["error"]["code"] == "not-the-owner"
    assert not _verified(project).ok
