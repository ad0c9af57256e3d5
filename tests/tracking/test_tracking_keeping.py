"""The models that people fit most are kept without pickle, and answer as before when they are read."""

import json
import sys
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.cluster import BisectingKMeans, KMeans
from sklearn.ensemble import RandomForestRegressor, StackingClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators
from skops.io import dump, load

from jupyter_mlops.store.trusted import TRUSTED
from jupyter_mlops.tracking import journal
from jupyter_mlops.tracking.keeping import keep_model
from jupyter_mlops.tracking.writing import is_public, write

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
FOREST = RandomForestRegressor(3, random_state=0)


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


def test_what_is_public_is_what_scikit_learn_lists():
    """So that a model of plain estimators is known to be trusted without asking skops, which takes a second to import."""
    listed = {f"{kind.__module__}.{kind.__name__}" for _, kind in all_estimators()}
    met, waiting = set(), [BaseEstimator]
    while waiting:
        kind = waiting.pop()
        if f"{kind.__module__}.{kind.__name__}" not in met:
            met.add(f"{kind.__module__}.{kind.__name__}")
            waiting += kind.__subclasses__()
    assert {name for name in met if is_public(name)} == {name for name in listed if name.startswith("sklearn.")}


@pytest.mark.parametrize("model", [LogisticRegression(), make_pipeline(StandardScaler(), Ridge()), FOREST, KMeans(2)])
def test_a_plain_model_is_kept_without_asking_skops(tmp_path: Path, model, monkeypatch: pytest.MonkeyPatch):
    rows = pd.DataFrame(np.abs(np.random.default_rng(0).normal(size=(60, 4))), columns=list("abcd"))
    model.fit(rows, (rows.a > 0.7).astype(int))
    write(tmp_path / "ours", model)
    dump(model, tmp_path / "theirs")
    assert _said(tmp_path / "ours") == _said(tmp_path / "theirs")
    for name in [name for name in sys.modules if name.startswith("skops.io")]:
        monkeypatch.setitem(sys.modules, name, None)
    assert keep_model(tmp_path, model, rows) == ""
    assert pd.read_feather(tmp_path / journal.EXAMPLE).equals(rows.head())
