"""Evidence, approvals, lineage and alerts, as the sidebar asks for them."""

import json

from conftest import Server

from jupyter_mlops import config


def test_evidence_is_read_as_it_is_kept(server: Server):
    kept = next(server.root.glob(".mlops/artifacts/loan/*/artifacts/evidence/*.json"))
    shown = {v: server.get(f"models/loan/versions/{v}/evidence") for v in (1, 2)}
    assert json.loads(kept.read_text()) in shown.values()
    assert {g["verdict"] for g in shown[2]["gates"]} == {"pass"}
    assert "sex" in [f["by"] for f in shown[2]["fairness"]]
    before = kept.read_text()
    try:
        kept.write_text(before.replace('"seed":0', '"seed":41'))
        assert 41 in [server.get(f"models/loan/versions/{v}/evidence")["seed"] for v in (1, 2)]
    finally:
        kept.write_text(before)


def test_one_row_is_explained(server: Server):
    found = server.get("models/loan/versions/2/reasons?row=3")
    assert {r["column"] for r in found} == {"age", "income"}
    status, error = server.refused("models/loan/versions/2/reasons?row=1500", method="GET")
    assert (status, error["message"]) == (400, "there is no row 1500; the rows are 0 to 1499")
    assert server.refused("models/loan/versions/2/reasons?row=first", method="GET")[0] == 400


def test_challenger_and_champion_differ_in_what_differs(server: Server):
    found = server.get("models/loan/versions/2/compared")
    assert [d["what"] for d in found["parameters"]] == ["C"]
    assert (found["data"], found["code"]) == ([], [])
    assert server.get("models/loan/versions/1/compared") is None


def test_lineage_goes_from_the_data_to_the_decision(server: Server):
    steps = server.get("models/loan/versions/1/lineage")
    kinds = list(dict.fromkeys(step["kind"] for step in steps))
    assert kinds == ["data", "cell", "version", "evidence", "decision"]
    assert steps[-1]["detail"] == "the first that works"
    run = next(step["run_id"] for step in steps if step["run_id"])
    assert server.get(f"runs/{run}")["name"] == "C=1.0"


def test_a_version_waits_for_those_who_must_agree(server: Server):
    where = {"version": 2}
    status, error = server.refused("models/loan/promote", {**where, "reason": "better"})
    assert status == 403
    assert "it wants 1 of role validator" in error["message"]
    waiting = server.get("approvals")
    assert [(s["model"], s["version"], s["state"]) for s in waiting] == [("loan", 2, "pending")]
    assert waiting[0]["policies"][0]["missing"] == {"validator": 1}

    status, error = server.refused(
        "models/loan/say", {**where, "decision": "approve", "reason": "mine", "actor": "vera"}
    )
    assert status == 403
    assert f"{config.actor()} has none of the roles" in error["message"]
    status, error = server.refused("models/loan/promote", {**where, "reason": "now", "break_glass": "it burns"})
    assert status == 403
    assert "only on-call may break the glass" in error["message"]

    said = server.post("models/loan/say", {**where, "decision": "comment", "reason": "@vera, have a look"})
    assert [(c["by"], c["mentions"]) for c in said["comments"]] == [(config.actor(), ["vera"])]
    status, error = server.refused("models/loan/say", {**where, "decision": "withdraw", "reason": "no"})
    assert "nothing" in error["message"]
    assert status == 403


def test_an_alert_is_looked_after_and_closed_with_its_reason_in_the_ledger(server: Server):
    (alert,) = server.get("alerts")
    number = alert["alert_id"]
    assert server.post(f"alerts/{number}/acknowledge")["acknowledged_by"] == config.actor()
    assert [a["state"] for a in server.get("alerts")] == ["acknowledged"]
    assert server.post(f"alerts/{number}/resolve", {"reason": "a new scale"})["state"] == "resolved"
    assert server.get("alerts") == []
    assert [a["state"] for a in server.get("alerts?all=true")] == ["resolved"]
    server.post("silences", {"name": "loan", "period": "90m", "reason": "moving house"})
    assert [s["reason"] for s in server.get("silences")] == ["moving house"]
    actions = [entry["action"] for entry in server.get("ledger?limit=10")]
    assert actions[:3] == ["alerts silenced", "alert resolved", "alert acknowledged"]
