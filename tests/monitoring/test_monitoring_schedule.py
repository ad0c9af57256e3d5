"""Retraining by the clock: once for each moment, however late it is looked; not against a brake; clocks that change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from jupyter_mlops.errors import BadInput
from jupyter_mlops.flows import plan, promote, reconcile
from jupyter_mlops.flows.timetable import due_by_schedule, keep_schedules
from jupyter_mlops.ledger import entries
from jupyter_mlops.project import Project, Schedule, load
from jupyter_mlops.registry import register, versions
from jupyter_mlops.store import Store, database, open_store

YAML = """\
version: 1
project: presses
models:
  wear:
    task: regression
    train: {{notebook: train.ipynb}}
    data: {{training: rows.parquet, evaluation: rows.parquet, target: wear}}
    gates: [{{metric: mae, max: 5}}]
    retrain:
      when: [{{schedule: "0 3 * * 1", zone: Europe/Vienna}}]
      brakes: {{cooldown: {cooldown}}}
      promote: approval
"""
CELL = """\
%%track
import pandas as pd
from sklearn.linear_model import LinearRegression
rows = pd.read_parquet("rows.parquet")
model = LinearRegression().fit(rows[["x"]], rows["wear"])
"""
ROWS = pd.DataFrame({"x": np.arange(300.0), "wear": 2 * np.arange(300.0)})


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Project:
    root = tmp_path_factory.mktemp("clock")
    (root / "mlops.yaml").write_text(YAML.format(cooldown="1d"))
    ROWS.to_parquet(root / "rows.parquet")
    cells = ["%load_ext jupyter_mlops", CELL]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    node = nbformat.v4.new_notebook(metadata={"kernelspec": spec})
    node.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(node, root / "train.ipynb")
    return load(root)


def _first(store: Store) -> None:
    run = store.create_run("wear", "by hand", key="first")
    model = LinearRegression().fit(ROWS[["x"]], ROWS["wear"] * 1.001)
    store.log_model(run, model, input_example=ROWS[["x"]].head(3), requirements=["scikit-learn"])
    store.end_run(run, "FINISHED")
    assert promote(store, "wear", register(store, run, "wear").version, reason="first").done


def _entered(project: Project) -> list[str]:
    with database(project).read() as connection:
        return [e.action for e in reversed(entries(connection, "wear", limit=100)) if e.action.startswith("retrain")]


def test_what_is_due_is_done_once_and_the_brakes_hold(made: Project):
    store, now = open_store(made), datetime.now(UTC)
    target = made.target("wear")
    assert (
        due_by_schedule(store, target, now + timedelta(days=8)) == ""
    )  # nothing is in service that could be retrained
    _first(store)
    assert due_by_schedule(store, target, now) == ""  # its version is younger than the last Monday
    assert not [step for step in plan(store) if step.kind == "schedule"]
    late = now + timedelta(days=40)
    words = due_by_schedule(store, target, late)
    assert words.startswith("schedule '0 3 * * 1' of ")
    assert words.endswith(" 03:00 Europe/Vienna")

    (said,) = keep_schedules(store, late)
    assert said == f"wear: {words}: version 2 was trained"
    assert keep_schedules(store, late) == []
    assert keep_schedules(store, now) == []
    assert [version.version for version in versions(store, "wear") if "champion" in version.aliases] == [1]
    (held,) = keep_schedules(store, late + timedelta(days=7))
    assert "it was not retrained: it was retrained at" in held
    assert keep_schedules(store, late + timedelta(days=7)) == []
    assert _entered(made) == ["retrain fired", "retrain refused"]


def test_a_notebook_that_is_gone_is_told_and_tried_again_at_the_next_moment(made: Project):
    (made.root / "mlops.yaml").write_text(YAML.format(cooldown="0s"))
    (made.root / "train.ipynb").unlink()
    store, before = open_store(load(made.root)), len(_entered(made))
    for weeks in (9, 9, 10):
        keep_schedules(store, datetime.now(UTC) + timedelta(weeks=weeks))
    assert _entered(made)[before:] == ["retrain refused"] * 2
    assert reconcile(store)[0] == []


def _last(words: str, zone: str, now: datetime) -> datetime:
    return Schedule(schedule=words, zone=zone).last(now)


def test_clocks_that_change_leave_out_nothing_and_do_nothing_twice():
    vienna = ZoneInfo("Europe/Vienna")
    spring = _last("30 2 * * *", "Europe/Vienna", datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert spring == datetime(2026, 3, 29, 3, 0, tzinfo=vienna)
    first = _last("30 2 * * *", "Europe/Vienna", datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    again = _last("30 2 * * *", "Europe/Vienna", datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert first == again == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert _last("0 3 * * 1", "UTC", datetime(2026, 11, 23, 3, 0, 59, tzinfo=UTC)) == datetime(
        2026, 11, 23, 3, tzinfo=UTC
    )
    assert _last("0 3 * * 1", "UTC", datetime(2026, 11, 23, 2, 59, tzinfo=UTC)) == datetime(2026, 11, 16, 3, tzinfo=UTC)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.integers(0, 59), st.integers(0, 23))
def test_a_daily_moment_is_never_ahead_and_never_older_than_a_day(now: datetime, minute: int, hour: int):
    at = now.replace(tzinfo=UTC)
    assert timedelta(0) <= at - _last(f"{minute} {hour} * * *", "UTC", at) < timedelta(days=1)
    local = at - _last(f"{minute} {hour} * * *", "America/New_York", at)
    assert timedelta(0) <= local <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('{schedule: "61 3 * * 1"}', "Bad minute"),
        ('{schedule: "@weekly"}', "five fields"),
        ('{schedule: "0 3 31 2 *"}', "no moment fits it"),
        ('{schedule: "0 3 * * 1", zone: Europe/Vienne}', "no such time zone"),
        ('{schedule: "0 3 * * 1", zone: ../../etc/passwd}', "no such time zone"),
        ('{schedul: "0 3 * * 1"}', "schedul"),
    ],
)
def test_schedules_that_mean_nothing_are_refused_with_their_line(tmp_path, rule: str, said: str):
    text = YAML.format(cooldown="1d").replace('{schedule: "0 3 * * 1", zone: Europe/Vienna}', rule)
    (tmp_path / "mlops.yaml").write_text(text)
    with pytest.raises(BadInput) as refused:
        load(tmp_path)
    assert "line 10" in str(refused.value)
    assert said in str(refused.value)
