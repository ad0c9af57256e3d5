"""Rules learned from a reference are kept by it, can be edited, name what breaks them, and are taken by other tools."""

import ast
import json

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.cli import main
from jupyter_mlops.errors import BadInput
from jupyter_mlops.monitoring import Constraints, as_great_expectations, as_pandera, learned, profile, violated

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "t": RANDOM.normal(20, 2, 900),
        "kind": RANDOM.choice(["a", "b"], 900),
        "gap": np.where(RANDOM.random(900) < 0.2, np.nan, 1.0),
        "at": pd.date_range("2026-01-01", periods=900, freq="h"),
        "free": [f"note {i}" for i in range(900)],
    }
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"t": 1e6}, "column t goes up to 1e+06"),
        ({"t": -1e6}, "column t goes down to -1e+06"),
        ({"t": "warm"}, "column t is stored as string, not as double"),
        ({"kind": "c"}, "column kind holds 'c'"),
        ({"gap": np.nan}, "column gap is missing in 100.0% of the rows"),
        ({"t": np.nan}, "column t is missing in 100.0% of the rows, more than 0.0%"),
    ],
)
def test_each_broken_rule_is_named(change: dict[str, object], said: str):
    rules = learned(profile(FRAME))
    assert violated(rules, profile(FRAME)) == []
    [sentence] = violated(rules, profile(FRAME.assign(**change)))
    assert sentence.startswith(said)
    assert violated(rules, profile(FRAME.drop(columns="at"))) == ["column at is not there"]


def test_rules_are_learned_edited_and_checked_on_the_command_line(tmp_path, capsys):
    FRAME.to_parquet(tmp_path / "x.parquet")
    FRAME.assign(t=FRAME["t"] + 4).to_parquet(tmp_path / "warm.parquet")
    words = ["profile", str(tmp_path / "x.parquet"), "--json"]
    rules = tmp_path / "rules.yaml"
    assert main([*words, "--constraints", str(rules)]) == 0
    edited = Constraints.load(rules)
    edited.columns["t"] = edited.columns["t"].model_copy(update={"max": 28.0})
    edited.save(rules)
    capsys.readouterr()
    assert main(["profile", str(tmp_path / "warm.parquet"), "--json", "--check", str(rules)]) == 1
    assert "above 28" in json.loads(capsys.readouterr().out)["data"]["violated"][0]
    rules.write_text("columns: {t: {least: 3}}")
    assert main([*words, "--check", str(rules)]) == 2
    assert "columns.t.least" in capsys.readouterr().out
    assert main([*words, "--check", str(tmp_path / "none.yaml")]) == 2
    assert main([*words, "--constraints", str(tmp_path / "none" / "x.yaml")]) == 2
    assert main([*words, "--constraints", str(tmp_path / "s.py"), "--as", "pandera"]) == 0
    assert "schema" in (tmp_path / "s.py").read_text()


def test_other_tools_are_given_the_same_rules():
    rules = learned(profile(FRAME))
    ast.parse(as_pandera(rules))
    assert "'kind': pa.Column(checks=[pa.Check.isin(['a', 'b'])], nullable=False)" in as_pandera(rules)
    asked = as_great_expectations(rules)["expectations"]
    assert {
        "type": "expect_column_values_to_be_in_set",
        "kwargs": {"column": "kind", "value_set": ["a", "b"]},
        "meta": {},
    } in asked


def test_a_file_that_holds_no_rules_is_refused(tmp_path):
    (tmp_path / "x.yaml").write_text("columns: [1")
    with pytest.raises(BadInput, match="cannot be read"):
        Constraints.load(tmp_path / "x.yaml")
