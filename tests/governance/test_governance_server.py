"""MLflow's stock server with our store: people who log in, plain clients, plain HTTP; on SQLite and on PostgreSQL."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from people import DIGEST, POLICY
from servers import PASSWORD, mlflow_server, postgres

from jupyter_mlops.governance import acting, parse_policy, put_in_force
from jupyter_mlops.ledger import entries, verify
from jupyter_mlops.store import foreign_database

PEOPLE = ("ann", "bob", "carol", "dora", "eve")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    folder = tmp_path_factory.mktemp("server")
    if request.param == "sqlite":
        yield from _serving(folder, f"sqlite:///{folder}/mlflow.db")
    else:
        with postgres(folder) as database:
            yield from _serving(folder, database)


def _serving(folder: Path, database: str) -> Iterator[SimpleNamespace]:
    with mlflow_server(folder, database, "--app-name", "basic-auth", "--workers", "2") as url:
        for name in PEOPLE:
            body = {"username": name, "password": PASSWORD}
            path = f"{url}/api/2.0/mlflow/users/create"
            httpx.post(path, json=body, auth=("admin", PASSWORD), timeout=200).raise_for_status()
        yield SimpleNamespace(url=url, database=database)


def _call(server: SimpleNamespace, who: str, path: str, verb: str = "POST", **body) -> httpx.Response:
    url = f"{server.url}/api/2.0/mlflow/{path}"
    return httpx.request(verb, url, json=body, auth=(who, PASSWORD), timeout=200)


def _model(server: SimpleNamespace, name: str) -> None:
    body = {"name": name, "tags": [{"key": "mlops.risk", "value": "high"}]}
    _call(server, "ann", "registered-models/create", **body).raise_for_status()
    _call(server, "ann", "model-versions/create", name=name, **_files(server)).raise_for_status()


def _files(server: SimpleNamespace) -> dict[str, str]:
    run = _call(server, "ann", "runs/create", experiment_id="0").json()["run"]["info"]
    return {"source": f"{run['artifact_uri']}/model", "run_id": run["run_id"]}


def _say(server: SimpleNamespace, who: str, name: str, kind: str, **facts) -> httpx.Response:
    value = json.dumps({"reason": "good", **facts})
    return _call(
        server, who, "model-versions/set-tag", name=name, version="1", key=f"mlops.decision.{kind}", value=value
    )


def _actions(server: SimpleNamespace, name: str) -> list[tuple[str, str]]:
    base = foreign_database(server.database)
    with base.read() as connection:
        answer = verify(connection)
        found = entries(connection, name, limit=1000)
    base.close()
    assert answer.ok, answer.problem
    return [(e.actor, e.action) for e in reversed(found)]


def test_a_plain_client_is_refused_by_name_and_a_forged_name_is_none(server: SimpleNamespace):
    _model(server, "plain")
    answer = _call(server, "eve", "registered-models/alias", name="plain", alias="champion", version="1")
    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert "protected" in answer.json()["message"]
    forged = httpx.post(
        f"{server.url}/api/2.0/mlflow/registered-models/alias",
        json={"name": "plain", "alias": "challenger", "version": "1", "user": "ann", "user_id": "ann"},
        headers={"X-Forwarded-User": "ann"},
        auth=("eve", PASSWORD),
    )
    assert forged.status_code == 200
    assert (
        httpx.post(f"{server.url}/api/2.0/mlflow/registered-models/alias", json={}, auth=("eve", "x")).status_code
        == 401
    )
    acts = _actions(server, "plain")
    assert ("eve", "set alias refused") in acts
    assert acts[-1] == ("eve", "set alias")


def test_the_tags_a_decision_rests_on_are_refused_over_http(server: SimpleNamespace):
    _model(server, "tags")
    for key in ("mlops.verdict", "mlops.evidence", "mlops.digest"):
        answer = _call(server, "eve", "model-versions/set-tag", name="tags", version="1", key=key, value="pass")
        assert answer.status_code == 403, key
    tags = [{"key": "mlops.verdict", "value": "pass"}]
    body = {"name": "tags", "tags": tags, **_files(server)}
    assert _call(server, "eve", "model-versions/create", **body).status_code == 403


def test_the_whole_way_by_people_who_log_in(server: SimpleNamespace):
    base = foreign_database(server.database)
    with acting(reason="agreed") as act, base.begin() as connection:
        put_in_force(connection, parse_policy(POLICY.replace('"rul*"', '"way"'), "test"), act)
    base.close()
    _model(server, "way")
    gates = [{"gate": "mae at most 25", "verdict": "pass"}]
    assert _say(server, "ann", "way", "validated", verdict="pass", evidence=DIGEST, gates=gates).status_code == 200
    asked = _say(server, "ann", "way", "promote", to="champion", evidence=DIGEST)
    assert (asked.status_code, "not approved" in asked.json()["message"]) == (403, True)
    assert "none of the roles" in _say(server, "eve", "way", "approve").json()["message"]
    assert _say(server, "carol", "way", "approve").status_code == 200
    assert _say(server, "dora", "way", "approve").status_code == 200
    alias = _call(server, "ann", "registered-models/alias", name="way", alias="champion", version="1")
    assert alias.status_code == 200, alias.text
    found = _call(server, "eve", "registered-models/alias?name=way&alias=champion", "GET").json()
    assert found["model_version"]["version"] in ("1", 1)
    acts = _actions(server, "way")
    for act in [("ann", "approval requested"), ("eve", "approve refused"), ("carol", "approved"), ("dora", "approved")]:
        assert act in acts
    for path, verb in [("model-versions/delete", "DELETE"), ("registered-models/delete", "DELETE")]:
        assert _call(server, "ann", path, verb, name="way", version="1").status_code == 403
    assert _call(server, "ann", "registered-models/rename", name="way", new_name="w").status_code == 403


def test_many_writers_through_two_workers_make_one_chain(server: SimpleNamespace):
    _model(server, "crowd")
    begun = len(_actions(server, "crowd"))

    def write(tag: int) -> int:
        path = "registered-models/set-tag"
        return _call(server, "eve", path, name="crowd", key=f"tag-{tag}", value=str(tag)).status_code

    with ThreadPoolExecutor(8) as writers:
        assert set(writers.map(write, range(24))) == {200}
    assert len(_actions(server, "crowd")) == begun + 24


def test_behind_the_servers_back_is_named_and_the_triggers_hold(server: SimpleNamespace):
    import sqlalchemy as sa

    base = foreign_database(server.database)
    for statement in ("DELETE FROM mlops_ledger", "UPDATE mlops_ledger SET subject = 'x'"):
        with pytest.raises(Exception, match="append-only"), base.begin() as connection:
            connection.exec_driver_sql(statement)
    with base.begin() as connection:
        connection.execute(sa.text("INSERT INTO registered_models (name) VALUES ('smuggled')"))
    with base.read() as connection:
        assert verify(connection).unexplained == [
            "model smuggled is in the registry, and no ledger entry says who put it there"
        ]
    with base.begin() as connection:
        connection.execute(sa.text("DELETE FROM registered_models WHERE name = 'smuggled'"))
    base.close()


def test_without_a_log_in_nobody_decides(tmp_path: Path):
    """A name in a header that no log-in checked is not an actor."""
    with mlflow_server(tmp_path, f"sqlite:///{tmp_path}/mlflow.db", "--workers", "1") as url:
        server = SimpleNamespace(url=url, database=f"sqlite:///{tmp_path}/mlflow.db")
        _model(server, "open")
        answer = _say(server, "ann", "open", "validated", verdict="pass", evidence=DIGEST)
        assert (answer.status_code, "nobody logged in" in answer.json()["message"]) == (403, True)
        assert {actor for actor, _ in _actions(server, "open")} == {"anonymous"}
