"""What a faster form of a model must prove before it answers, and requests held against a model's columns."""

import os
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, OneHotEncoder, StandardScaler

from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.records import ModelVersion
from jupyter_mlops.serving.compiled import AsItIs, hasten, prepare, wake
from jupyter_mlops.serving.requests import read
from jupyter_mlops.serving.schema import Schema
from jupyter_mlops.store import LoadedModel, predict

RANDOM = np.random.default_rng(7)
X = pd.DataFrame(RANDOM.normal(3, 50, size=(300, 4)), columns=list("abcd"))
Y = X["a"] * 2 - X["b"] + RANDOM.normal(size=300)


EXAMPLE = X.head(3)


def _loaded(model, example=EXAMPLE, features=None) -> LoadedModel:
    version = ModelVersion(model="m", version=1, run_id="r", digest="d" * 64, created=datetime.now(UTC))
    names = getattr(model, "feature_names_in_", None)
    return LoadedModel(version, model, [str(n) for n in names] if names is not None else features or [], example)


@pytest.mark.parametrize(
    "model",
    [
        LinearRegression(),
        make_pipeline(StandardScaler(), Ridge()),
        make_pipeline(MinMaxScaler(), StandardScaler(with_mean=False), LinearRegression()),
        make_pipeline(MaxAbsScaler(), StandardScaler(with_std=False), Ridge()),
    ],
)
def test_scalers_and_a_linear_model_are_one_dot_product(model):
    ready = prepare(_loaded(model.fit(X, Y)), lambda: X)
    assert ready.proof.way == "linear"
    assert ready.proof.rows == 303
    assert ready.answer(X.to_numpy()) == pytest.approx(model.predict(X), rel=1e-9)


def test_an_answer_without_end_is_refused_by_a_fast_form_too():
    ready = prepare(_loaded(LinearRegression().fit(X, Y)), lambda: X)
    with pytest.raises(BadInput, match="the first is row 1"):
        ready.answer(np.array([[0.0] * 4, [1e308, -1e308, 0, 0]]))


def test_a_model_without_an_example_names_what_it_does_not_take():
    schema = prepare(_loaded(LinearRegression().fit(X, Y), None), lambda: None).schema
    for text, said in (("NaN", "NaN"), ("null", "null"), ("Infinity", "inf"), ("1" * 400, "1111")):
        with pytest.raises(BadInput, match="column 'b', row 1: expected a finite value") as refused:
            schema.values(read(f'{{"instances": [[1, 2, 3, 4], [1, {text}, 3, 4]]}}'.encode(), ""))
        assert said in refused.value.details["got"]
    forest = prepare(_loaded(HistGradientBoostingRegressor(max_iter=2).fit(X, Y), None), lambda: None)
    assert forest.schema.takes_missing


def test_a_logistic_regression_gives_the_probability():
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y > 0)
    ready = prepare(_loaded(model), lambda: None)
    assert ready.proof.way == "linear"
    assert ready.answer(X.to_numpy()) == pytest.approx(model.predict_proba(X)[:, 1], abs=1e-9)


def test_a_form_that_answers_otherwise_is_not_taken(monkeypatch):
    from jupyter_mlops.serving import compiled

    monkeypatch.setattr(compiled, "onnx", lambda *_, **__: "not here")
    model = PoissonRegressor().fit(X / 100, np.abs(Y))
    ready = prepare(_loaded(model, X.head(3) / 100), lambda: None)
    assert ready.proof.way == "as it is"
    assert ready.answer(X.to_numpy() / 100) == pytest.approx(model.predict(X / 100))


def test_a_forest_in_onnx_is_proven_and_its_proof_kept(tmp_path):
    model = RandomForestRegressor(30, random_state=1).fit(X, Y)
    for _ in range(2):
        ready = prepare(_loaded(model), lambda: X, tmp_path)
        assert ready.proof.way == "onnx", ready.proof
        assert ready.proof.difference < 1e-5
        assert ready.answer(X.to_numpy()) == pytest.approx(model.predict(X), rel=1e-4)
    assert len(list(tmp_path.iterdir())) == 2
    far = np.full((1, 4), 1e300)
    with pytest.raises(MlopsError):  # scikit-learn refuses it too: too large for single precision
        ready.answer(far)


def test_a_model_that_gave_way_is_back_without_its_files_and_only_as_it_was_put_aside(tmp_path):
    forest, loads = RandomForestRegressor(10, random_state=1).fit(X, Y), []
    plain = AsItIs(_loaded(forest), Schema(_loaded(forest)), lambda: loads.append(1) or _loaded(forest), tmp_path)
    expected = plain(X.to_numpy())
    plain.let_go()
    assert plain._loaded is None
    assert plain(X.to_numpy()) == pytest.approx(expected)
    assert loads == []
    plain.let_go()
    os.pwrite(plain._shelved._file.fileno(), b"changed", 100)
    assert plain(X.to_numpy()) == pytest.approx(expected)
    assert loads == [1]
    assert list(tmp_path.iterdir()) == []


