"""Whatever a person's data is held in, the profile is the same, and parts may be counted anywhere and merged in any order."""

import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring import profile

N = 900


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "a": random.normal(size=N),
            "b": random.choice(list("xyz"), N),
            "t": pd.date_range("2026-01-01", periods=N, freq="min"),
            "q": random.integers(0, 9, N),
        }
    )


class Streams:
    """Speaks Arrow's C stream and nothing else, as polars' frames and DuckDB's relations do."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class Interchanges:
    """Speaks the data frame interchange protocol and nothing else."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __dataframe__(self, *args: object, **how: object) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas means to leave it to others
            return self._frame.__dataframe__(*args, **how)


FORMS = {
    "table": lambda f, path: pa.table(f),
    "batch": lambda f, path: pa.table(f).to_batches()[0],
    "batches": lambda f, path: pa.table(f).to_batches(max_chunksize=70),
    "generator of frames": lambda f, path: (f.iloc[i : i + 100] for i in range(0, N, 100)),
    "reader": lambda f, path: pa.table(f).to_reader(max_chunksize=50),
    "stream": lambda f, path: Streams(pa.table(f)),
    "interchange": lambda f, path: Interchanges(f),
    "data set": lambda f, path: ds.dataset(path / "whole.parquet"),
    "scanner": lambda f, path: ds.dataset(path / "whole.parquet").scanner(),
    "open file": lambda f, path: pq.ParquetFile(path / "whole.parquet"),
    "columns": lambda f, path: {name: f[name].to_numpy() for name in f},
    "rows": lambda f, path: f.to_dict("records"),
    "record array": lambda f, path: f.to_records(index=False),
    "nullable": lambda f, path: f.convert_dtypes(),
    "arrow-backed": lambda f, path: f.convert_dtypes(dtype_backend="pyarrow"),
    "glob": lambda f, path: path / "parts" / "*.parquet",
    "folder with marks": lambda f, path: path / "parts",
    "paths": lambda f, path: sorted((path / "parts").glob("*.parquet")),
    "file URL": lambda f, path: f"file://{path / 'parts'}",
    "zipped CSV": lambda f, path: f"zip://whole.parquet::{path / 'whole.zip'}",
    "memory URL": lambda f, path: _in_memory(path),
}


def _in_memory(path) -> str:
    with fsspec.open("memory://inputs/whole.parquet", "wb") as handle:
        handle.write((path / "whole.parquet").read_bytes())
    return "memory://inputs"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, frame):
    path = tmp_path_factory.mktemp("inputs")
    frame.to_parquet(path / "whole.parquet")
    with ZipFile(path / "whole.zip", "w") as archive:
        archive.write(path / "whole.parquet", "whole.parquet")
    (path / "parts").mkdir()
    (path / "parts" / "_SUCCESS").touch()
    for i in range(3):
        frame.iloc[i::3].to_parquet(path / "parts" / f"{i}.parquet")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_same_profile(form: str, frame, folder):
    assert profile(FORMS[form](frame, folder)).to_bytes() == profile(frame).to_bytes()


@pytest.fixture
def web(folder: Path) -> Iterator[str]:
    """A web server that knows no ranges."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_web_is_read_even_where_it_gives_no_pieces(frame, web: str):
    assert profile(f"{web}/whole.parquet").to_bytes() == profile(frame).to_bytes()
    with pytest.raises(BadInput, match="nothing to be read"):
        profile(f"{web}/nowhere.parquet")


def test_any_executor_gives_the_same_profile(frame, folder):
    for kind in (ThreadPoolExecutor, ProcessPoolExecutor):
        with kind(2) as executor:
            assert profile(folder / "parts", executor=executor).to_bytes() == profile(frame).to_bytes()
    with ThreadPoolExecutor(2) as executor:
        halves = [frame.iloc[:400], frame.iloc[400:]]
        assert profile(halves, executor=executor).to_bytes() == profile(frame).to_bytes()


def test_folders_that_name_a_column_give_that_column(tmp_path, frame):
    pq.write_to_dataset(pa.table(frame), tmp_path / "hive", partition_cols=["b", "q"])
    found, whole = profile(tmp_path / "hive"), profile(frame)
    assert found.columns["b"].categories == whole.columns["b"].categories
    assert found.columns["q"].buckets.counts.tolist() == whole.columns["q"].buckets.counts.tolist()


def test_text_that_is_not_utf8_is_read_and_said(tmp_path):
    (tmp_path / "x.csv").write_bytes("a,b\n1,é\n2,ü\n".encode("latin-1"))
    found = profile(tmp_path / "x.csv")
    assert set(found.columns["b"].categories.named) == {"é", "ü"}
    assert "column b is not in UTF-8" in found.lost[0]
    (tmp_path / "y.csv").write_bytes("a,b\n1,2\n".encode("utf-16"))
    with pytest.raises(BadInput, match="UTF-16"):
        profile(tmp_path / "y.csv")


@pytest.mark.parametrize(
    "data", [["nowhere.csv"], "nowhere/*.csv", "foo://bar/x.csv", "memory://nowhere", [3], object()]
)
def test_what_is_no_data_is_refused(data):
    with pytest.raises(BadInput):
        profile(data)


def test_many_categories_merge_the_same_in_any_order():
    random = np.random.default_rng(3)
    parts = [profile(pd.DataFrame({"x": [f"k{i}" for i in random.zipf(1.2, 60_000) % 900_000]})) for _ in range(3)]
    a, b, c = parts
    left, right = a.merge(b).merge(c), a.merge(b.merge(c))
    assert left.columns["x"].categories.named == right.columns["x"].categories.named
    assert left.to_bytes() == right.to_bytes() == c.merge(a).merge(b).to_bytes()
    assert left.columns["x"].categories.named["k1"] == sum(p.columns["x"].categories.named["k1"] for p in parts)
