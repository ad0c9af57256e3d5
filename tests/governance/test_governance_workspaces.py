"""With MLflow's workspaces two business units have a model of one name, and neither's decisions are about the other's."""

from pathlib import Path

import pytest
from mlflow.entities.model_registry import ModelVersionTag
from mlflow.entities.workspace import Workspace, WorkspaceDeletionMode
from mlflow.exceptions import MlflowException
from mlflow.store.workspace.sqlalchemy_store import SqlAlchemyStore as Workspaces
from mlflow.utils.workspace_context import WorkspaceContext
from people import put

from jupyter_mlops.governance import acting, governed_store, parse_policy
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


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("churn*", {"churn", "retail:churn", "retail:churn.shop-1"}),
        ("*", {"churn", "retail:churn", "retail:churn.shop-1"}),
        ("*churn", {"churn", "retail:churn"}),
        ("retail:churn", {"retail:churn"}),
        ("retail:*", {"retail:churn", "retail:churn.shop-1"}),
        ("default:*", {"churn"}),
        ("*:churn", {"churn", "retail:churn"}),
        ("retail*", set()),
    ],
)
def test_a_pattern_is_for_every_workspace_unless_it_names_one(pattern: str, covered: set[str]):
    policy = parse_policy(f"version: 1\npolicy: p\nmodels: ['{pattern}']", "t")
    assert {m for m in ("churn", "retail:churn", "retail:churn.shop-1") if policy.covers(m, "")} == covered


@pytest.fixture
def units(base: Database, monkeypatch: pytest.MonkeyPatch) -> Workspaces:
    """MLflow's own store of workspaces on the governed database: another door to the registry's tables."""
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    store, found = governed_store(f"mlops+sqlite:///{base.path}"), Workspaces(f"sqlite:///{base.path}")
    found.create_workspace(Workspace(name="retail"))
    with WorkspaceContext("retail"):
        for name in ("churn", "basket"):
            store.create_registered_model(name)
            store.create_model_version(name, "/x", None, [ModelVersionTag("unit", "retail")])
        store.set_registered_model_alias("churn", "challenger", "1")
        with acting(reason="validated"):
            for key, value in (("mlops.verdict", "pass"), ("mlops.evidence", "e")):
                store.set_model_version_tag("churn", "1", ModelVersionTag(key, value))
    return found


def _promote(base: Database) -> None:
    with WorkspaceContext("retail"), acting(reason="good", evidence="e"):
        governed_store(f"mlops+sqlite:///{base.path}").set_registered_model_alias("churn", "champion", "1")


def _acts(base: Database, about: str) -> list[str]:
    with base.read() as connection:
        answer = verify(connection)
        assert answer.ok, answer.problem
        return [e.action for e in reversed(entries(connection, about, limit=1000))]


@pytest.mark.parametrize("mode", [WorkspaceDeletionMode.CASCADE, WorkspaceDeletionMode.SET_DEFAULT])
def test_a_workspace_is_not_deleted_over_a_champion(base: Database, units: Workspaces, mode: WorkspaceDeletionMode):
    _promote(base)
    with pytest.raises(MlflowException, match="in service as champion"):
        units.delete_workspace("retail", mode)
    assert any(act.endswith("model refused") for act in _acts(base, "retail:churn"))


def test_a_workspace_deleted_with_its_models_is_entered(base: Database, units: Workspaces):
    units.delete_workspace("retail", WorkspaceDeletionMode.CASCADE)
    assert "delete model" in _acts(base, "retail:churn")


def test_models_moved_to_the_default_workspace_are_entered(base: Database, units: Workspaces):
    units.delete_workspace("retail", WorkspaceDeletionMode.SET_DEFAULT)
    assert _acts(base, "retail:churn")[-1] == "rename model"
    with WorkspaceContext("default"):
        found = governed_store(f"mlops+sqlite:///{base.path}").get_model_version("churn", "1")
    assert (found.tags["unit"], found.aliases) == ("retail", ["challenger"])


def test_a_policy_holds_in_every_workspace(project: Project, base: Database, units: Workspaces):
    put(project, "version: 1\npolicy: p\nmodels: [churn*]\nroles: {v: [bob]}\napprovals: {roles: {v: 1}}")
    with pytest.raises(MlflowException, match=r"1 of role v.*MLFLOW_WORKSPACE=retail jupyter mlops approve churn 1"):
        _promote(base)
    store, vote = governed_store(f"mlops+sqlite:///{base.path}"), ModelVersionTag("mlops.decision.approve", "good")
    with WorkspaceContext("retail"), acting(reason=""), pytest.raises(MlflowException, match="none of the roles"):
        store.set_model_version_tag("churn", "1", vote)
    assert _acts(base, "retail:churn")[-1] == "approve refused"
