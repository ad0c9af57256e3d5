"""Texts that others chose: names that look like another's, formulas, words that are not one byte form, pieces of SQL."""

from pathlib import Path

import pytest

from jupyter_mlops.cli import main
from jupyter_mlops.errors import BadInput
from jupyter_mlops.jobs import Task
from jupyter_mlops.jobs.results import table
from jupyter_mlops.ledger import append, canonical, entries, verify
from jupyter_mlops.project import Project
from jupyter_mlops.registry import register
from jupyter_mlops.store import database, open_store

SMALL_ES = "\u0441"  # looks like a Latin c
FOREIGN = [f"{SMALL_ES}redit", "credit\u202egnp", "credit\u200b", "<img src=x onerror=alert(1)>"]


@pytest.mark.parametrize("name", [*FOREIGN, "credit\n", "credit\nx", "x" * 300, "", "-x", "rul.\n", "../x"])
def test_we_register_under_plain_names_only(project: Project, name: str):
    with pytest.raises(BadInput, match="cannot name a model"):
        register(open_store(project), "none", name)


def test_foreign_names_are_shown_as_what_they_are(project: Project, capsys: pytest.CaptureFixture):
    plain = open_store(project).client
    for name in FOREIGN:
        plain.create_registered_model(name)
    assert main(["models", "--project", str(project.root)]) == 0
    said = capsys.readouterr().out
    assert "redit (holds CYRILLIC SMALL LETTER ES)" in said
    assert "holds RIGHT-TO-LEFT OVERRIDE" in said
    assert "holds ZERO WIDTH SPACE" in said
    assert not {"\u202e", "\u200b"} & set(said)


def test_no_cell_of_a_table_is_a_formula(project: Project):
    given = {"note": '=HYPERLINK("http://evil.example")', "rate": -1, "plus": "+cmd|x", "at": "@SUM(1)", "tab": "\t=1"}
    said = table([(Task("=1+1", Path("n.ipynb"), given), None)], {})
    assert "'=HYPERLINK" in said
    assert said.splitlines()[1].startswith("'=1+1,not run,,,,'@SUM(1),")
    assert ",-1," in said


@pytest.mark.parametrize("text", ["a\nb", "a\0b", "\u00e9", "e\u0301", '"}{"seq":1', "\u2028", "1e400", "\U0001f680"])
def test_a_text_in_the_ledger_is_one_line_of_one_form(project: Project, text: str):
    base = database(project)
    with base.begin() as connection:
        append(connection, actor=text, action="noted", subject="rul", after={"text": text}, reason=text)
    with base.read() as connection:
        found = entries(connection, "rul")[0]
        assert verify(connection).ok
    assert (found.actor, found.after["text"], found.reason) == (text, text, text)
    body = canonical({"a": text})
    assert b"\n" not in body
    assert canonical({"a": "\u00e9"}) != canonical({"a": "e\u0301"})


@pytest.mark.parametrize("words", ["' OR 1=1 --", "rul%", "%", "rul' UNION SELECT 1 --", "rul/", "*"])
def test_what_is_asked_for_is_a_value_and_no_statement(project: Project, words: str):
    base = database(project)
    with base.begin() as connection:
        append(connection, actor="a", action="noted", subject="rul", reason="r")
    with base.read() as connection:
        assert entries(connection, words) == []
        assert len(entries(connection, "rul")) == 1


@pytest.mark.parametrize("text", ["{segment.__class__}.csv", "{0}", "{x!r}", "%s", "$HOME/x", "`id`", "{segment}}{"])
def test_nothing_but_the_segment_is_replaced_in_a_path(project: Project, text: str):
    target = project.target("rul.plant-01")
    filled = project.path(f"data/{text}", target)
    assert filled == project.root / "data" / text.replace("{segment}", "plant-01")


@pytest.mark.parametrize("text", ["../{segment}", "/etc/{segment}", "data/{segment}/../../../x", "data/../../x"])
def test_no_path_leaves_the_project(project: Project, text: str):
    with pytest.raises(BadInput, match="leaves the project folder"):
        project.path(text, project.target("rul.plant-01"))
