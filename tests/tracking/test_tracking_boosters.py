"""Models beyond scikit-learn's: XGBoost's and LightGBM's, by their estimators and by their own training functions."""

import mlflow.sklearn
import numpy as np
import pytest
from mlflow.models.model import Model

from jupyter_mlops.project import Project
from jupyter_mlops.store import open_store
from jupyter_mlops.tracking import journal, ship

SETUP = """
import numpy as np, pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
rows = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=list("abc"))
y = (rows.a + rows.b > 0).astype(int)
learn, test, y_learn, y_test = train_test_split(rows, y, random_state=0)
"""
CELLS = {
    "xgboost": """%%track xgboost
import xgboost
a, b = xgboost.DMatrix(learn, y_learn), xgboost.DMatrix(test, y_test)
booster = xgboost.train({"objective": "binary:logistic", "eta": 0.3}, a, num_boost_round=3)
auc = roc_auc_score(y_test, booster.predict(b))""",
    "lightgbm": """%%track lightgbm
import lightgbm
booster = lightgbm.train({"objective": "binary", "verbose": -1}, train_set=lightgbm.Dataset(learn, y_learn))
auc = roc_auc_score(y_test, booster.predict(test))""",
    "estimators": """%%track estimators
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
model = make_pipeline(StandardScaler(), lightgbm.LGBMClassifier(n_estimators=3, verbose=-1)).fit(learn, y_learn)
auc = roc_auc_score(y_test, model.predict_proba(test)[:, 1])""",
    "estimator": """%%track estimator
model = xgboost.XGBClassifier(n_estimators=3).fit(learn, y_learn)
accuracy = model.score(test, y_test)""",
}


@pytest.fixture
def shell(interactive):
    interactive.run_cell(SETUP, store_history=True)
    return interactive


def test_boosters_go_by_their_own_flavours_and_answer_as_before(project: Project, shell):
    for cell in CELLS.values():
        assert shell.run_cell(cell, store_history=True).success
    names = shell.user_ns
    ends = [journal.read(folder).end for folder in journal.waiting(project.home)]
    assert [end["warnings"] for end in ends] == [[]] * 4
    assert [(d["context"], d["rows"]) for d in ends[1]["datasets"]] == [("training", 150), ("evaluation", 50)]
    assert ends[0]["parameters"]["eta"] == "0.3"
    assert ship(project).count == 4
    store = open_store(project)
    runs = {run.name: run for run in store.runs()}
    uris = {name: store.model_uri(run.run_id) for name, run in runs.items()}
    flavours = {name: store.client.get_logged_model(uri.removeprefix("models:/")) for name, uri in uris.items()}
    assert flavours.keys() == CELLS.keys()
    read = {name: store.read_model(uri)[0] for name, uri in uris.items()}
    files = {name: {f.name for f in store.model_files(uri).iterdir()} for name, uri in uris.items()}
    assert "model.ubj" in files["xgboost"] & files["estimator"]
    assert "model.lgb" in files["lightgbm"]
    np.testing.assert_allclose(read["xgboost"].predict(names["test"]).shape, (50,))
    np.testing.assert_array_equal(read["lightgbm"].predict(names["test"]), names["booster"].predict(names["test"]))
    asked = read["estimators"].predict_proba(names["test"])
    assert runs["estimators"].metrics["auc"] == pytest.approx(_auc(names["y_test"], asked[:, 1]))
    assert read["estimator"].score(names["test"], names["y_test"]) == runs["estimator"].metrics["accuracy"]


def _auc(truth, scores) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores))


def test_their_training_functions_are_as_before_afterwards(shell):
    import lightgbm
    import xgboost

    before = (xgboost.train, xgboost.Booster.predict, lightgbm.train, lightgbm.Booster.predict)
    shell.run_cell(CELLS["xgboost"], store_history=True)
    shell.run_cell(CELLS["lightgbm"], store_history=True)
    assert before == (xgboost.train, xgboost.Booster.predict, lightgbm.train, lightgbm.Booster.predict)


def test_a_class_of_ones_own_is_pickled_only_when_asked(project: Project, shell):
    own = "from sklearn.linear_model import LogisticRegression\nclass Own(LogisticRegression): pass\n"
    shell.run_cell(f"%%track kept\n{own}model = Own().fit(learn, y_learn)", store_history=True)
    shell.run_cell(f"%%track --pickle pickled\n{own}model = Own().fit(learn, y_learn)", store_history=True)
    kept, pickled = list(journal.waiting(project.home))
    assert not (kept / journal.MODEL).exists()
    assert not (kept / journal.PICKLE).exists()
    assert "--pickle" in journal.read(kept).end["warnings"][0]
    assert journal.read(pickled).end["warnings"] == []
    assert ship(project).count == 2
    store = open_store(project)
    [uri] = filter(None, (store.model_uri(run.run_id) for run in store.runs()))
    assert store.running(uri) == ["pickle"]
    files = store.model_files(uri)
    made = Model.load(str(files))
    assert (made.signature.inputs.input_names(), made.model_id) == (
        list(shell.user_ns["learn"].columns),
        uri.rpartition("/")[2],
    )
    np.testing.assert_array_equal(
        mlflow.sklearn.load_model(str(files)).predict(shell.user_ns["test"]),
        shell.user_ns["model"].predict(shell.user_ns["test"]),
    )


@pytest.mark.parametrize("rows", ["scipy.sparse.csr_matrix(learn)", "learn.to_numpy()", "learn.to_numpy().tolist()"])
def test_rows_of_any_common_form_are_described(project: Project, shell, rows: str):
    cell = f"import scipy.sparse\nfrom sklearn.linear_model import Ridge\nX = {rows}\nmodel = Ridge().fit(X, y_learn)"
    shell.run_cell(f"%%track\n{cell}", store_history=True)
    [folder] = journal.waiting(project.home)
    end = journal.read(folder).end
    assert end["warnings"] == []
    assert [(d["name"], d["rows"], d["columns"]) for d in end["datasets"]] == [("X", 150, 3)]
    assert ship(project).count == 1


def test_pipelines_and_searches_are_scored_on_the_rows_they_were_given(project: Project, shell):
    cell = (
        "from sklearn.linear_model import Ridge\nfrom sklearn.pipeline import make_pipeline\n"
        "from sklearn.model_selection import GridSearchCV\nfrom sklearn.preprocessing import StandardScaler\n"
        "pipe = make_pipeline(StandardScaler(), Ridge()).fit(learn, y_learn)\nr2_pipe = pipe.score(test, y_test)\n"
        "search = GridSearchCV(pipe, {'ridge__alpha': [1.0, 2.0]}, cv=2).fit(learn, y_learn)\n"
        "r2_search = search.score(test, y_test)"
    )
    shell.run_cell(f"%%track\n{cell}", store_history=True)
    [folder] = journal.waiting(project.home)
    end = journal.read(folder).end
    assert {(d["context"], d["name"]) for d in end["datasets"]} == {("training", "learn"), ("evaluation", "test")}
    assert end["metrics"].keys() == {"r2_pipe", "r2_search", "best_cv_score"}
