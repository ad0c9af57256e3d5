"""Data as it comes: what can be compared is, what cannot is said, nothing ends in a traceback."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring import Profile, drift, files, profile

N = 400


def _frame(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"kept": np.arange(N) % 7, **columns})


def _random(shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(0).normal(shift, 1, N)


def test_columns_missing_extra_and_renamed_are_named_with_a_guess():
    before = _frame(temperature=_random(), pressure=_random() * 9 + 50, gone=["x", "y"] * (N // 2))
    now = _frame(temperatur=_random(), p2=_random() * 9 + 50, new=_random() + 900)
    report = drift(before, now)
    assert report.missing == ["temperature", "pressure", "gone"]
    assert report.extra == ["temperatur", "p2", "new"]
    assert report.renamed == {"temperature": "temperatur", "pressure": "p2"}
    assert "temperature seems to be called temperatur now" in str(report)
    assert report.as_dict()["renamed_columns"] == report.renamed


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (_random(), [str(i) for i in range(N)], "it was numeric and is categorical now"),
        (_random(), [None] * N, "there are no values to compare now"),
        ([None] * N, _random(), "there are no values to compare in the reference"),
        ([None] * N, [None] * N, "there are no values to compare"),
        (_random(), np.full(N, np.inf), "there are no values to compare now"),
        (_random(), [1.0, *[None] * (N - 1)], "1 values are too few"),
        (["a", np.nan] * (N // 2), ["a", None] * (N // 2), "no change beyond chance"),
        ([Decimal("1.25"), Decimal("3")] * (N // 2), [1.25, 3.0] * (N // 2), "no change beyond chance"),
        ([{"a": 1}] * N, [{"a": 2}] * N, "no change beyond chance"),
        ([b"\xff"] * N, [b"\xfe"] * N, "no change beyond chance"),
        ([1, "x", None, 2.5] * (N // 4), ["1", "x", None, "2.5"] * (N // 4), "no change beyond chance"),
        ([1e308, -1e308] * (N // 2), [1e308, -1e308] * (N // 2), "no change beyond chance"),
        ([5e-324, 1e-310] * (N // 2), [5e-324, 1e-310] * (N // 2), "no change beyond chance"),
        ([2**70, 1] * (N // 2), [2**70, 1] * (N // 2), "no change beyond chance"),
        ([True, False, None, True] * (N // 4), [True, False, None, True] * (N // 4), "no change beyond chance"),
        (pd.Categorical([1, 2] * (N // 2)), [1, 2] * (N // 2), "no change beyond chance"),
        (pd.to_timedelta(np.arange(N), unit="min"), pd.to_timedelta(np.arange(N), unit="min"), "no change"),
    ],
)
def test_each_column_is_compared_or_said_why_not(before: object, now: object, said: str):
    report = drift(_frame(x=before), _frame(x=now))
    found = {column.name: column for column in report.columns}
    assert said in found["x"].reason
    assert report.drifted_columns == []
    assert "kept" in report._repr_html_()


def test_a_zone_is_no_drift_but_is_seen_in_the_type():
    at = pd.date_range("2026-01-01", periods=N, freq="h")
    report = drift(_frame(t=at), _frame(t=at.tz_localize("Europe/Berlin").tz_convert("UTC")))
    assert report.drifted_columns == []
    [line] = [c for c in report.as_dict()["columns"] if c["name"] == "t"]
    assert "stored as timestamp, now as timestamp[UTC]" in line["reason"]


@pytest.mark.parametrize("rows", [0, 1])
def test_no_row_and_one_row_are_inconclusive(rows: int):
    report = drift(_frame(x=_random()), _frame(x=_random()).head(rows))
    assert report.drifted_columns == []
    assert all("inconclusive" in column.reason for column in report.columns)
    assert report.as_dict()["rows"] == {"reference": N, "current": rows}


def test_duplicated_names_are_refused_in_every_form(tmp_path):
    twice = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(twice, tmp_path / "twice.parquet")
    (tmp_path / "twice.csv").write_text("a,a\n1,2\n")
    for data in (twice, tmp_path / "twice.parquet", tmp_path / "twice.csv", twice.to_batches()[0]):
        with pytest.raises(BadInput, match="two columns have the name 'a'"):
            profile(data)


def test_a_corrupt_row_group_is_lost_and_said_and_the_rest_is_used(tmp_path):
    path = tmp_path / "x.parquet"
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=4000)})
    pq.write_table(pa.Table.from_pandas(frame), path, row_group_size=1000, write_page_checksum=True)
    begins = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    bytes_ = bytearray(path.read_bytes())
    bytes_[begins + 200 : begins + 900] = bytes(700)
    path.write_bytes(bytes_)
    found = profile(path)
    assert found.rows == 3000
    assert len(found.lost) == 1
    assert "x.parquet, row group 1" in found.lost[0]
    report = drift(frame, path)
    assert report.as_dict()["lost"] == list(found.lost)
    assert "LOST" in str(report)
    assert "row group 1" in report._repr_html_()
    assert Profile.from_bytes(found.to_bytes()).lost == found.lost


def test_a_file_that_is_nothing_of_the_kind_is_refused(tmp_path):
    for name, content in [
        ("x.parquet", b"PAR1 is not enough"),
        ("y.csv", b""),
        ("z.arrow", b"nothing"),
        ("w.txt", b"a"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput):
            profile(tmp_path / name)
    cut = profile(_frame()).to_bytes()[:-9]
    (tmp_path / "cut.profile").write_bytes(cut)
    with pytest.raises(BadInput, match="damaged"):
        profile(tmp_path / "cut.profile")


@pytest.fixture(params=[1, 2])
def processors(request):
    before = pa.cpu_count()
    pa.set_cpu_count(request.param)
    yield request.param
    pa.set_cpu_count(before)


def test_csv_as_people_write_it(tmp_path, monkeypatch, processors: int):
    monkeypatch.setattr(files, "_BLOCK", 1 << 16)
    path = tmp_path / "x.csv"
    lines = [f"{i};{i / 3};name {i % 5};" for i in range(9000)] + ["x;nothing;name;", "too;few"]
    path.write_text("\ufeffid;value;name;empty\n" + "\n".join(lines))
    found = profile(path)
    assert found.rows == 9001
    assert {n: c.kind for n, c in found.columns.items() if n != "empty"} == dict.fromkeys(
        ("id", "value", "name"), "categorical"
    )
    assert "1 rows have another number of fields" in found.lost[0]
    assert found.columns["empty"].nulls == found.rows
    (tmp_path / "late.csv").write_text("n\n" + "1\n" * 90_000 + "2.5\n")
    assert profile(tmp_path / "late.csv").columns["n"].range() == (1.0, 2.5)


def test_packed_csv_and_a_folder_of_parts_are_one_data_set(tmp_path):
    frame = _frame(x=_random(), s=["a", None] * (N // 2))
    frame.to_csv(tmp_path / "x.csv.gz", index=False)
    (tmp_path / "parts").mkdir()
    for i in range(4):
        frame.iloc[i::4].to_csv(tmp_path / "parts" / f"{i}.csv", index=False)
    assert profile(tmp_path / "x.csv.gz").to_bytes() == profile(tmp_path / "parts").to_bytes()


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_more_columns_than_any_table_has_are_refused_before_they_are_decoded(tmp_path, ending: str, monkeypatch):
    monkeypatch.setattr(files, "MOST_COLUMNS", 300)
    path = tmp_path / f"wide.{ending}"
    wide = pd.DataFrame(np.ones((1, 301)), columns=[f"c{i}" for i in range(301)])
    wide.to_parquet(path) if ending == "parquet" else wide.to_csv(path, index=False)
    for data in (str(path), wide):
        with pytest.raises(BadInput, match="has more than 300 columns"):
            profile(data)
    assert profile(wide.iloc[:, :300]).rows == 1
