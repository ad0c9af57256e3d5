"""With MLflow's workspaces two business units have a model of one name, and neither's decisions are about the other's."""

from pathlib import Path

import pytest
from mlflow.entities.model_registry import ModelVersionTag
from mlflow.exceptions import MlflowException
from mlflow.utils.workspace_context import WorkspaceContext

from jupyter_mlops.governance import acting, governed_store
from jupyter_mlops.ledger import entries, verify
from jupyter_mlops.project import Project
from jupyter_mlops.store import Database, database


@pytest.fixture
def base(project: Project) -> Database:
    return database(project)


def test_two_units_one_name(base: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    store = governed_store(f"mlops+sqlite:///{base.path}")
    assert store.supports_workspaces
    for unit in ("default", "retail"):
        with WorkspaceContext(unit):
            store.create_registered_model("churn")
            store.create_model_version("churn", "/x", None, [ModelVersionTag("unit", unit)])
    with WorkspaceContext("retail"), acting(reason="validated"):
        store.set_model_version_tag("churn", "1", ModelVersionTag("mlops.verdict", "pass"))
        store.set_model_version_tag("churn", "1", ModelVersionTag("mlops.evidence", "e"))
    with acting(reason="good", evidence="e"):
        with WorkspaceContext("default"), pytest.raises(MlflowException, match="no evidence"):
            store.set_registered_model_alias("churn", "champion", "1")
        with WorkspaceContext("retail"):
            store.set_registered_model_alias("churn", "champion", "1")
    with WorkspaceContext("retail"), pytest.raises(MlflowException, match="in service"):
        store.delete_registered_model("churn")
    with WorkspaceContext("default"):
        store.delete_registered_model("churn")
    with base.read() as connection:
        answer = verify(connection)
        assert answer.ok, answer.problem
        about = {e.subject for e in entries(connection, "retail:churn")}
        assert about == {"retail:churn", "retail:churn/1"}
        assert all(not e.subject.startswith("retail") for e in entries(connection, "churn"))
