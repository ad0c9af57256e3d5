"""A notebook's form, its job from the first cell to its end, and what is refused before a kernel starts."""

from bank import notebook
from conftest import Server, until


def _row(server: Server, run_id: str) -> dict:
    return next(row for row in server.get("jobs") if row["run"]["run_id"] == run_id)


def _ended(server: Server, run_id: str) -> dict:
    row = _row(server, run_id)
    return row if row["run"]["status"] != "RUNNING" else {}


def test_a_form_is_made_of_the_parameters_cell(server: Server):
    form = server.get("form?notebook=train.ipynb")
    fields = {f["name"]: f for f in form["fields"]}
    assert (form["model"], list(fields)) == ("loan", ["rate", "rounds", "loss", "deep", "note"])
    assert (fields["rate"]["kind"], fields["rate"]["text"], fields["rate"]["span"]) == ("float", "0.1", "0 < rate <= 1")
    assert (fields["loss"]["kind"], fields["loss"]["choices"]) == ("choice", ["log", "hinge"])
    assert (fields["deep"]["kind"], fields["deep"]["text"]) == ("bool", "false")


def test_every_field_is_told_its_own_problem_and_nothing_starts(server: Server):
    before = server.get("jobs")
    given = {"rate": "2", "rounds": "many", "lss": "log"}
    status, error = server.refused(
        "jobs", {"notebook": "train.ipynb", "parameters": given, "several": {"loss": "log,x"}}
    )
    fields = error["details"]["fields"]
    assert status == 400
    assert fields.keys() == {"rate", "rounds", "lss", "loss"}
    assert "out of range" in fields["rate"]["message"]
    assert fields["lss"]["fix"] == "did you mean 'loss'?"
    assert server.get("jobs") == before
    many = ", ".join(str(0.0001 * n) for n in range(1, 1100))
    _, error = server.refused("form", {"notebook": "train.ipynb", "several": {"rate": many}})
    assert "1,099 jobs" in error["message"]


def test_a_job_is_followed_to_its_end_and_its_values_are_only_data(server: Server):
    note = 'émile\'s "quote"; {rate} $(id) # null'
    asked = {"notebook": "train.ipynb", "parameters": {"note": note, "rate": "1e-1", "deep": "true"}}
    run_id = server.post("jobs", asked)["run_id"]
    row = until(lambda: _ended(server, run_id))
    assert (row["run"]["status"], row["run"]["reason"], row["notebook"]) == ("FINISHED", "", "train.ipynb")
    assert row["run"]["parameters"]["note"] == note
    executed = server.get(f"runs/{run_id}/notebook")
    text = "".join(
        "".join(o.get("text", "")) for cell in executed["notebook"]["cells"] for o in cell.get("outputs", [])
    )
    assert note in text
    assert "round 3" in text
    assert server.get(f"runs/{run_id}/notebook?seen={executed['seen'].replace(' ', '+')}")["notebook"] is None
    assert server.post("jobs", asked)["run_id"] == run_id  # it stands for the same again


def test_a_running_job_shows_its_cell_and_ends_when_it_is_cancelled(server: Server):
    notebook(server.root, "slow.ipynb", "pause = 0.1", "import time\nprint('begun', flush=True)\ntime.sleep(600)")
    run_id = server.post("jobs", {"notebook": "slow.ipynb"})["run_id"]
    until(lambda: [c for c in _row(server, run_id)["progress"]["running"] if c["line"] == "import time"])
    progress = _row(server, run_id)["progress"]
    assert (progress["unit"], progress["left"]) == ("cell", None)
    assert 0 < progress["done"] < progress["of"]
    until(lambda: "begun" in str(server.get(f"runs/{run_id}/notebook")["notebook"]["cells"]))
    server.post(f"jobs/{run_id}/cancel")
    row = until(lambda: _ended(server, run_id))
    assert (row["run"]["status"], row["run"]["reason"]) == ("KILLED", f"cancelled in cell {row['cell'] + 1}")
    status, error = server.refused(f"jobs/{run_id}/cancel")
    assert (status, "nothing to cancel" in error["message"]) == (409, True)


def test_a_fleet_is_a_parent_with_its_jobs_and_says_which_cell_failed(server: Server):
    notebook(
        server.root, "fleet.ipynb", "from pathlib import Path\nassert rate < 0.5 or Path('ice').exists(), 'too fast'"
    )
    run_id = server.post("jobs", {"notebook": "fleet.ipynb", "several": {"rate": "0.2, 0.9"}})["run_id"]
    row = until(lambda: _ended(server, run_id))
    assert (row["kind"], row["run"]["status"]) == ("fleet", "FAILED")
    jobs = {job["run"]["name"]: job for job in server.get(f"jobs/{run_id}/jobs")}
    assert {name: job["run"]["status"] for name, job in jobs.items()} == {
        "fleet rate=0.2": "FINISHED",
        "fleet rate=0.9": "FAILED",
    }
    failed = jobs["fleet rate=0.9"]
    assert "too fast" in failed["run"]["reason"]
    shown = server.get(f"runs/{failed['run']['run_id']}/notebook")
    assert "assert" in "".join(shown["notebook"]["cells"][failed["cell"]]["source"])
    assert shown["cell"] == failed["cell"]
    (server.root / "ice").touch()
    assert server.post(f"jobs/{run_id}/resume")["run_id"] == run_id
    until(lambda: _row(server, run_id)["run"]["status"] == "FINISHED")
    again = server.get(f"jobs/{run_id}/jobs")
    assert sorted(job["run"]["status"] for job in again) == ["FINISHED", "FINISHED"]
