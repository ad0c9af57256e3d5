"""Profiles merge to the last count; drift needs an effect and evidence; a broken feed is called broken."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring import Profile, drift, monitor, profile
from jupyter_mlops.monitoring.buckets import MOST, count
from jupyter_mlops.monitoring.counting import values_of
from jupyter_mlops.project import Project
from jupyter_mlops.records import Estimate

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)


@settings(max_examples=80, deadline=None)
@given(st.lists(NUMBERS, max_size=50), st.lists(NUMBERS, max_size=50), st.lists(NUMBERS, max_size=50))
def test_buckets_merge_associatively_and_keep_few_values_exactly(a, b, c):
    one, two, three = (count(np.array(x, dtype=float)) for x in (a, b, c))
    left, right = one.merge(two).merge(three), one.merge(two.merge(three))
    whole = count(np.array([*a, *b, *c], dtype=float))
    for other in (right, whole, three.merge(one).merge(two)):
        assert (left.shift, left.keys.tolist(), left.counts.tolist()) == (
            other.shift,
            other.keys.tolist(),
            other.counts.tolist(),
        )
    assert left.values().tolist() == sorted({x + 0.0 for x in [*a, *b, *c]})


def test_buckets_of_many_values_are_bounded_and_merge_the_same_in_any_order():
    random = np.random.default_rng(0)
    parts = [random.lognormal(i, 2, 20_000) for i in range(4)]
    whole = count(np.concatenate(parts))
    merged = count(parts[2]).merge(count(parts[0])).merge(count(parts[3]).merge(count(parts[1])))
    assert len(whole.keys) <= MOST
    assert (merged.shift, merged.keys.tolist(), merged.counts.tolist()) == (
        whole.shift,
        whole.keys.tolist(),
        whole.counts.tolist(),
    )


@pytest.mark.parametrize("rows", [1, 40, 1023, 1024, 60_000])
def test_buckets_are_those_of_a_plain_sort(rows: int):
    """The quick way, by blocks, stretches and prefixes, against the definition."""
    random = np.random.default_rng(rows)
    made = [
        random.normal(0, 1, rows),
        -random.lognormal(0, 9, rows),
        random.integers(-9, 9, rows) / 2,
        np.full(rows, -0.0),
    ]
    for values in [*made, np.concatenate([made[0] * 1e-300, made[2] * 1e300])]:
        found, exact = count(values), count(values, 1 << 62)
        assert exact.values().tolist() == np.unique(values + 0.0).tolist()
        finer = exact.coarser(found.shift - 1) if found.shift else exact
        assert len(finer.keys) > MOST or found.shift == 0
        same = exact.coarser(found.shift)
        assert (found.keys.tolist(), found.counts.tolist()) == (same.keys.tolist(), same.counts.tolist())
        if found.shift:
            ends = [np.sort(values)[:16], np.sort(values)[-16:]]
            assert [values_of(k).tolist() for k in (found.least, found.greatest)] == [e.tolist() for e in ends]


@settings(max_examples=40, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=60), st.integers(0, 60), st.integers(0, 60), st.booleans())
def test_a_profile_is_the_same_to_the_byte_however_its_rows_were_parted(values, first, second, mixed):
    """Counts, extremes, moments and text alike: the parts in another order, merged from another side."""
    frame = pd.DataFrame({"x": values, "s": [f"w{v:.1g} of {int(v > 0)}" for v in values]})
    frame["x"] = frame["x"].where(frame["x"] < 1e300, np.nan) if mixed else frame["x"]
    low, high = sorted((first % (len(values) + 1), second % (len(values) + 1)))
    parts = [profile(frame.iloc[a:b]) for a, b in ((0, low), (low, high), (high, len(values)))]
    whole = profile(frame)
    one = parts[0].merge(parts[1]).merge(parts[2])
    other = parts[2].merge(parts[0].merge(parts[1]))
    assert one.to_bytes() == other.to_bytes() == whole.to_bytes()
    assert one.as_dict() == whole.as_dict()


SHAPES = {
    "normal": lambda r, n, m: r.normal(m, 1, n),
    "far from zero": lambda r, n, m: r.normal(1e6 + m, 1, n),
    "heavy tail": lambda r, n, m: r.standard_cauchy(n) + m,
    "lognormal": lambda r, n, m: r.lognormal(m, 2, n),
    "integers": lambda r, n, m: r.poisson(5 + m, n).astype(float),
    "tiny": lambda r, n, m: r.normal(m, 1, n) * 1e-200,
    "two points": lambda r, n, m: (r.random(n) < 0.4 + m / 5).astype(float),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_figures_are_scipys_on_every_shape(shape: str):
    random = np.random.default_rng(1)
    a, b = SHAPES[shape](random, 20_000, 0.0), SHAPES[shape](random, 15_000, 0.4)
    [found] = drift(pd.DataFrame({"x": a}), pd.DataFrame({"x": b})).columns
    assert found.figures["ks"] == pytest.approx(stats.ks_2samp(a, b).statistic, abs=0.002)
    if shape != "heavy tail":
        assert found.figures["wasserstein"] == pytest.approx(stats.wasserstein_distance(a, b), rel=0.01)


def test_a_verdict_does_not_depend_on_the_number_of_rows():
    random = np.random.default_rng(2)
    for rows in (1000, 300_000):
        reference = pd.DataFrame({"same": random.normal(size=rows), "moved": random.normal(size=rows)})
        current = pd.DataFrame({"same": random.normal(0.01, 1, rows), "moved": random.normal(1, 1, rows)})
        assert drift(reference, current).drifted_columns == ["moved"]


def test_chance_raises_no_alarm():
    random = np.random.default_rng(3)
    alarms = [
        bool(
            drift(
                *(pd.DataFrame(random.normal(size=(n, 8)), columns=list("abcdefgh")) for _ in range(2))
            ).drifted_columns
        )
        for n in [100, 1000, 10_000] * 15
    ]
    assert sum(alarms) == 0


def test_files_frames_and_arrow_give_the_same_profile(tmp_path):
    frame = pd.DataFrame(
        {
            "n": [1.5, None, float("inf"), -2.0],
            "s": ["a", None, "b", "a"],
            "t": pd.date_range("2026-01-01", periods=4),
            "f": [True, False, True, True],
        }
    )
    frame.to_parquet(tmp_path / "x.parquet")
    expected = profile(frame).to_bytes()
    assert profile(pa.Table.from_pandas(frame)).to_bytes() == expected
    assert profile(str(tmp_path / "x.parquet")).to_bytes() == expected
    assert profile(tmp_path).to_bytes() == expected
    assert Profile.from_bytes(expected).to_bytes() == expected
    lines = {c["name"]: c for c in profile(frame).as_dict()["columns"]}
    assert (lines["n"]["nulls"], lines["n"]["infinite"], lines["s"]["nulls"]) == (1, 1, 1)


def test_a_profile_of_forty_columns_is_small(tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(50_000, 40)), columns=[f"c{i}" for i in range(40)])
    profile(frame).save(tmp_path / "p")
    assert (tmp_path / "p").stat().st_size < 300_000
    assert drift(tmp_path / "p", frame).drifted_columns == []


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns have the name 'a'"),
        (42, "int is no data set"),
        ("nowhere.csv", "no file or folder"),
    ],
)
def test_what_cannot_be_profiled_is_named(frame, said):
    with pytest.raises(BadInput, match=said):
        profile(frame)


def test_mixed_types_and_changed_kinds_are_told_not_raised():
    report = drift(
        pd.DataFrame({"a": [1, "x", None] * 20, "b": range(60)}), pd.DataFrame({"a": ["x"] * 60, "b": list("z" * 60)})
    )
    assert {c.name: c.reason for c in report.columns}["b"] == "it was numeric and is categorical now"
    assert (
        "<script"
        not in drift(pd.DataFrame({"<script>": range(99)}), pd.DataFrame({"<script>": range(99)}))._repr_html_()
    )


def _watch(project: Project, current: pd.DataFrame, estimates: list[Estimate]) -> object:
    reference = pd.DataFrame({"x": np.random.default_rng(0).normal(size=2000)})
    promised = Estimate(metric="mae", value=1.0, low=0.9, high=1.1, n=100)
    rows = current.assign(time=pd.Timestamp("2026-01-01", tz="UTC"))
    target = project.target("rul.plant-01")
    return monitor(target, 1, reference, rows, estimates, reference_metric=promised, features=["x"], coverage=1.0)


def test_a_broken_feed_is_called_broken_and_not_drift(project: Project):
    for values in (np.full(500, np.nan), np.full(500, 0.3), np.random.default_rng(1).normal(size=500) * 1000):
        report = _watch(project, pd.DataFrame({"x": values}), [])
        assert [v.kind for v in report.violations] == ["data-quality"]


def test_a_worse_metric_is_a_finding_only_beyond_doubt(project: Project):
    same = pd.DataFrame({"x": np.random.default_rng(2).normal(size=500)})
    worse = Estimate(metric="mae", value=2.0, low=1.8, high=2.2, n=100)
    doubtful = worse.model_copy(update={"low": 0.9})
    few = worse.model_copy(update={"n": 5})
    assert [v.kind for v in _watch(project, same, [worse]).violations] == ["performance"]
    assert _watch(project, same, [doubtful]).verdict == "pass"
    assert _watch(project, same, [few]).verdict == "inconclusive"


def test_kinds_are_called_by_their_name_and_what_is_opaque_is_only_counted(tmp_path):
    rows = 60
    frame = pd.DataFrame(
        {
            "n": [1.5, np.nan, 2.0] * 20,
            "flag": [True, False, None] * 20,
            "at": pd.date_range("2026-01-01", periods=rows),
            "day": pd.date_range("2026-01-01", periods=rows).date,
            "took": pd.to_timedelta(np.arange(rows), unit="min"),
            "said": ["the pump is loud again", "nothing to report today"] * 30,
            "site": ["a", "b"] * 30,
            "nested": [{"a": 1}] * rows,
            "list": [[1, 2]] * rows,
            "raw": [b"\xff"] * rows,
        }
    )
    table = pa.Table.from_pandas(frame).set_column(0, "n", pa.array(frame["n"].to_numpy(), from_pandas=False))
    lines = {c["name"]: c for c in profile(table).as_dict()["columns"]}
    kinds = {name: line["kind"] for name, line in lines.items()}
    expected = [
        "numeric",
        "boolean",
        "datetime",
        "datetime",
        "duration",
        "text",
        "categorical",
        "nested",
        "nested",
        "binary",
    ]
    assert kinds == dict(zip(frame.columns, expected, strict=True))
    assert (lines["n"]["nulls"], lines["n"]["nan"], lines["n"]["distinct"], lines["n"]["median"]) == (20, 20, 2, 1.75)
    assert lines["n"]["top"] == [[1.5, 20], [2.0, 20]]
    assert (lines["nested"]["distinct"], lines["raw"]["top"]) == (None, [])
    report = drift(frame, frame.assign(flag=1.0))
    assert report.broken["flag"] == "column flag was boolean and is numeric now"
    assert {c["name"]: c["kind"] for c in report.as_dict()["columns"]} == kinds
