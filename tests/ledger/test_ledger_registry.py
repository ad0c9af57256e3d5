"""What the registry holds is held against what the ledger says, and a moment of the past can be asked about."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from mlflow import MlflowClient

from jupyter_mlops.governance import acting
from jupyter_mlops.ledger import as_of, verify
from jupyter_mlops.project import Project
from jupyter_mlops.records import Verification
from jupyter_mlops.store import database, open_store

NAME = "rul.plant-01"


@pytest.fixture
def client(project: Project) -> MlflowClient:
    plain = open_store(project).client
    plain.create_registered_model(NAME, tags={"team": "blue"}, description="words")
    for number in ("1", "2"):
        plain.create_model_version(NAME, source=f"/nowhere/{number}", tags={"a": "b"}, await_creation_for=0)
    plain.set_registered_model_alias(NAME, "challenger", "1")
    return plain


def _answer(project: Project) -> Verification:
    with database(project).read() as connection:
        return verify(connection)


def _promote(client: MlflowClient, version: str, reason: str) -> None:
    with acting(reason="validated"):
        client.set_model_version_tag(NAME, version, "mlops.verdict", "pass")
        client.set_model_version_tag(NAME, version, "mlops.evidence", "e" + version)
    with acting(reason=reason, evidence="e" + version, actor="ann"):
        client.set_registered_model_alias(NAME, "champion", version)


def test_every_kind_of_change_by_mlflows_client_is_explained(project: Project, client: MlflowClient):
    client.update_registered_model(NAME, "other words")
    client.update_model_version(NAME, "1", "words")
    client.transition_model_version_stage(NAME, "1", "Production")
    client.transition_model_version_stage(NAME, "2", "Production", archive_existing_versions=True)
    client.set_registered_model_tag(NAME, "team", "red")
    client.delete_registered_model_tag(NAME, "team")
    client.set_model_version_tag(NAME, "2", "a", "c")
    client.set_registered_model_alias(NAME, "challenger", "2")
    client.delete_model_version(NAME, "1")
    client.rename_registered_model(NAME, "other")
    client.set_model_version_tag("other", "2", "a", "d")
    client.create_registered_model("brief")
    client.create_model_version("brief", source="/x", await_creation_for=0)
    client.delete_registered_model("brief")
    client.copy_model_version("models:/other/2", "copy")
    answer = _answer(project)
    assert (answer.ok, answer.unexplained) == (True, [])


BEHIND = [
    ("UPDATE registered_model_aliases SET version = 2", "alias challenger of rul.plant-01: version is 2"),
    ("INSERT INTO registered_model_aliases (workspace, name, alias, version) VALUES ('default','rul.plant-01','champion',2)",
     "alias champion of rul.plant-01 is in the registry, and no ledger entry"),
    ("DELETE FROM registered_model_aliases", "alias challenger of rul.plant-01 was entered by ledger entry"),
    ("UPDATE model_versions SET source = '/evil' WHERE version = 1", "version rul.plant-01/1: source is '/evil'"),
    ("UPDATE model_versions SET storage_location = '/evil' WHERE version = 1", "storage_location is '/evil'"),
    ("UPDATE model_versions SET run_id = 'x' WHERE version = 1", "run_id is 'x'"),
    ("UPDATE model_versions SET current_stage = 'Production' WHERE version = 2", "current_stage is 'Production'"),
    ("UPDATE model_version_tags SET value = 'x' WHERE version = 1", "version tag a of rul.plant-01/1: value is 'x'"),
    ("INSERT INTO model_version_tags (name, version, key, value) VALUES ('rul.plant-01', 1, 'mlops.verdict', 'pass')",
     "version tag mlops.verdict of rul.plant-01/1 is in the registry"),
    ("UPDATE registered_models SET description = 'x'", "model rul.plant-01: description is 'x'"),
    ("DELETE FROM registered_model_tags", "model tag team of rul.plant-01 was entered"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "said"), BEHIND, ids=[said[:40] for _, said in BEHIND])
def test_what_is_changed_behind_every_client_is_named(
    project: Project, client: MlflowClient, statement: str, said: str
):
    assert _answer(project).ok
    with database(project).begin() as connection:
        connection.execute(sa.text(statement))
    answer = _answer(project)
    assert not answer.ok
    assert said in answer.problem
    assert said in answer.unexplained[0]


def test_a_moment_of_the_past_is_answered(project: Project, client: MlflowClient):
    before = datetime.now(UTC)
    _promote(client, "1", "first")
    between = datetime.now(UTC)
    _promote(client, "2", "better")
    client.set_model_version_tag(NAME, "1", "note", "later")
    with database(project).read() as connection:
        then, earlier = as_of(connection, between, NAME), as_of(connection, before, NAME)
        now = as_of(connection, datetime.now(UTC), NAME)
        never = as_of(connection, before, "nobody")
    was = then["aliases"]["champion"]
    assert (was["version"], was["by"], was["reason"], was["evidence"], was["verdict"]) == (
        1,
        "ann",
        "first",
        "e1",
        "pass",
    )
    assert now["aliases"]["champion"]["version"] == 2
    assert "champion" not in earlier["aliases"]
    assert never["entries"] == 0
