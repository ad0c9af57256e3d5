"""No client goes round the policy, and every change it makes is in the ledger, in the same transaction."""

import os
import signal
import subprocess
import sys

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from jupyter_mlops.governance import acting
from jupyter_mlops.ledger import entries, verify
from jupyter_mlops.project import Project
from jupyter_mlops.records import LedgerEntry
from jupyter_mlops.store import database, open_store

NAME = "rul.plant-01"


@pytest.fixture
def client(project: Project) -> MlflowClient:
    """MLflow's own client on the governed store, as a stranger would use it, with one version to fight over."""
    plain = open_store(project).client
    plain.create_registered_model(NAME)
    plain.create_model_version(NAME, source="/nowhere/model", await_creation_for=0)
    return plain


def _acts(project: Project) -> list[LedgerEntry]:
    with database(project).read() as connection:
        assert verify(connection).ok
        return list(reversed(entries(connection)))


def _passed(client: MlflowClient, digest: str = "d1") -> None:
    with acting(reason="validated"):
        client.set_model_version_tag(NAME, "1", "mlops.verdict", "pass")
        client.set_model_version_tag(NAME, "1", "mlops.evidence", digest)


def test_champion_does_not_move_for_a_plain_client_and_the_try_is_entered(project: Project, client: MlflowClient):
    with pytest.raises(MlflowException, match="protected") as refusal:
        client.set_registered_model_alias(NAME, "champion", "1")
    assert refusal.value.error_code == "PERMISSION_DENIED"
    assert client.get_registered_model(NAME).aliases == {}
    assert _acts(project)[-1].action == "set alias refused"


def test_a_decision_without_evidence_that_passed_is_refused(client: MlflowClient):
    with acting(reason="trust me", evidence="d1"), pytest.raises(MlflowException, match="no evidence that passed"):
        client.set_registered_model_alias(NAME, "champion", "1")


def test_a_decision_on_other_evidence_is_refused(client: MlflowClient):
    _passed(client, "d1")
    with acting(reason="good", evidence="d2"), pytest.raises(MlflowException, match="no evidence"):
        client.set_registered_model_alias(NAME, "champion", "1")


def test_a_decision_on_its_evidence_moves_it_and_is_entered_with_who_and_why(project: Project, client: MlflowClient):
    _passed(client)
    with acting(reason="good", evidence="d1", actor="ann"):
        client.set_registered_model_alias(NAME, "champion", "1")
    last = _acts(project)[-1]
    assert (last.action, last.actor, last.reason, last.after) == (
        "set alias",
        "ann",
        "good",
        {"alias": "champion", "version": 1},
    )


@pytest.mark.parametrize("tag", ["mlops.verdict", "mlops.evidence", "mlops.digest"])
def test_the_tags_a_decision_rests_on_are_not_for_a_plain_client(client: MlflowClient, tag: str):
    with pytest.raises(MlflowException, match="is set"):
        client.set_model_version_tag(NAME, "1", tag, "pass")


def test_what_is_in_service_is_not_deleted(client: MlflowClient):
    _passed(client)
    with acting(reason="good", evidence="d1"):
        client.set_registered_model_alias(NAME, "champion", "1")
    with pytest.raises(MlflowException, match="in service"):
        client.delete_model_version(NAME, "1")
    with pytest.raises(MlflowException, match="in service"):
        client.delete_registered_model(NAME)
    with pytest.raises(MlflowException, match="protected"):
        client.delete_registered_model_alias(NAME, "champion")


def test_every_kind_of_change_is_entered_once(project: Project, client: MlflowClient):
    begun = len(_acts(project))
    client.set_registered_model_tag(NAME, "team", "blue")
    client.set_registered_model_tag(NAME, "team", "red")
    client.set_model_version_tag(NAME, "1", "note", "x")
    client.update_model_version(NAME, "1", "words")
    client.set_registered_model_alias(NAME, "challenger", "1")
    client.delete_registered_model_alias(NAME, "challenger")
    client.delete_registered_model_tag(NAME, "team")
    client.delete_model_version(NAME, "1")
    acts = [(a.action, a.before, a.after) for a in _acts(project)[begun:]]
    assert [action for action, _, _ in acts] == [
        "set model tag",
        "set model tag",
        "set version tag",
        "change version",
        "set alias",
        "delete alias",
        "delete model tag",
        "delete version",
    ]
    assert acts[1][1:] == ({"key": "team", "value": "blue"}, {"key": "team", "value": "red"})


def test_killed_at_any_statement_registry_and_ledger_agree(project: Project):
    """A process moves an alias to and fro and is killed at a random moment; the last entry says where the alias is."""
    code = """
import sys
from pathlib import Path
from jupyter_mlops.project import load
from jupyter_mlops.store import open_store
client = open_store(load(Path(sys.argv[1]))).client
client.create_registered_model("m")
for _ in range(2):
    client.create_model_version("m", source="/nowhere", await_creation_for=0)
print("ready", flush=True)
n = 0
while True:
    n += 1
    client.set_registered_model_alias("m", "challenger", str(1 + n % 2))
"""
    for round_ in range(3):
        if round_:
            code = code.replace('client.create_registered_model("m")', "")
        worker = subprocess.Popen([sys.executable, "-c", code, str(project.root)], stdout=subprocess.PIPE, text=True)
        assert worker.stdout is not None
        assert worker.stdout.readline().strip() == "ready"
        try:
            worker.wait(0.3 + 0.17 * round_)
        except subprocess.TimeoutExpired:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
        moves = [a for a in _acts(project) if a.action == "set alias"]
        aliases = open_store(project).client.get_registered_model("m").aliases
        assert moves
        assert int(aliases["challenger"]) == moves[-1].after["version"]


def test_whichever_statement_fails_a_decision_is_made_whole_or_not_at_all(project: Project, client: MlflowClient):
    """The n-th statement of a promotion fails, for every n there is, until one goes through."""
    import sqlalchemy as sa

    from jupyter_mlops.governance import decide
    from jupyter_mlops.governance.registry_store import GovernedStore

    decide(client, NAME, 1, "validated", reason="v", verdict="pass", evidence="a" * 64)
    engine = GovernedStore._get_or_create_engine(project.tracking)
    for n in range(200):
        left = [n]

        def fail(*_: object, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise sa.exc.OperationalError("injected", None, Exception("disk I/O error"))

        sa.event.listen(engine, "before_cursor_execute", fail)
        try:
            decide(client, NAME, 1, "promote", reason="ship", to="champion", evidence="a" * 64)
            done = True
        except (MlflowException, sa.exc.OperationalError):
            done = False
        finally:
            sa.event.remove(engine, "before_cursor_execute", fail)
        moved = [a for a in _acts(project) if a.action == "set alias"]
        assert bool(client.get_registered_model(NAME).aliases) == bool(moved)
        assert len(moved) <= 1
        if done:
            break
    assert n > 10
    assert moved
