"""The models that people fit most are kept without pickle, and answer as before when they are read."""

import json
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from sklearn.cluster import BisectingKMeans
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from skops.io import dump, load

from jupyter_mlops.store.trusted import TRUSTED
from jupyter_mlops.tracking import journal
from jupyter_mlops.tracking.keeping import keep_model
from jupyter_mlops.tracking.writing import write

PAIR = [("a", LogisticRegression()), ("b", DecisionTreeClassifier(random_state=0))]
MODELS = [
    KNeighborsClassifier(metric="minkowski", p=3, algorithm="kd_tree"),
    KNeighborsClassifier(metric="manhattan", algorithm="ball_tree"),
    make_pipeline(SelectKBest(chi2, k=2), Ridge()),
    GaussianProcessRegressor(Matern() + WhiteKernel()),
    BisectingKMeans(random_state=0),
    VotingClassifier(PAIR),
    StackingClassifier(PAIR),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_it_is_kept_and_answers_as_before(tmp_path: Path, model):
    rows = np.abs(np.random.default_rng(0).normal(size=(60, 4)))
    model.fit(rows, (rows[:, 0] > 0.7).astype(int))
    assert keep_model(tmp_path, model, rows) == ""
    again = load(tmp_path / journal.MODEL, trusted=list(TRUSTED))
    assert np.array_equal(again.predict(rows), model.predict(rows))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_the_file_says_what_skops_would_have_written(tmp_path: Path, model):
    rows = np.abs(np.random.default_rng(0).normal(size=(60, 4)))
    model.fit(rows, (rows[:, 0] > 0.7).astype(int))
    types = write(tmp_path / "ours", model)
    dump(model, tmp_path / "theirs")
    assert _said(tmp_path / "ours") == _said(tmp_path / "theirs")
    assert f"{type(model).__module__}.{type(model).__name__}" in types


def _said(file: Path) -> Any:
    """The schema, with the arrays in the place of the names of their files, and without what an object is numbered."""
    with ZipFile(file) as archive:
        assert archive.testzip() is None
        held = {name: archive.read(name) for name in archive.namelist()}

    def plain(node: Any) -> Any:
        if isinstance(node, dict):
            kept = {key: plain(value) for key, value in node.items() if key not in ("__id__", "file")}
            return kept | ({"array": np.load(BytesIO(held[node["file"]])).tobytes()} if "file" in node else {})
        return [plain(one) for one in node] if isinstance(node, list) else node

    return plain(json.loads(held["schema.json"]))


def test_a_distance_that_calls_what_it_is_given_is_not_kept(tmp_path: Path):
    rows = np.random.default_rng(0).normal(size=(30, 2))
    model = KNeighborsClassifier(metric=lambda a, b: float(abs(a - b).sum()), algorithm="ball_tree")
    assert keep_model(tmp_path, model.fit(rows, rows[:, 0] > 0), rows)


def test_every_type_that_is_trusted_exists():
    names = [name.rpartition(".") for name in TRUSTED if name.startswith("sklearn.")]
    assert [name for module, _, name in names if not hasattr(import_module(module), name)] == []
