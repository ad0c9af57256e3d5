"""From logged rows to alerts that reach somebody: windows, N of M, one alert for one cause, silence, late labels, resolution."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from jupyter_mlops.cli import main
from jupyter_mlops.errors import BadInput
from jupyter_mlops.flows import notify, promote, score_and_watch, silence, take_labels, watch
from jupyter_mlops.flows.windows import at_event_time
from jupyter_mlops.ledger import entries, verify
from jupyter_mlops.project import Project, load
from jupyter_mlops.registry import register
from jupyter_mlops.serving import InferenceLog
from jupyter_mlops.store import Store, database, open_store

YAML = """\
version: 1
project: presses
models:
  wear:
    task: regression
    owner: press-shop@example.com
    train: {{notebook: train.ipynb}}
    data: {{training: "data/train.parquet", evaluation: "data/evaluation.parquet", target: wear, timestamp: at}}
    segments: {{p1: {{}}, p2: {{}}, p3: {{}}, p4: {{}}}}
    gates: [{{metric: mae, max: 5}}]
    monitor: {{window: 1d, drift: {{effect: 0.2}}, alert: {{violations: {violations}, of: {of}}}}}
"""
DAY = pd.Timestamp("2026-03-01", tz="UTC")
SEGMENTS = ("p1", "p2", "p3", "p4")


def _rows(days: int = 1, load: float = 0.0, noise: float = 1.0, first: int = 0, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed + first)
    n = 200 * days
    x, at = (
        random.normal(load, 1, n),
        DAY + pd.to_timedelta(first * 24 * 60 + np.arange(n) * (days * 1440 / n), unit="min"),
    )
    return pd.DataFrame(
        {
            "x": x,
            "at": at,
            "wear": 2 * x + random.normal(0, noise, n),
            "inference_id": [f"{seed}-{first}-{i}" for i in range(n)],
        }
    )


def _new_version(store: Store, name: str, slope: float = 2.0) -> int:
    rows = _rows(5, seed=99)
    run = store.create_run("wear", "by hand", key=f"{name} {slope} {datetime.now(UTC).isoformat()}")
    model = LinearRegression().fit(rows[["x"]], rows["x"] * slope)
    store.log_model(run, model, input_example=rows[["x"]].head(3), requirements=["scikit-learn"])
    store.end_run(run, "FINISHED")
    return register(store, run, name).version


def _made(folder, segments=SEGMENTS, violations: int = 1, of: int = 1) -> tuple[Project, Store]:
    (folder / "data").mkdir(parents=True)
    (folder / "mlops.yaml").write_text(YAML.format(violations=violations, of=of))
    _rows(10, seed=7).to_parquet(folder / "data/train.parquet")
    _rows(5, seed=8).to_parquet(folder / "data/evaluation.parquet")
    project = load(folder)
    store = open_store(project)
    for segment in segments:
        assert promote(store, f"wear.{segment}", _new_version(store, f"wear.{segment}"), reason="first").done
    return project, store


def _labels(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[["inference_id", "wear"]]


def _states(project: Project) -> dict[int, tuple[str | None, str, str]]:
    return {a.alert_id: (a.segment, a.kind, a.state) for a in database(project).alerts()}


def test_one_incident_is_one_alert_until_it_is_over_or_answered(tmp_path):
    project, store = _made(tmp_path, ["p1"])
    target = project.target("wear.p1")
    first = score_and_watch(store, target, _rows(load=2.0).drop(columns="wear"))
    again = score_and_watch(store, target, _rows(load=3.0, first=1).drop(columns="wear"))
    assert [v.kind for v in first.violations] == ["drift"]
    assert [a.alert_id for a in first.alerts] == [a.alert_id for a in again.alerts]
    assert first.alerts[0].owner == "press-shop@example.com"
    score_and_watch(store, target, _rows(first=2).drop(columns="wear"))
    [alert] = database(project).alerts()
    assert (alert.state, alert.why) == ("resolved", "not found in the last window")
    reopened = score_and_watch(store, target, _rows(load=2.0, first=3).drop(columns="wear")).alerts[0]
    assert reopened.alert_id != alert.alert_id
    promote(store, "wear.p1", _new_version(store, "wear.p1"), reason="retrained on what it meets now")
    done = next(a for a in database(project).alerts() if a.alert_id == reopened.alert_id)
    assert done.state == "resolved"
    assert done.why == "version 2, trained after this was found, is in service"
    with database(project).read() as connection:
        actions = [e.action for e in entries(connection, "wear.p1") if e.action.startswith("alert")]
        assert verify(connection).ok
    assert sorted(actions) == ["alert opened", "alert opened", "alert resolved", "alert resolved"]


def test_an_alert_opens_when_n_of_the_last_m_windows_violate(tmp_path):
    project, store = _made(tmp_path, ["p1"], violations=2, of=3)
    target = project.target("wear.p1")
    told = []
    for day, moved in enumerate([True, False, False, True, True, False]):
        rows = _rows(load=2.0 if moved else 0.0, first=day).drop(columns="wear")
        score_and_watch(store, target, rows)
        told.append([a.state for a in database(project).alerts()])
    assert told == [[], [], [], [], ["open"], ["open"]]
    score_and_watch(store, target, _rows(first=6).drop(columns="wear"))
    assert [a.state for a in database(project).alerts()] == ["resolved"]


def test_the_log_is_judged_window_by_window_and_late_labels_restate_it(tmp_path):
    project, store = _made(tmp_path, ["p1"])
    target = project.target("wear.p1")
    rows = pd.concat([_rows(first=day, noise=9.0 if day == 2 else 1.0) for day in range(4)])
    score_and_watch(store, target, rows.drop(columns="wear"))
    report = watch(store, target)
    assert (report.start, report.end - report.start) == (
        (DAY + pd.Timedelta(days=3)).to_pydatetime(),
        timedelta(days=1),
    )
    assert report.rows == 200
    assert report.coverage == 0.0
    assert {e.method for e in report.estimated} == {"DLE"}
    take_labels(store, target, _labels(rows.iloc[:600]))
    take_labels(store, target, _labels(rows.iloc[600:]).assign(wear=1e6))
    take_labels(store, target, _labels(rows.iloc[500:]))
    report = watch(store, target)
    points = database(project).points("wear", "p1")
    days = pd.date_range(DAY, periods=4)
    found = {p.start: p for p in points if p.metric == "mae" and p.end - p.start == timedelta(days=1)}
    whole = rows.assign(error=(rows["wear"] - 2 * rows["x"]).abs()).groupby(rows["at"].dt.floor("D"))["error"].mean()
    assert [found[day].value for day in days] == pytest.approx(whole.tolist(), rel=1e-6)
    assert {p.coverage for p in found.values()} == {1.0}
    [run] = store.runs("wear monitoring")
    assert (run.name, run.status, run.tags["mlops.kind"]) == ("wear.p1 version 1", "FINISHED", "monitoring")
    curve = {m.step: m.value for m in store.client.get_metric_history(run.run_id, "mae")}
    assert [curve[(day - pd.Timestamp(0, tz="UTC")).days] for day in days] == [found[day].value for day in days]
    assert 0 <= run.metrics["attribution_drift"] < 0.1
    assert report.estimated[0].realised.value == pytest.approx(whole.iloc[-1], rel=1e-6)
    record = watch(store, target).estimated[0].record
    assert record.windows >= 4
    assert record.within < record.windows


def test_a_cause_in_most_segments_is_one_alert(tmp_path):
    project, store = _made(tmp_path)
    for segment in SEGMENTS:
        target = project.target(f"wear.{segment}")
        score_and_watch(store, target, _rows(load=2.0, seed=len(segment)).drop(columns="wear"))
    told = database(project).alerts("open")
    assert [(a.segment, a.segments) for a in told] == [(None, list(SEGMENTS))]
    assert told[0].sentence.startswith("4 of 4 segments (p1, p2, p3 and 1 more), so look for one cause")
    assert {a.state for a in database(project).alerts() if a.segment} == {"suppressed"}
    for segment in SEGMENTS:
        score_and_watch(store, project.target(f"wear.{segment}"), _rows(first=1).drop(columns="wear"))
    assert {a.state for a in database(project).alerts()} == {"resolved"}


def test_people_are_told_once_and_not_flooded(tmp_path):
    project, store = _made(tmp_path, ["p1", "p2"])
    project = load(tmp_path)
    (tmp_path / "mlops.yaml").write_text((tmp_path / "mlops.yaml").read_text() + "notify: ['json://localhost:1']\n")
    project, sent = load(tmp_path), []

    def send(title: str, body: str) -> bool:
        sent.append((title, body))
        return True

    score_and_watch(store, project.target("wear.p1"), _rows(load=2.0).drop(columns="wear"))
    silence(database(project), "wear.p2", timedelta(hours=2), "mia", "the press is being rebuilt")
    score_and_watch(store, project.target("wear.p2"), _rows(load=2.0).drop(columns="wear"))
    assert notify(project, [lambda *_: False]) == "1 alerts could not be sent; they are tried again at the next run"
    assert [notify(project, [send]), notify(project, [send])] == ["", ""]
    assert [title for title, _ in sent] == ["[warning] wear.p1: drift"]
    assert "owner: press-shop@example.com" in sent[0][1]
    for i in range(30):
        database(project).open_alert("wear", "p1", "data-quality", f"column {i}", f"column {i} is stuck", "critical")
    notify(project, [send])
    assert len(sent) == 10
    assert sent[-1][0] == "presses: 22 more alerts"
    notify(project, [send])
    assert len(sent) == 10


def test_a_weekly_rhythm_is_no_drift_against_the_same_window_of_other_weeks(tmp_path):
    project, store = _made(tmp_path, ["p1"])
    rows = pd.concat([_rows(first=day, load=2.0 if day % 7 == 6 else 0.0) for day in (5, 6, 12, 13)])
    score_and_watch(store, project.target("wear.p1"), rows.drop(columns="wear"))
    found = {}
    for reference in ("training", "moving", "seasonal"):
        text = (tmp_path / "mlops.yaml").read_text()
        (tmp_path / "mlops.yaml").write_text(text.replace("effect: 0.2", f"effect: 0.2, reference: {reference}", 1))
        report = watch(store, load(tmp_path).target("wear.p1"))
        found[reference] = [v.kind for v in report.violations]
        (tmp_path / "mlops.yaml").write_text(text)
    assert found == {"training": ["drift"], "moving": ["drift"], "seasonal": []}


def test_groups_are_watched_and_small_ones_are_left_unsaid(tmp_path):
    _, store = _made(tmp_path, ["p1"])
    text = (tmp_path / "mlops.yaml").read_text().replace("timestamp: at", "timestamp: at, sensitive: [line]")
    (tmp_path / "mlops.yaml").write_text(text)
    target = load(tmp_path).target("wear.p1")
    rows = _rows().assign(line=["a"] * 100 + ["b"] * 90 + ["c"] * 10)
    rows.loc[rows["line"] == "b", "wear"] += 20
    report = score_and_watch(store, target, rows.drop(columns="wear"), _labels(rows))
    groups = {p.slice: p for p in report.points if p.slice}
    assert set(groups) == {"line=a", "line=b"}
    assert groups["line=b"].value > 15 > groups["line=a"].value
    assert groups["line=b"].low < groups["line=b"].value < groups["line=b"].high
    assert [p.value < 0.2 for p in report.points if p.metric == "prediction_drift"] == [True]


def test_labels_of_nothing_are_refused(tmp_path):
    project, store = _made(tmp_path, ["p1"])
    target = project.target("wear.p1")
    rows = _rows()
    with pytest.raises(BadInput, match="none of the 2 labels is of a row that wear"):
        take_labels(store, target, pd.DataFrame({"inference_id": ["no", "nor"], "wear": [1.0, 2.0]}))
    with pytest.raises(BadInput, match="the labels have no column 'wear'"):
        take_labels(store, target, pd.DataFrame({"inference_id": ["no"], "y": [1.0]}))
    with pytest.raises(BadInput, match="the labels have no column 'inference_id'"):
        take_labels(store, target, pd.DataFrame({"id": ["no"], "wear": [1.0]}))
    score_and_watch(store, target, rows.drop(columns="wear"))
    assert take_labels(store, target, _labels(rows)) == 200


def test_outcomes_in_any_order_and_sent_twice_give_the_same_history(tmp_path):
    project, _ = _made(tmp_path, [])
    random = np.random.default_rng(0)
    sent = pd.DataFrame(
        {
            "inference_id": random.integers(0, 20, 120).astype(str),
            "truth": random.normal(size=120),
            "observed_at": [(DAY + pd.Timedelta(hours=int(h))).isoformat() for h in random.integers(0, 30, 120)],
        }
    )
    received = [(DAY + pd.Timedelta(days=2, hours=int(h))).to_pydatetime() for h in random.integers(0, 50, 12)]
    parts = [(sent.iloc[i * 10 : i * 10 + 10], received[i]) for i in range(12)]
    batch = pd.concat([p.assign(r=at) for p, at in parts]).assign(o=lambda f: pd.to_datetime(f["observed_at"]))
    batch = (
        batch.assign(t=batch["truth"].astype(str))
        .sort_values(["o", "r", "t"])
        .drop_duplicates("inference_id", keep="last")
    )
    expected = dict(zip(batch["inference_id"], batch["truth"], strict=True))
    log = InferenceLog(project)
    for order in range(3):
        model = f"m{order}"
        for i in [*random.permutation(12), *random.permutation(12)[:5]]:
            log.add_truth(model, None, parts[i][0], received=parts[i][1])
        found = log.truth(model)
        assert dict(zip(found["inference_id"], found["truth"], strict=True)) == expected
    early = log.truth("m0", as_of=min(received))
    assert 0 < len(early) <= 10


def test_alerts_are_worked_through_from_the_command_line(tmp_path, capsys, monkeypatch):
    _made(tmp_path, ["p1"])
    monkeypatch.chdir(tmp_path)
    rows = _rows(load=2.0)
    rows.drop(columns="wear").to_parquet(tmp_path / "rows.parquet")
    _labels(rows).to_csv(tmp_path / "labels.csv", index=False)

    def asked(*words: str) -> tuple[int, dict]:
        status = main([*words, "--json"])
        return status, json.loads(capsys.readouterr().out)

    status, answer = asked("monitor", "wear", "--segment", "p1", "--current", "rows.parquet", "--labels", "labels.csv")
    assert status == 1
    [report] = answer["data"]
    assert report["coverage"] == 1.0
    assert 1 < report["estimated"][0]["realised"]["n"] <= 200  # stretches of time, where rows are not independent
    [number] = [a["alert_id"] for a in asked("alerts")[1]["data"]]
    assert asked("alerts", "--ack", str(number))[1]["data"]["state"] == "acknowledged"
    assert asked("alerts", "--resolve", str(number))[0] == 2
    assert asked("alerts", "--resolve", str(number), "--reason", "filter changed")[1]["data"]["state"] == "resolved"
    assert asked("alerts", "--silence", "wear.p9", "--reason", "x")[0] == 2
    assert asked("alerts", "--silence", "wear", "--for", "soon", "--reason", "x")[0] == 2
    assert asked("alerts", "--silence", "wear", "--for", "2h", "--reason", "rebuilt")[1]["data"]["name"] == "wear"
    assert asked("alerts", "--resolve", "99", "--reason", "x")[0] == 2
    status, answer = asked("monitor", "wear", "--labels", "labels.csv")
    assert [r["segment"] for r in answer["data"]] == ["p1"]
    (tmp_path / "none.csv").write_text("inference_id,wear\nnobody,1\n")
    status, answer = asked("monitor", "wear", "--labels", "none.csv")
    assert (status, answer["ok"]) == (2, False)
    assert "none of the 1 labels" in answer["error"]["message"]


def test_a_row_asked_about_later_counts_at_its_own_time():
    from types import SimpleNamespace

    target = SimpleNamespace(spec=SimpleNamespace(data=SimpleNamespace(timestamp="as_of")))
    logged = pd.DataFrame(
        {
            "time": pd.to_datetime(["2026-11-23T10:00:00.123456789Z", "2026-11-23T11:00:00Z"], format="ISO8601"),
            "as_of": ["2017-10-23T00:00:00.000", None],
        }
    )
    times = at_event_time(target, logged)["time"]
    assert list(times.dt.year) == [2017, 2026]


def test_in_declared_maintenance_nobody_is_told_and_prometheus_reads_the_figures(tmp_path, capsys, monkeypatch):
    _made(tmp_path, ["p1"])
    monkeypatch.chdir(tmp_path)
    text = (tmp_path / "mlops.yaml").read_text()
    planned = "maintenance: [{from: 2020-01-01, to: 2020-01-02, every: 1d, why: the line stands still}], window: 1d"
    (tmp_path / "mlops.yaml").write_text(text.replace("window: 1d", planned))
    rows = _rows(load=2.0)
    rows.drop(columns="wear").to_parquet(tmp_path / "rows.parquet")
    words = ["monitor", "wear", "--segment", "p1", "--current", "rows.parquet", "--prometheus"]
    assert main([*words, "figures.prom"]) == 1
    [alert] = database(load(tmp_path)).alerts()
    assert alert.state == "suppressed"
    assert alert.why.endswith("the line stands still")
    lines = (tmp_path / "figures.prom").read_text().splitlines()
    [value] = [x for x in lines if 'metric="drift"' in x and 'figure="value"' in x]
    assert 'segment="p1"' in value
    assert float(value.split()[-1]) > 0.2
    assert 'mlops_alerts{model="wear",segment="p1"} 0' in lines
    assert main([*words, "nowhere/figures.prom"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_over_windows_a_later_window_is_left_less_chance(tmp_path):
    _, store = _made(tmp_path, ["p1"])
    text = (tmp_path / "mlops.yaml").read_text().replace("effect: 0.2", "effect: 0.2, over: windows")
    (tmp_path / "mlops.yaml").write_text(text)
    project = load(tmp_path)
    rows = pd.concat([_rows(first=day, load=2.0 if day == 3 else 0.0) for day in range(4)])
    score_and_watch(store, project.target("wear.p1"), rows.drop(columns="wear"))
    report = watch(store, project.target("wear.p1"))
    assert [v.kind for v in report.violations] == ["drift"]
    points = database(project).points("wear", "p1", metric="drift_p_value")
    days = [p for p in points if p.end - p.start == timedelta(days=1)]
    assert len(days) == 4
    assert days[-1].value < 1e-9


def _with(folder, old: str, new: str):
    file = folder / "mlops.yaml"
    file.write_text(file.read_text().replace(old, new))
    return load(folder).target("wear.p1")


def test_a_feed_that_stopped_or_came_twice_is_broken_before_it_drifts(tmp_path):
    _, store = _made(tmp_path, ["p1"])
    target = _with(tmp_path, "data: {", "data: {entity: press, ")
    rows = pd.concat([_rows(first=day) for day in range(8)] + [_rows(load=2.0, first=8).iloc[:60]])
    score_and_watch(store, target, rows.drop(columns="wear"))
    report = watch(store, target)
    assert [(v.kind, v.what) for v in report.violations] == [("data-quality", "staleness"), ("data-quality", "volume")]
    assert "the newest row is of 2026-03-09 07:04 UTC, and then none for 16.9 hours" in report.violations[0].sentence
    assert "only 60 rows arrived in this window; the 7 windows before had 200 to 200" in report.violations[1].sentence
    again = _rows(first=9)
    twice = pd.concat([again, again.iloc[:80].assign(inference_id=[f"again-{i}" for i in range(80)])])
    report = score_and_watch(store, target, twice.drop(columns="wear"))
    assert [v.what for v in report.violations] == ["duplicate rows"]
    known = pd.concat([_rows(first=10), _rows(first=10, seed=3).iloc[:50].assign(inference_id="0-10-1")])
    report = score_and_watch(store, target, known.drop(columns="wear"))
    assert [v.what for v in report.violations] == ["duplicate ids"]
    target = _with(tmp_path, "drift: {effect", "quality: {stale: 1h}, drift: {effect")
    assert "staleness" in [v.what for v in watch(store, target).violations]


def test_rules_that_a_person_edited_are_asked_of_every_window(tmp_path):
    _, store = _made(tmp_path, ["p1"])
    (tmp_path / "rules.p1.yaml").write_text("columns: {x: {max: 2.0}, wear: {max: 0}, at: {nulls: 0}}")
    asked = "quality: {constraints: 'rules.{segment}.yaml'}, drift: {effect"
    target = _with(tmp_path, "drift: {effect", asked)
    report = score_and_watch(store, target, _rows(load=2.0).drop(columns="wear"))
    assert [(v.kind, v.what) for v in report.violations] == [("data-quality", "x")]
    assert "above 2: a rule of the constraints is not kept" in report.violations[0].sentence
    (tmp_path / "rules.p1.yaml").write_text("columns: {x: {least: 2.0}}")
    with pytest.raises(BadInput, match=r"columns\.x\.least"):
        watch(store, target)
    (tmp_path / "rules.p1.yaml").unlink()
    with pytest.raises(BadInput, match=r"rules\.p1\.yaml cannot be read"):
        watch(store, target)


def test_a_fault_of_a_feed_that_two_models_read_is_one_alert(tmp_path):
    _made(tmp_path, [])
    other = YAML.partition("  wear:")[2].format(violations=1, of=1)
    file = tmp_path / "mlops.yaml"
    file.write_text(file.read_text() + "  heat:" + other)
    project = load(tmp_path)
    store = open_store(project)
    for name in ("wear", "heat"):
        assert promote(store, f"{name}.p1", _new_version(store, f"{name}.p1"), reason="first").done
    stuck = _rows().assign(x=7.0).drop(columns="wear")
    for name in ("wear", "heat", "wear"):
        score_and_watch(store, project.target(f"{name}.p1"), stuck)
    [second, first] = database(project).alerts()
    told = {first.model: first.state, second.model: (second.state, second.why)}
    assert told == {"wear": "open", "heat": ("suppressed", f"part of alert {first.alert_id}")}
    score_and_watch(store, project.target("wear.p1"), _rows(first=1).drop(columns="wear"))
    score_and_watch(store, project.target("heat.p1"), stuck.assign(inference_id=lambda r: r["inference_id"] + "h"))
    states = {a.model: a.state for a in database(project).alerts()}
    assert states == {"wear": "resolved", "heat": "open"}
