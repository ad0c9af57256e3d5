"""No protected alias moves without the approvals that policy asks for, and no approval counts that should not."""

from datetime import UTC, datetime, timedelta

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from people import DIGEST, NAME, POLICY, by, champion, client, decide, put, validated

from jupyter_mlops.cli import main
from jupyter_mlops.governance import acting, parse_policy, rehearse, standings
from jupyter_mlops.governance.approvals import Past
from jupyter_mlops.governance.people import Roles
from jupyter_mlops.ledger import append, entries, lineage, verify
from jupyter_mlops.project import Project
from jupyter_mlops.store import database


@pytest.fixture
def plain(project: Project) -> MlflowClient:
    put(project)
    return client(project, versions=2)


def _promote(plain: MlflowClient, who: str = "ann", **facts):
    decide(plain, who, "promote", "ship it", evidence=DIGEST, **facts)


def _approve(plain: MlflowClient, *people: str):
    for person in people:
        decide(plain, person, "approve", "read it")


def _standing(project: Project, version: int = 1, **kwargs) -> dict:
    with database(project).read() as connection:
        return standings(connection, NAME, version, **kwargs)


def _actions(project: Project) -> list[str]:
    with database(project).read() as connection:
        assert verify(connection).ok, verify(connection).problem
        return [e.action for e in entries(connection, limit=1000)][::-1]


def test_it_waits_for_both_roles_and_then_moves(project: Project, plain: MlflowClient):
    validated(plain)
    with pytest.raises(MlflowException, match="1 of role risk-officer, 1 of role validator") as refusal:
        _promote(plain)
    assert refusal.value.error_code == "PERMISSION_DENIED"
    assert _actions(project)[-1] == "approval requested"
    assert _standing(project)["state"] == "pending"
    _approve(plain, "carol")
    with pytest.raises(MlflowException, match="1 of role risk-officer"):
        _promote(plain)
    _approve(plain, "dora")
    assert _standing(project)["state"] == "approved"
    _promote(plain)
    assert champion(plain) == 1