def test_what_takes_seconds_is_done_later_and_what_slept_is_woken(tmp_path):
    forest = RandomForestRegressor(10, random_state=1).fit(X, Y)
    loads = []

    def reload():
        loads.append(1)
        return _loaded(forest)

    begun = prepare(_loaded(forest), lambda: X, tmp_path, reload=reload, later=True)
    assert begun.pending
    assert begun.answer(X.to_numpy()) == pytest.approx(forest.predict(X))
    done = hasten(begun, lambda: X, tmp_path)
    assert not done.pending
    asleep = done.asleep()
    assert asleep.plain._loaded is None
    for _ in range(2):
        awake = wake(asleep, tmp_path)
        assert awake.answer(X.to_numpy()) == pytest.approx(forest.predict(X), rel=1e-4)
        assert awake.proof == done.proof
    assert len(loads) == (0 if done.proof.way == "onnx" else 1)
    missing = X.head(2).assign(a=np.nan).to_numpy()
    assert awake.answer(missing) == pytest.approx(forest.predict(X.head(2).assign(a=np.nan)))


def test_a_large_form_is_back_as_it_is_and_then_fast_and_its_graph_is_made_by_a_process_of_its_own(
    tmp_path, monkeypatch
):
    from jupyter_mlops.serving import compiled, convert

    monkeypatch.setattr(convert, "SMALL", 0)
    monkeypatch.setattr(convert, "graph_of", lambda *_: pytest.fail("in this process"))
    monkeypatch.setattr(compiled, "AT_ONCE", 0)
    forest = RandomForestRegressor(10, random_state=1).fit(X, Y)
    done = prepare(_loaded(forest), lambda: X, tmp_path, reload=lambda: pytest.fail("its own loader takes long"))
    assert done.proof.way == "onnx", done.proof
    awake = wake(done.asleep(), tmp_path)
    assert awake.pending
    assert awake.answer(X.to_numpy()) == pytest.approx(forest.predict(X))
    again = hasten(awake, lambda: X, tmp_path)
    assert (again.pending, again.proof) == (False, done.proof)
    assert again.plain._loaded is None
    assert not awake.asleep().pending


def test_a_form_that_was_changed_since_it_was_proven_is_not_used_and_made_again(tmp_path, caplog):
    forest = RandomForestRegressor(10, random_state=1).fit(X, Y)
    proven = prepare(_loaded(forest), lambda: X, tmp_path)
    [file] = tmp_path.glob("*.onnx")
    asleep, whole = proven.asleep(), file.read_bytes()
    other = prepare(_loaded(RandomForestRegressor(10, random_state=2).fit(X, -Y)), lambda: X, tmp_path / "other")
    assert other.proof.way == "onnx"
    file.write_bytes(next((tmp_path / "other").glob("*.onnx")).read_bytes())
    awake = wake(asleep, tmp_path)
    assert (awake.pending, "not what was proven" in caplog.text) == (True, True)
    assert awake.answer(X.to_numpy()) == pytest.approx(forest.predict(X))
    assert prepare(_loaded(forest), lambda: X, tmp_path, later=True).pending
    again = hasten(awake, lambda: X, tmp_path)
    assert (again.proof.way, len(file.read_bytes())) == ("onnx", len(whole))
    assert again.answer(X.to_numpy()) == pytest.approx(forest.predict(X), rel=1e-4)


def test_a_model_that_fails_its_own_example_is_not_ready():
    with pytest.raises(BadInput, match="cannot answer"):
        prepare(_loaded(LinearRegression().fit(X, Y), X.head(2).assign(a="word")), lambda: None)


def _asked(model, body: bytes, kind: str = "application/json", **more):
    ready = prepare(_loaded(model, **more), lambda: None)
    return ready.answer(ready.schema.values(read(body, kind)))


def test_missing_values_go_to_models_that_take_them_and_are_named_for_others():
    body = b'{"dataframe_records": [{"a": 1, "b": 2, "c": 3, "d": 4}, {"a": 1, "b": null, "c": 3, "d": NaN}]}'
    assert len(_asked(HistGradientBoostingRegressor(max_iter=5).fit(X, Y), body)) == 2
    with pytest.raises(BadInput, match="column 'b', row 1: expected a number, got null"):
        _asked(LinearRegression().fit(X, Y), body)


def test_columns_of_texts_and_numbers():
    rows = pd.DataFrame({"site": ["north", "south"] * 20, "load": np.arange(40.0), "on": [True, False] * 20})
    model = make_pipeline(make_column_transformer((OneHotEncoder(), ["site"]), remainder="passthrough"), Ridge())
    model.fit(rows, rows["load"] * 2)
    expected = predict(model, rows.head(2), list(rows.columns))
    body = rows.head(2).to_json(orient="split").encode()
    assert _asked(model, b'{"dataframe_split": ' + body + b"}", example=rows.head(2)) == pytest.approx(expected)
    csv = rows.head(2).to_csv(index=False).encode()
    assert _asked(model, csv, "text/csv; charset=utf-8", example=rows.head(2)) == pytest.approx(expected)
    for line, said in [
        (b"north,fast,True", "column 'load', row 1: expected a number, got \"fast\""),
        (b"north,1,perhaps", "column 'on', row 1: expected true or false, got \"perhaps\""),
    ]:
        with pytest.raises(BadInput, match=said):
            _asked(model, csv.splitlines()[0] + b"\nnorth,1,true\n" + line, "text/csv", example=rows.head(2))
    with pytest.raises(BadInput, match="column 'site', row 0: expected a text, got 3"):
        _asked(model, b'{"instances": [[3, 1, true]]}', example=rows.head(2))


