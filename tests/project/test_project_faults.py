"""What is wrong in a file that people wrote is told by the key they wrote, with the key that fits there."""

import pytest

from jupyter_mlops.errors import BadInput
from jupyter_mlops.governance import parse_policy
from jupyter_mlops.project import parse

POLICY = "version: 1\npolicy: p\nroles: {v: [bob]}\n"
PROJECT = """\
version: 1
project: p
models:
  m:
    task: regression
    train: {notebook: t.ipynb}
    data: {training: a.csv, target: y}
"""
UNKNOWN = [
    ("modls: [a]", "modls", "did you mean 'models'?"),
    ("start: 1", "start", "remove 'start'"),
    ("freeze: [{fron: 2026-01-01, to: 2026-02-01}]", "freeze.0.fron", "did you mean 'from'?"),
    ("freeze: [{from: 2026-01-01, to: 2026-02-01, reason: x}]", "freeze.0.reason", "remove 'reason'"),
    ("gates: [{metrik: mae, max: 3}]", "gates.0.metrik", "did you mean 'metric'?"),
    ("gates: [mae, {fairness: {metrc: x, max: 1, by: s}}]", "gates.1.fairness.metrc", "did you mean 'metric'?"),
    ("approvals: {roles: {v: 1}, four_eye: true}", "approvals.four_eye", "did you mean 'four_eyes'?"),
    ("break_glass: {rolles: [v]}", "break_glass.rolles", "did you mean 'roles'?"),
]


@pytest.mark.parametrize(("text", "key", "fix"), UNKNOWN)
def test_an_unknown_key_of_a_policy_is_offered_what_may_stand_there(text: str, key: str, fix: str):
    with pytest.raises(BadInput) as refusal:
        parse_policy(POLICY + text, "f")
    assert (refusal.value.message, refusal.value.fix) == (f"f: {key}: unknown key", fix)


@pytest.mark.parametrize(
    ("text", "key", "fix"),
    [
        ("monitor: {maintenance: [{frm: 2026-01-01, to: 2026-01-02}]}", "monitor.maintenance.0.frm", "from"),
        ("retrain: {when: [{schedul: '0 3 * * *'}]}", "retrain.when.0.schedul", "schedule"),
        ("gates: [{metrik: mae, max: 1}]", "gates.0.metrik", "metric"),
    ],
)
def test_one_of_a_project_too_and_the_form_that_was_tried_is_not_told(text: str, key: str, fix: str):
    with pytest.raises(BadInput) as refusal:
        parse(f"{PROJECT}    {text}\n")
    assert refusal.value.message == f"mlops.yaml, line 8: models.m.{key}: unknown key"
    assert refusal.value.fix == f"did you mean {fix!r}?"


def test_a_value_of_no_form_is_told_with_each_form():
    with pytest.raises(
        BadInput, match=r"gates.0: Input should be a valid string \(got 3\)\n.*should hold keys and values"
    ):
        parse_policy(f"{POLICY}gates: [3]", "f")