def test_an_approved_version_moves_from_mlflows_own_page_too(plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    with by("ann"):
        plain.set_registered_model_alias(NAME, "champion", "1")
    assert champion(plain) == 1


def test_one_person_fills_one_place_whatever_roles_they_have(plain: MlflowClient):
    validated(plain)
    _approve(plain, "bob", "Robert", "BOB@corp.example")
    with pytest.raises(MlflowException, match="not approved"):
        _promote(plain)
    _approve(plain, "carol")
    _promote(plain)
    assert champion(plain) == 1


def test_people_are_seated_so_that_most_places_are_filled():
    roles = Roles({"a": ["x", "y"], "b": ["x"]}, {})
    assert roles.missing({"a": 1, "b": 1}, ["x", "y"]) == {}
    assert roles.missing({"a": 1, "b": 1}, ["y"]) == {"b": 1}
    assert roles.missing({"a": 2, "b": 1}, ["x", "y"]) in ({"b": 1}, {"a": 1})


@pytest.mark.parametrize("author", ["ann", "Ann", " ANN ", "ann+work@x.org"])
def test_no_approval_by_its_author_however_written(project: Project, plain: MlflowClient, author: str):
    put(
        project,
        POLICY.replace("carol]", f'carol, ann, "{author}"]').replace("people:\n", "people:\n  ann: [ann@x.org]\n"),
    )
    validated(plain)
    with pytest.raises(MlflowException, match="four eyes"):
        _approve(plain, author)
    assert _actions(project)[-1] == "approve refused"


def test_who_last_changed_it_does_not_approve_it(plain: MlflowClient):
    validated(plain)
    with by("carol"):
        plain.update_model_version(NAME, "1", "my words")
    with pytest.raises(MlflowException, match="they changed it"):
        _approve(plain, "carol")


def test_a_change_by_an_approver_takes_the_approval_away(plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    with by("carol"):
        plain.set_model_version_tag(NAME, "1", "threshold", "0.2")
    with pytest.raises(MlflowException, match="carol's word is refused"):
        _promote(plain)


@pytest.mark.parametrize(
    ("who", "source", "said"),
    [
        ("eve", "mlflow", "none of the roles"),
        ("carol", "declared", "nobody vouched"),
        ("anonymous", "anonymous", "nobody logged in"),
    ],
)
def test_who_may_not_approve_is_refused_and_entered(
    project: Project, plain: MlflowClient, who: str, source: str, said: str
):
    validated(plain)
    with pytest.raises(MlflowException, match=said):
        decide(plain, who, "approve", source=source)
    assert _actions(project)[-1] == "approve refused"


def test_nothing_is_approved_before_the_gates_ran(plain: MlflowClient):
    with pytest.raises(MlflowException, match="no evidence that passed"):
        _approve(plain, "carol")


def test_an_approval_is_for_its_version_only(plain: MlflowClient):
    validated(plain)
    validated(plain, version=2)
    _approve(plain, "carol", "dora")
    with pytest.raises(MlflowException, match="version 2 is not approved"):
        decide(plain, "ann", "promote", "ship", evidence=DIGEST, version=2)


def test_new_evidence_makes_it_stale(project: Project, plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    validated(plain, evidence="b" * 64)
    assert _standing(project)["state"] == "stale"
    with pytest.raises(MlflowException, match="the evidence changed since"):
        decide(plain, "ann", "promote", "ship", evidence="b" * 64)
    with pytest.raises(MlflowException, match="no evidence that passed"):
        _promote(plain)


def test_a_new_policy_makes_it_stale(project: Project, plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    put(project, POLICY.replace("14d", "15d"))
    assert _standing(project)["state"] == "stale"
    with pytest.raises(MlflowException, match="the policy changed since"):
        _promote(plain)


def test_it_expires(project: Project, plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    later = datetime.now(UTC) + timedelta(days=14, minutes=1)
    assert _standing(project, now=later)["state"] == "expired"
    assert _standing(project, now=later - timedelta(minutes=5))["state"] == "approved"


def _happened(project: Project, after: timedelta) -> None:
    """Something is entered; what follows is under a clock that was set back since."""
    with database(project).begin() as connection:
        append(connection, actor="ann", action="noted", subject=NAME, at=datetime.now(UTC) + after)


def test_a_clock_that_is_set_back_makes_nothing_young_again(project: Project, plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    _happened(project, timedelta(days=15))
    assert _standing(project)["state"] == "expired"
    _approve(plain, "carol", "dora")
    assert _standing(project)["state"] == "approved"


def test_nor_does_it_lead_out_of_a_freeze(project: Project, plain: MlflowClient):
    first, last = (datetime.now(UTC) + timedelta(days=days) for days in (1, 3))
    put(project, f"{POLICY}freeze: [{{from: {first.isoformat()}, to: {last.isoformat()}}}]\n")
    validated(plain)
    _happened(project, timedelta(days=2))
    _approve(plain, "carol", "dora")
    with pytest.raises(MlflowException, match="freezes champion"):
        _promote(plain)


def test_nor_is_it_forgotten_who_registered_what_is_renamed_under_it(project: Project, monkeypatch: pytest.MonkeyPatch):
    put(project)
    real = datetime
    with monkeypatch.context() as ahead:
        clock = type("clock", (datetime,), {"now": classmethod(lambda _, zone: real.now(zone) + timedelta(days=9))})
        ahead.setattr("jupyter_mlops.ledger.chain.datetime", clock)
        plain = client(project)
    with by("bob"):
        plain.rename_registered_model(NAME, "rul.x")
    with database(project).read() as connection:
        assert "ann" in Past("rul.x", lineage(connection, "rul.x")).authors(1)


def test_it_is_withdrawn(project: Project, plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    decide(plain, "carol", "withdraw", "the data was wrong")
    assert _standing(project)["state"] == "withdrawn"
    with pytest.raises(MlflowException, match="carol's word is withdrawn: the data was wrong"):
        _promote(plain)
    with pytest.raises(MlflowException, match="said nothing"):
        decide(plain, "carol", "withdraw", "again")
    _approve(plain, "carol")
    _promote(plain)
    assert champion(plain) == 1


def test_one_rejection_stands_against_all_approvals(project: Project, plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    decide(plain, "bob", "reject", "it fails on night shifts")
    assert _standing(project)["state"] == "rejected"
    with pytest.raises(MlflowException, match=r"bob rejected .* night shifts"):
        _promote(plain)


def test_a_model_deleted_and_made_again_has_no_approvals(plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    with by("ann"):
        plain.delete_registered_model(NAME)
        plain.create_registered_model(NAME, tags={"mlops.risk": "high"})
        plain.create_model_version(NAME, source="/other", tags={"mlops.digest": "d"}, await_creation_for=0)
    validated(plain)
    with pytest.raises(MlflowException, match="not approved"):
        _promote(plain)


def test_two_words_that_are_the_same_are_both_entered(project: Project, plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    assert _actions(project).count("approved") == 2


def test_a_decision_needs_a_reason_and_its_record_stays(plain: MlflowClient):
    validated(plain)
    with pytest.raises(MlflowException, match="needs a reason"):
        decide(plain, "carol", "approve", " ")
    _approve(plain, "carol")
    with by("eve"), pytest.raises(MlflowException, match="record of a decision"):
        plain.delete_model_version_tag(NAME, "1", "mlops.decision.approve")
    with by("eve"), pytest.raises(MlflowException, match="record of a decision"):
        plain.create_model_version(NAME, source="/x", tags={"mlops.decision.approve": "ok"}, await_creation_for=0)
    with pytest.raises(MlflowException, match="is no decision"):
        decide(plain, "carol", "aprove")


def test_a_gate_that_policy_asks_for_must_have_run(project: Project, plain: MlflowClient):
    put(project, POLICY.replace("gates: [mae]", "gates: [mae, fairness]"))
    validated(plain)
    _approve(plain, "carol", "dora")
    with pytest.raises(MlflowException, match="a gate on fairness, which was not judged"):
        _promote(plain)


def test_a_gate_between_groups_is_what_policy_calls_fairness(project: Project, plain: MlflowClient):
    put(project, POLICY.replace("gates: [mae]", "gates: [mae, fairness]"))
    gates = [{"gate": "mae at most 25", "verdict": "pass"}, {"gate": "mae_ratio by shift", "verdict": "pass"}]
    decide(plain, "ann", "validated", "v", verdict="pass", evidence=DIGEST, gates=gates)
    _approve(plain, "carol", "dora")
    _promote(plain)
    assert champion(plain) == 1


def test_what_is_automatic_needs_no_approval_but_evidence(plain: MlflowClient):
    with pytest.raises(MlflowException, match="no evidence that passed"):
        _promote(plain, "retrain-bot")
    validated(plain)
    _promote(plain, "retrain-bot")
    assert champion(plain) == 1


def test_a_freeze_holds_for_everybody(project: Project, plain: MlflowClient):
    start = datetime.now(UTC) - timedelta(hours=1)
    freeze = f"freeze: [{{from: {start.isoformat()}, to: {(start + timedelta(days=1)).isoformat()}, why: year end}}]\n"
    put(project, POLICY + freeze)
    validated(plain)
    _approve(plain, "carol", "dora")
    with pytest.raises(MlflowException, match=r"freezes champion until .* UTC .year end"):
        _promote(plain)
    [told] = _standing(project, 1)["frozen"]
    assert (told["aliases"], told["why"]) == (["champion", "production"], "year end")


def test_in_need_the_glass_is_broken_loudly_and_reviewed_by_another(project: Project, plain: MlflowClient):
    with pytest.raises(MlflowException, match="only on-call may break"):
        _promote(plain, "ann", break_glass="fire")
    with pytest.raises(MlflowException, match="two reasons"):
        _promote(plain, "otto", break_glass="ship it")
    _promote(plain, "otto", break_glass="plant stands still")
    assert champion(plain) == 1
    assert [g["by"] for g in _standing(project)["unreviewed"]] == ["otto"]
    with pytest.raises(MlflowException, match="somebody else"):
        decide(plain, "otto", "review", "it was fine")
    decide(plain, "dora", "review", "rightly done")
    assert _standing(project)["unreviewed"] == []
    assert "break glass" in _actions(project)


def test_back_to_what_held_before_needs_no_new_approval_but_a_reason(plain: MlflowClient):
    for version in (1, 2):
        validated(plain, version=version)
        for person in ("carol", "dora"):
            decide(plain, person, "approve", version=version)
        decide(plain, "ann", "promote", "ship", evidence=DIGEST, version=version)
    decide(plain, "carol", "withdraw", "too old", version=1)
    _promote(plain)
    assert champion(plain) == 1
    decide(plain, "bob", "reject", "broken", version=2)
    with pytest.raises(MlflowException, match="rejected"):
        decide(plain, "ann", "promote", "on again", evidence=DIGEST, version=2)


def test_other_aliases_that_policy_protects(plain: MlflowClient):
    validated(plain)
    with by("ann"), pytest.raises(MlflowException, match="not approved"):
        plain.set_registered_model_alias(NAME, "production", "1")
    with by("ann"):
        plain.set_registered_model_alias(NAME, "staging", "1")


def test_risk_is_not_talked_down(project: Project, plain: MlflowClient):
    put(project, POLICY + "owners: [risk-officer]\n")
    with by("ann"), pytest.raises(MlflowException, match="lowered"):
        plain.set_registered_model_tag(NAME, "mlops.risk", "low")
    with by("ann"), pytest.raises(MlflowException, match="lowered"):
        plain.delete_registered_model_tag(NAME, "mlops.risk")
    with by("ann", reason="please"), pytest.raises(MlflowException, match="risk-officer"):
        plain.set_registered_model_tag(NAME, "mlops.risk", "low")
    with by("dora", reason="reassessed"):
        plain.set_registered_model_tag(NAME, "mlops.risk", "low")


def test_renaming_does_not_shake_off_the_champion(project: Project, plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    _promote(plain)
    with by("ann"), pytest.raises(MlflowException, match="in service as champion"):
        plain.rename_registered_model(NAME, "other")
    assert "rename model refused" in _actions(project)


def test_a_new_name_takes_no_model_out_of_a_policy_nor_into_one_unjudged(project: Project, plain: MlflowClient):
    with by("ann"), pytest.raises(MlflowException, match=r"is for rul\.plant-01 and not for other"):
        plain.rename_registered_model(NAME, "other")
    with by("ann"):
        plain.rename_registered_model(NAME, "rul.plant-09")
        plain.rename_registered_model("rul.plant-09", NAME)
        plain.create_registered_model("free")
        plain.create_model_version("free", source="/x", await_creation_for=0)
        plain.set_registered_model_alias("free", "production", "1")
    for reason in ("", "tidier"):
        with by("ann", reason=reason), pytest.raises(MlflowException, match=r"protects production of rul\.new"):
            plain.rename_registered_model("free", "rul.new")
    put(project, POLICY + "owners: [risk-officer]\n")
    with by("ann", reason="tidier"), pytest.raises(MlflowException, match="by risk-officer only"):
        plain.rename_registered_model(NAME, "other")
    with by("dora", reason="sold"):
        plain.rename_registered_model(NAME, "other")
    assert "set model tag" in _actions(project)


def test_what_was_said_under_an_earlier_name_still_holds(project: Project, plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    with by("ann"):
        plain.rename_registered_model(NAME, "rul.x")
        plain.rename_registered_model("rul.x", NAME)
    assert _standing(project)["state"] == "approved"
    _promote(plain)
    with database(project).read() as connection:
        found = rehearse(connection, parse_policy(POLICY, "t"))
    assert [(d["was"], d["would"]) for d in found] == [("done", "allow")]


def test_a_word_is_taken_back_under_another_name_of_the_same_person(project: Project, plain: MlflowClient):
    validated(plain)
    _approve(plain, "Robert")
    decide(plain, "bob", "withdraw", "too soon")
    assert _standing(project)["state"] == "withdrawn"


def test_a_policy_that_is_only_declared_says_so(project: Project, capsys: pytest.CaptureFixture):
    client(project)
    (project.root / "high.yaml").write_text(POLICY)
    file = project.root / "mlops.yaml"
    file.write_text(f"{file.read_text()}policies: [high.yaml]\n")
    assert main(["approvals", NAME, "1", "--project", str(project.root)]) == 0
    said = capsys.readouterr().out
    assert "declared in mlops.yaml, in force with the next decision" in said
    assert "wants 1 of role validator, 1 of role risk-officer" in said


def test_comments_name_people(project: Project, plain: MlflowClient):
    decide(plain, "carol", "comment", "what about night shifts, @dora and @bob@corp.example?")
    comment = _standing(project)["comments"][0]
    assert (comment["by"], comment["mentions"]) == ("carol", ["bob@corp.example", "dora"])


def test_a_policy_is_rehearsed_on_the_past(project: Project, plain: MlflowClient):
    validated(plain)
    _approve(plain, "carol", "dora")
    _promote(plain)
    texts = POLICY, POLICY.replace("14d", "20d"), POLICY.replace("policy: high-risk", "policy: another")
    stricter = POLICY.replace("validator: 1,", "validator: 2,")
    with database(project).read() as connection:
        same = [rehearse(connection, parse_policy(text, "t")) for text in texts]
        other = rehearse(connection, parse_policy(stricter, "t"))
    assert same[0] == same[1] == same[2]
    assert [(d["was"], d["would"], d["differs"]) for d in same[0]] == [("done", "allow", False)]
    assert [(d["was"], d["would"], d["differs"]) for d in other] == [("done", "refuse", True)]
    assert "wants 1 of role validator" in other[0]["why"]


def test_a_rehearsal_knows_who_trained(project: Project):
    """Under a policy without four eyes its trainer approved it; one with them says that this would not have done."""
    lax = POLICY.replace("expire: 14d", "expire: 14d\n  four_eyes: false")
    put(project, lax)
    plain = client(project, versions=0)
    run = plain.create_run("0", tags={"mlflow.user": "carol"})
    with by("ann"):
        plain.create_model_version(NAME, source="/x", run_id=run.info.run_id, await_creation_for=0)
    validated(plain)
    _approve(plain, "carol", "dora")
    _promote(plain)
    with database(project).read() as connection:
        same, strict = (rehearse(connection, parse_policy(text, "t")) for text in (lax, POLICY))
    assert [d["differs"] for d in same] == [False]
    assert [(d["differs"], d["would"]) for d in strict] == [(True, "refuse")]
    assert "they trained it" in strict[0]["why"]


def test_without_a_policy_file_it_is_as_before(project: Project):
    plain = client(project)
    validated(plain, "anybody")
    decide(plain, "anybody", "promote", "ship it", evidence=DIGEST)
    assert champion(plain) == 1
    with pytest.raises(MlflowException, match="no policy in force asks"):
        decide(plain, "bob", "approve")


def test_who_trained_it_does_not_approve_it(project: Project):
    put(project)
    plain = client(project, versions=0)
    run = plain.create_run("0", tags={"mlflow.user": "carol"})
    with by("ann"):
        plain.create_model_version(NAME, source="/x", run_id=run.info.run_id, await_creation_for=0)
    validated(plain)
    with pytest.raises(MlflowException, match="they trained it"):
        _approve(plain, "carol")


def test_the_policy_in_force_changes_by_its_owners_only(project: Project):
    from jupyter_mlops.errors import BadInput, Refused

    put(project, POLICY + "owners: [risk-officer]\n")
    with pytest.raises(Refused, match="risk-officer only"):
        put(project, POLICY, actor="ann")
    with pytest.raises(BadInput, match="reason"):
        put(project, POLICY, actor="dora", reason=" ")
    put(project, POLICY, actor="dora")


def test_evidence_is_taken_from_those_who_may_make_it(project: Project, plain: MlflowClient):
    put(project, POLICY + "evidence_by: [validator]\n")
    validated(plain, "ann")
    _approve(plain, "carol", "dora")
    with pytest.raises(MlflowException, match="this was made by ann"):
        _promote(plain)
    validated(plain, "bob")
    _promote(plain)
    assert champion(plain) == 1


def test_acting_outside_names_the_source():
    with acting(reason="x", actor="bob") as act:
        assert act.source == "declared"
    with acting(reason="x") as act:
        assert act.source == "os"