def test_a_model_without_a_signature_takes_columns_by_place_or_by_number():
    model = LinearRegression().fit(X.to_numpy(), Y)
    expected = pytest.approx(model.predict([[1, 2, 3, 4]]))
    assert _asked(model, b'{"instances": [[1, 2, 3, 4]]}', example=None) == expected
    assert _asked(model, b'{"dataframe_records": [{"x0": 1, "x3": 4, "x1": 2, "x2": 3}]}', example=None) == expected
    with pytest.raises(BadInput, match="row 0: expected a list of 4 values, got a list of 2 values"):
        _asked(model, b'{"instances": [[1, 2]]}', example=None)
    with pytest.raises(BadInput, match="cannot answer"):
        _asked(model, b'{"instances": [["a", "b", "c", "d"]]}', example=None)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}', "column 'c' is missing, and 1 more"),
        (b'{"dataframe_split": {"columns": ["a", "a", "c", "d"], "data": [[1, 2, 3, 4]]}}', "'a' is there twice"),
        (b'{"dataframe_split": {"columns": ["a", "b", "c", "d"], "data": [[1, 2, 3, 4], [1, 2]]}}', "row 1: expected"),
        (b'{"dataframe_split": {"columns": ["a", "b", "c", "d"]}}', "no list of rows"),
        (b'{"dataframe_split": {"columns": "abcd", "data": [[1, 2, 3, 4]]}}', "not a list of names"),
        (b'{"dataframe_split": 7}', "no list of rows"),
        (
            b'{"dataframe_records": [{"a": 1, "b": 2, "c": 3, "id": 4}]}',
            "rename 'id' to 'd', or send the columns",
        ),
        (b'{"dataframe_records": [{"a": 1, "b": 2, "c": 3, "d": 4}, {"a": 1}]}', "column 'b' is missing in row 1"),
        (b'{"dataframe_records": [7]}', "row 0: expected an object of columns, got 7"),
        (b'{"dataframe_records": {"a": 1}}', "expected a list of rows"),
        (b'{"dataframe_records": []}', "no rows"),
        (b'{"instances": [[1, 2, 3, "4"]]}', "column 'd', row 0: expected a number, got \"4\""),
        (b'{"instances": [[1, 2, 3, true]]}', "column 'd', row 0: expected a number, got true"),
        (b'{"instances": [[1, 2, 3, [4]]]}', "column 'd', row 0: expected a number"),
        (b'{"instances": [[1, 2, 3, 1e999]]}', "column 'd', row 0: expected a finite number, got inf"),
        (b'{"instances": [[1, 2, 3, 1' + b"0" * 400 + b"]]}", "column 'd', row 0: expected a number below 1e308"),
        (b'{"instances": [[1, 2, 3, 1' + b"0" * 5000 + b"]]}", "not valid JSON"),
        (b'{"instances": [[1, 2, 3, NaN]]}', "column 'd', row 0: expected a finite number, got NaN"),
        (b'{"instances": [[1, 1' + b"0" * 5000 + b"]]}", "a number has thousands of digits"),
        (b'{"instances": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"inputs": {"a": [1], "b": [1, 2], "c": [1], "d": [1]}}', "column 'b' has 2 values, column 'a' has 1"),
        (b'{"inputs": {"a": 1}}', "column 'a': expected a list"),
        (b'{"instances": [[1]], "inputs": [[1]]}', "more than one form: instances, inputs"),
        (b"[" * 100_000, "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"", "not valid JSON"),
        (b"null", "none of the known forms"),
    ],
)
def test_what_cannot_be_a_request_is_named(body, said):
    with pytest.raises(BadInput) as caught:
        _asked(LinearRegression().fit(X, Y), body)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no rows"),
        (b"a,b,c,d\n", "no rows"),
        (b"a,b,c,d\n1,2,3\n", "row 0: expected a list of 4 values"),
        (b"a,b,c,d\n1,2,3,x\n", "column 'd', row 0: expected a number"),
        (b"a,b,c,d\n1,2,3,inf\n", "column 'd', row 0: expected a number, got inf"),
        (b'a,b,c,d\n1,2,3,"4\n', "not valid CSV"),
        (b"a,b,c,d\n1,2,3,\xff\n", "not valid CSV"),
    ],
)
def test_what_cannot_be_a_csv_is_named(body, said):
    with pytest.raises(BadInput) as caught:
        _asked(LinearRegression().fit(X, Y), body, "text/csv")
    assert said in str(caught.value)


def test_other_content_types_are_refused():
    with pytest.raises(BadInput) as caught:
        read(b"{}", "multipart/form-data")
    assert caught.value.http_status == 415
