"""How two columns move together: exact merges, scipy's figures, honest chance, and drift that no single column shows."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.cli import main
from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring import Profile, drift, monitor, profile
from jupyter_mlops.monitoring.pairs import Pair, pair_of
from jupyter_mlops.project import Drift, Monitor, Project

RANDOM = np.random.default_rng(0)
AB = [("a", "b")]
numbers = st.lists(st.floats(width=64), min_size=0, max_size=12)


def _frame(n: int, r: float, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    a, noise = random.normal(size=n), random.normal(size=n)
    return pd.DataFrame({"a": a, "b": r * a + (1 - r * r) ** 0.5 * noise, "c": random.choice(["x", "y"], n)})


def _pair(values: list[float]) -> Pair:
    return pair_of(np.array(values, dtype=np.float64), np.array(values[::-1], dtype=np.float64))


@settings(deadline=None)
@given(numbers, numbers, numbers)
def test_pairs_merge_exactly_in_any_order(one: list[float], two: list[float], three: list[float]):
    a, b, c = map(_pair, (one, two, three))
    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == c.merge(b).merge(a)
    assert Pair().merge(a) == a
    assert _pair([-5e-324]).sums[0] == -(1 << 52)


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30, 1e-100, 1e70])
@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_the_correlation_is_that_of_the_rows(scale: float, shift: float):
    frame = _frame(4000, 0.4)
    x, y = (frame["a"].to_numpy() + shift) * scale, frame["b"].to_numpy() ** 3
    found = pair_of(x, y)
    assert found.correlation is not None
    assert found.correlation[0] == pytest.approx(np.corrcoef(x / scale, y)[0, 1], rel=1e-6)


@pytest.mark.parametrize("draw", [RANDOM.normal, partial(RANDOM.standard_t, 5), partial(RANDOM.exponential, 2)])
def test_its_doubt_is_what_samples_show(draw):
    told, seen = [], []
    for _ in range(300):
        x = draw(size=400)
        r, spread = pair_of(x, 0.6 * x + draw(size=400)).correlation
        told.append(spread / 400)
        seen.append(r)
    assert np.mean(told) == pytest.approx(np.var(seen), rel=0.35)


def test_what_has_no_correlation_says_so():
    for x in ([1.0, 1.0, 1.0, 1.0], [1e18, 1e18 + 200, 1e18, 1e18], [np.nan] * 4, [np.inf, 1e80, 1.0, 2.0]):
        assert pair_of(np.array(x), np.array([1.0, 2.0, 3.0, 4.0])).correlation is None


def test_a_pair_that_came_apart_is_drift_that_no_column_shows():
    before, now = _frame(3000, 0.7), _frame(2000, 0.1, seed=1)
    report = drift(before, now, pairs=[("b", "a")])
    assert report.drifted_columns == []
    [pair] = report.drifted_pairs
    assert str(pair).startswith("a and b were correlated by 0.")
    assert str(pair) in str(report)
    assert "correlated" in report._repr_html_()
    assert report.as_dict()["pairs"][0]["effect"] == pytest.approx(0.6, abs=0.05)
    assert drift(before, _frame(2000, 0.68, seed=2), pairs=AB).drifted_pairs == []
    [few] = drift(before, now.iloc[:20], pairs=AB).pairs
    assert few.reason == "inconclusive: 20 rows with both values are too few"
    [flat] = drift(before, now.assign(a=1.0), pairs=AB).pairs
    assert flat.reason == "inconclusive: one of them is constant"


def test_no_change_is_seldom_called_one():
    called = sum(
        bool(drift(_frame(300, 0.5, s), _frame(300, 0.5, 1000 + s), pairs=AB).drifted_pairs) for s in range(60)
    )
    assert called <= 8


def test_pairs_are_kept_with_the_profile_whatever_parts_it_came_in(tmp_path, capsys):
    frame = _frame(1000, 0.5).assign(d=range(1000))
    frame.loc[::7, "a"] = np.nan
    frame.to_parquet(tmp_path / "x.parquet", row_group_size=137)
    pairs = [("a", "b"), ("a", "d")]
    whole, parts = profile(frame, pairs=pairs), profile(tmp_path / "x.parquet", pairs=pairs)
    assert whole.pairs == parts.pairs == Profile.from_bytes(whole.to_bytes()).pairs
    assert whole.pairs["a", "b"].n == frame["a"].notna().sum()
    assert len(whole.to_bytes()) - len(profile(frame).to_bytes()) < 1500
    asked = ["profile", str(tmp_path / "x.parquet"), "--pair", "a,b"]
    assert main([*asked, "-o", str(tmp_path / "x.profile"), "--json"]) == 0
    [line] = json.loads(capsys.readouterr().out)["data"]["pairs"]
    assert line["correlation"] == pytest.approx(frame[["a", "b"]].corr().iloc[0, 1])
    assert main(asked) == 0
    assert "a and b: correlation 0." in capsys.readouterr().out
    again = _frame(1000, -0.5)
    again.to_parquet(tmp_path / "y.parquet")
    words = ["drift", str(tmp_path / "x.profile"), str(tmp_path / "y.parquet"), "--ignore", "d", "--fail-on-drift"]
    assert main(words) == 0
    assert main([*words, "--pair", "b,a"]) == 1
    assert main(["drift", str(tmp_path / "x.profile"), str(tmp_path / "y.parquet"), "--pair", "b,d"]) == 2


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["ab"], "'ab' is no pair of columns"),
        ([("a", "a")], "is no pair of columns"),
        ([("a", "bb")], "unknown column of a pair: 'bb'"),
        ([("a", "c")], "column 'c' holds no numbers"),
    ],
)
def test_what_is_no_pair_is_refused(pairs: list[object], said: str):
    with pytest.raises(BadInput, match=said):
        profile(_frame(50, 0.5), pairs=pairs)


def test_a_monitor_watches_the_pairs_that_are_declared(project: Project):
    target = project.target("rul.plant-01")
    watched = Monitor(drift=Drift(pairs=[("a", "b")]))
    target = replace(target, spec=target.spec.model_copy(update={"monitor": watched}))

    def found(now: pd.DataFrame) -> list[tuple[str, str]]:
        rows = now.assign(time=pd.date_range("2026-01-01", periods=len(now), freq="min", tz="UTC"))
        report = monitor(target, 1, _frame(3000, 0.7), rows, [], features=["a", "b"])
        return [(v.kind, v.what) for v in report.violations]

    assert found(_frame(1000, 0.1, seed=1)) == [("drift", "a and b")]
    assert found(_frame(1000, 0.7, seed=1)) == []
    assert found(_frame(1000, 0.1, seed=1).assign(a=lambda f: f["a"] + 1)) == [("drift", "a")]
    assert found(_frame(1000, 0.7, seed=1).drop(columns="b")) == [("data-quality", "b")]
    assert found(_frame(1000, 0.7, seed=1).assign(b="warm")) == [("data-quality", "b")]
