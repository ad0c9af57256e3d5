"""The parameters cell is a schema: what it says is found, what does not fit is refused, what fits arrives as given."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from made import notebook

from jupyter_mlops.cli import main
from jupyter_mlops.errors import BadInput
from jupyter_mlops.jobs import Matrix, Parameter, check, read_file, read_words, schema
from jupyter_mlops.jobs.injecting import written
from jupyter_mlops.jobs.values import plain_data


def declare(folder: Path, line: str) -> Parameter:
    declared = schema(notebook(folder, parameters=line))
    return declared[next(iter(declared))]


@pytest.mark.parametrize(
    ("line", "kind", "default", "limits"),
    [
        ("n = 3", "int", 3, ""),
        ("n: int = 3", "int", 3, ""),
        ("rate = -1e-3", "float", -1e-3, ""),
        ("seconds = 60 * 15", "int", 900, ""),
        ("flag = True", "bool", True, ""),
        ('name = "a"', "str", "a", ""),
        ("items: list[int] = [1]", "list[int]", [1], ""),
        ("m: dict[str, float] = {}", "dict[str, float]", {}, ""),
        ("shape = (1, 2)", "tuple", (1, 2), ""),
        ("since = date(2024, 1, 31)", "date", date(2024, 1, 31), ""),
        ('since = datetime.datetime.fromisoformat("2024-01-31T10:00")', "datetime", datetime(2024, 1, 31, 10), ""),
        ('mode: Literal["x", "y"] = "x"', "'x' | 'y'", "x", ""),
        ('mode: typing.Optional[Literal["x"]] = None', "'x'", None, ""),
        ("n: int | str = 3", "int | str", 3, ""),
        ("n: Annotated[int, Field(ge=1, lt=10)] = 3", "int", 3, "1 <= x < 10"),
        ("n: Annotated[int, Ge(1), Le(10)] = 3", "int", 3, "1 <= x <= 10"),
        ("n: Annotated[float, Interval(gt=0)] = 3", "float", 3, "0 < x"),
        ("n: Annotated[int, range(1, 11)] = 3", "int", 3, "1 <= x < 11"),
        ("n: Annotated[int, (1, 10)] = 3", "int", 3, "1 <= x <= 10"),
        ("n: conint(ge=1) = 3", "int", 3, "1 <= x"),
        ("rate = 0.5  # 0 < rate <= 1, the step", "float", 0.5, "0 < x <= 1"),
        ("rate = 0.5  # in [0, 1)", "float", 0.5, "0 <= x < 1"),
        ("n = 3  # 1..10", "int", 3, "1 <= x <= 10"),
        ("n = 3  # between 1 and 10", "int", 3, "1 <= x <= 10"),
        ("n = 3  # range: 1-10", "int", 3, "1 <= x <= 10"),
        ("n = 3  # >= 1", "int", 3, "1 <= x"),
        ("n = 3  # at least 1", "int", 3, "1 <= x"),
        ("n = 3  # more than 5 were tried in [5, 9]", "int", 3, ""),  # the default says it is no rule
        ("n = 3  # as in section 4.2", "int", 3, ""),
        ('mode = "x"  # one of: x, y', "'x' | 'y'", "x", ""),
        ('mode = "x"  # x | y | z', "'x' | 'y' | 'z'", "x", ""),
        ("k = None  # type: int", "int", None, ""),
        ("frame = pd.DataFrame()", "anything", None, ""),
    ],
)
def test_what_a_line_says(tmp_path: Path, line: str, kind: str, default: Any, limits: str):
    parameter = declare(tmp_path, line)
    assert (str(parameter.kind), parameter.default, parameter.kind.range) == (kind, default, limits)


def test_names_of_every_form_of_assignment(tmp_path: Path):
    cell = "%matplotlib inline\na = b = 1\nc, d = 1, 'x'\ne: int\nif a:\n    f = 1\nimport os"
    declared = schema(notebook(tmp_path, parameters=cell))
    assert {n: str(p.kind) for n, p in declared.items()} == {"a": "int", "b": "int", "c": "int", "d": "str", "e": "int"}
    with pytest.raises(BadInput, match="needs a value for e"):
        check(declared, {"a": 2}, "job")


@pytest.mark.parametrize(
    ("line", "value", "said"),
    [
        ("n = 3", "7", "is str, not int"),
        ("n = 3", 7.0, "is float, not int"),
        ("n = 3", True, "is bool, not int"),
        ("n = 3", None, "is NoneType, not int"),
        ("n: Annotated[int, Field(ge=1, lt=10)] = 3", 10, r"out of range: 1 <= x < 10"),
        ("rate = 0.5  # 0 < rate <= 1", 0, "out of range"),
        ("items: list[int] = []", [1, "b"], "holds 'b', which is str, not int"),
        ('modes: list[Literal["x", "y"]] = []', ["z"], "not a choice"),
        ("m: dict[str, float] = {}", {"a": "b"}, "is str, not float"),
        ('mode: Literal["x", 1] = "x"', True, "not a choice"),
        ("since = date(2024, 1, 31)", "31.1.2024", "is str, not date"),
        ("since = date(2024, 1, 31)", datetime(2024, 1, 1), "is datetime, not date"),
        ('name: Annotated[str, Field(pattern="^[a-z]+$")] = "a"', "A", "does not match"),
        ("n: int | None = 3", "x", "is str, not int"),
        ("a = None", float("inf"), "not plain data"),
        ("a = None", {1, 2}, "not plain data"),
        ("a = None", b"x", "not plain data"),
        pytest.param("a = None", chr(0xD800), "half a character", id="half"),
        pytest.param("a = None", 10**5000, "digits", id="digits"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, line: str, value: Any, said: str):
    parameter = declare(tmp_path, line)
    with pytest.raises(BadInput, match=said):
        check({parameter.name: parameter}, {parameter.name: value}, "job")


def test_the_nearest_right_name_is_given(tmp_path: Path):
    with pytest.raises(BadInput, match="unknown parameter of job: 'alfa'") as refusal:
        check(schema(notebook(tmp_path, parameters="alpha = 0.5")), {"alfa": 0.7}, "job")
    assert refusal.value.fix == "did you mean 'alpha'?"


@pytest.mark.parametrize(
    ("line", "value", "arrives"),
    [
        ("since = date(2024, 1, 31)", "2025-02-01", date(2025, 2, 1)),
        ("since = '2024-01-31'", date(2025, 2, 1), "2025-02-01"),
        ("shape = (1, 2)", [3, 4], (3, 4)),
        ("a = None", np.float64(0.5), 0.5),
        ("a = None", Path("x/y"), "x/y"),
        ("n: int | None = 3", None, None),
    ],
)
def test_what_stands_for_something_arrives_as_it(tmp_path: Path, line: str, value: Any, arrives: Any):
    parameter = declare(tmp_path, line)
    assert check({parameter.name: parameter}, {parameter.name: value}, "job") == {parameter.name: arrives}


@pytest.mark.parametrize(
    ("line", "word", "value"),
    [
        ("x = 'a'", "0123", "0123"),
        ("x = 'a'", "no", "no"),
        ("x = 'a'", "1.10", "1.10"),
        ("x = 'a'", "2024-01-31", "2024-01-31"),
        ("x = 'a'", "null", "null"),
        ("x = 'a'", '"quoted"', '"quoted"'),
        ("x = 'a'", "a: {b", "a: {b"),
        ("x = 'a'", "__import__('os')", "__import__('os')"),
        ("x = 'a'", "", ""),
        ("x = 'a'", "a=b", "a=b"),
        ("x: str | None = 'a'", "null", None),
        ("x = 1", "12", 12),
        ("x = 1.0", "1e-3", 1e-3),
        ("x = True", "false", False),
        ("x: int | str = 1", "12", 12),
        ("x: int | str = 1", "twelve", "twelve"),
        ("x = []", "[1, a, {b: null}]", [1, "a", {"b": None}]),
        ("x = None", "12:30:00", "12:30:00"),
        ("x = None", "2024-01-31", "2024-01-31"),
        ("x = None", "yes", "yes"),
        ('x: Literal["1", "2"] = "1"', "2", "2"),
        ("x: Literal[1, 2] = 1", "2", 2),
    ],
)
def test_a_word_is_read_as_the_notebook_declares_it(tmp_path: Path, line: str, word: str, value: Any):
    found = read_words([f"x={word}"], {"x": declare(tmp_path, line)}, "job")["x"]
    assert (found, type(found)) == (value, type(value))


def test_files_are_read_as_they_are(tmp_path: Path):
    (tmp_path / "p.yaml").write_text("a: no\nb: 2024-01-31\nc: {d: [1, ~, 'ü']}\ne: 1e3\nf: 0o17\n", encoding="utf-8")
    (tmp_path / "p.json").write_text(json.dumps({"a": None, "b": {"c": ["\u2028", 1.5]}}))
    assert read_file(tmp_path / "p.yaml") == {
        "a": "no", "b": "2024-01-31", "c": {"d": [1, None, "ü"]}, "e": 1000.0, "f": "0o17"
    }  # fmt: skip
    assert read_file(tmp_path / "p.json") == {"a": None, "b": {"c": ["\u2028", 1.5]}}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.yaml", "a: 1\na: 2\n", "stands twice"),
        ("p.json", '{"a": 1, "a": 2}', "stands twice"),
        ("p.yaml", "- 1\n", "no mapping"),
        ("p.yaml", "a: !!python/object/apply:os.system ['touch hacked']\n", "cannot be read"),
        ("p.json", "{", "cannot be read"),
        ("p.yaml", "a: [\n", "cannot be read"),
    ],
)
def test_files_that_cannot_be_meant_are_refused(tmp_path: Path, name: str, text: str, said: str):
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=said):
        read_file(tmp_path / name)
    assert not (tmp_path / "hacked").exists()


def test_a_few_lines_that_stand_for_billions_are_refused(tmp_path: Path):
    (tmp_path / "p.yaml").write_text(
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{n}: &{n} [{','.join(['*' + m] * 10)}]\n" for m, n in zip("abcdefgh", "bcdefghi", strict=True))
    )
    with pytest.raises(BadInput, match="more than a million"):
        plain_data("i", read_file(tmp_path / "p.yaml")["i"])


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.dates()
    | st.datetimes(timezones=st.sampled_from([None, UTC])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@drawn(DATA)
def test_what_is_written_is_the_value_on_one_line(value: Any):
    text = written(plain_data("x", value))
    assert len(text.splitlines()) == 1
    assert eval(text) == value


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["n=1,1"], "holds 1 twice"),
        (["n="], "no values"),
        (["n=1,2", "n=3"], "given twice"),
        (["m=1"], "unknown parameter"),
        (["n"], "not NAME=VALUE"),
    ],
)
def test_a_matrix_that_cannot_be_meant_is_refused(tmp_path: Path, words: list[str], said: str):
    declared = schema(notebook(tmp_path, parameters="n = 1\ns = 'a'"))
    with pytest.raises(BadInput, match=said):
        Matrix(words, declared, "job")


def test_a_matrix_is_counted_before_it_is_made(tmp_path: Path):
    declared = schema(notebook(tmp_path, parameters="\n".join(f"n{i} = 1" for i in range(12))))
    matrix = Matrix([f"n{i}=" + ",".join(map(str, range(100))) for i in range(12)], declared, "job")
    assert matrix.count == 10**24


def _cli(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    status = main([*words, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_the_command_lists_refuses_and_plans(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = str(notebook(tmp_path, parameters="n = 3  # 1..10, how many\nname = 'a'"))
    status, listed = _cli(capsys, "run", path, "--parameters", "--project", str(tmp_path))
    assert status == 0
    assert [(p["name"], p["type"], p["default"], p["maximum"]) for p in listed["data"]] == [
        ("n", "int", 3, 10), ("name", "str", "a", None)
    ]  # fmt: skip
    for words, said in (
        (["-p", "nn=3"], "did you mean 'n'"),
        (["-p", "n=11"], "1 <= x <= 10"),
        (["--matrix", "n=1,11"], "1 <= x <= 10"),
        (["-p", "n=1", "--matrix", "n=1,2"], "one place"),
        (["-p", "n=1", "-p", "n=2"], "--matrix"),
        (["--matrix", "name=" + ",".join(map(str, range(1_001)))], "only with --yes"),
        (["--workers", "0"], "digits"),
        (["--timeout", "0s"], "10m"),
        (["--memory", "lots"], "4g"),
    ):
        status, refused = _cli(capsys, "run", path, *words, "--dry-run", "--project", str(tmp_path))
        assert (status, said in refused["error"]["message"] + refused["error"]["fix"]) == (2, True), refused
    status, planned = _cli(
        capsys, "run", path, "-p", "name=b,c", "--matrix", "n=1,2", "--dry-run", "--project", str(tmp_path)
    )
    assert [job["parameters"] for job in planned["data"]] == [{"name": "b,c", "n": 1}, {"name": "b,c", "n": 2}]
    assert not (tmp_path / ".mlops").exists()
