"""A project is found upwards, and what was left somewhere by a trial takes in nothing that is not its own."""

from pathlib import Path

import pytest

from jupyter_mlops.project import root_around


@pytest.fixture
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLOPS_PROJECT", raising=False)
    place = tmp_path / "team" / "work" / "notebooks"
    place.mkdir(parents=True)
    return place


def test_a_project_is_the_nearest_folder_upwards_that_declares_or_keeps_one(below: Path):
    assert root_around(below) == below
    (below.parents[1] / ".mlops").mkdir()
    assert root_around(below) == below.parents[1]
    (below.parent / "mlops.yaml").touch()
    assert root_around(below) == below.parent


def test_what_is_kept_above_a_repository_is_not_its_own_unless_declared(below: Path):
    (below.parents[1] / ".mlops").mkdir()
    (below.parent / ".git").mkdir()
    assert root_around(below) == below
    assert root_around(below.parents[1]) == below.parents[1]
    (below.parent / ".mlops").mkdir()
    assert root_around(below) == below.parent
    (below.parent / ".mlops").rmdir()
    (below.parents[1] / "mlops.yaml").touch()
    assert root_around(below) == below.parents[1]


@pytest.mark.parametrize("everybodys", ["home", "writable"])
def test_what_was_left_in_a_home_or_in_a_folder_of_everybody_takes_in_nothing(
    below: Path, monkeypatch: pytest.MonkeyPatch, everybodys: str
):
    top = below.parents[1]
    (top / ".mlops").mkdir()
    if everybodys == "home":
        monkeypatch.setenv("HOME", str(top))
    else:
        top.chmod(0o1777)
    assert root_around(below) == below
    assert root_around(top) == top
    (top / "mlops.yaml").touch()
    assert root_around(below) == top
