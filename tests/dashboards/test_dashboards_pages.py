"""The three pages on figures of a made-up business: what they show, to whom they listen, and what they say instead."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from made_figures import AT, HEAD, HOSTILE, governance, monitoring, portfolio, seed
from test_dashboards_words import Reader

from jupyter_mlops import assets
from jupyter_mlops.cli.commands import COMMANDS
from jupyter_mlops.dashboards import pages
from jupyter_mlops.project import Project
from jupyter_mlops.records import PortfolioFigures, Verification
from jupyter_mlops.store import database

ALL = [pages.PORTFOLIO, pages.MONITORING, pages.GOVERNANCE]


@pytest.fixture
def grocer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    project = seed(tmp_path / "grocer")
    (project.root / "dashboards").mkdir()
    monkeypatch.chdir(project.root / "dashboards")  # where a page's kernel stands
    return project


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", " ".join(Reader(page.partition("</style>")[2]).words))


def shown(page: pages.Page) -> str:
    return words_of(pages.Live(page).document())


def test_the_portfolio_says_what_is_at_risk_and_what_it_is_worth(grocer: Project):
    said = shown(pages.PORTFOLIO)
    for part in (
        "as of 22 Nov 2026 21:05 UTC",
        "4 of 5 models are in service. 1 is at risk: north.",
        "1.2 million EUR + 80 USD",
        "source: finance 2026-03; 1 model without",
        "worth 37 USD of the value",
        "ranking quality fell from 0.63 to 0.46",
        "0.63 0.59 to 0.67",
        "Ranking quality, 139 cases",
        "184 cases, outcome known for 80%",
        "nobody named",
        "no outcome has arrived",
        "? unknown",
        "■ not in service",
    ):
        assert part in said, part
    assert "ndcg" not in said


def test_figures_of_an_earlier_version_say_so(grocer: Project):
    figures = portfolio()
    north = figures.models[0].model_copy(update={"champion": 2})
    database(grocer).put_figures("portfolio", figures.model_copy(update={"models": [north]}))
    said = shown(pages.PORTFOLIO)
    assert "of version 1, before this one" in said
    assert "lately version 1 0.46" in said  # the picture's own words


def test_monitoring_holds_what_is_seen_against_what_was_promised(grocer: Project):
    document = pages.Live(pages.MONITORING).document()
    said = words_of(document)
    for part in (
        "1 alert waits for a person: north.",
        "jupyter mlops alerts --ack 7",
        "seen by ada",
        "Ranking quality, by period",
        "8 Nov 2026 to 22 Nov 2026",
        "0.46 0.42 to 0.50",
        "limit 0.235",
        "0.31 ▲ alert",
        "↻ Retrained",
        "■ Not retrained",
        "✗ Retraining failed",
        "the data feed is broken",
    ):
        assert part in said, part
    assert "long over" not in said
    assert document.count("<figure>") == 3
    # Evidence is of version 2 in the north and of version 1 in the south; the points are all of version 1.
    assert "seen 0.59 (0.55 to 0.63), promised 0.63 (0.59 to 0.67)" in said
    assert "seen 0.46 (0.42 to 0.50), promised" not in said


def test_governance_prints_the_head_and_what_each_decision_rests_on(grocer: Project):
    document = pages.Live(pages.GOVERNANCE).document()
    said = words_of(document)
    for part in (
        "The record holds: all 98 entries verify.",
        HEAD,
        "✓ Put in service in place of version 1",
        "✗ Not put in service",
        "ndcg@10 is worse than champion version 1",
        "by itself retrain",
        "1 of 2 gates passed",
        "About 900 cases would settle it.",
        "age 19-24",
        "bought before weighs otherwise than in the version before 0.21 0.18 to 0.24",
        "0.11 at 0, 0.64 at 9",
        "how much the 1 - ndcg@10 grows when the column is shuffled, on 1,000 rows",
        "cd" * 32,
    ):
        assert part in said, part
    tags = Reader(document).tags
    links = [a["href"] for tag, a in tags if tag == "a"]
    anchors = {f"#{a['id']}" for _, a in tags if a.get("id")}
    assert links
    assert set(links) <= anchors


@pytest.mark.parametrize(
    ("proof", "told"),
    [
        (
            Verification(
                ok=False, entries=41, head=HEAD, first_bad=42, problem="entry 42 was changed after it was written"
            ),
            ["The record does not hold", "BROKEN", "Entry 42: entry 42 was changed", HEAD],
        ),
        (
            Verification(ok=True, entries=98, head=HEAD, unexplained=["champion of rul is version 9"]),
            ["something was changed beside it", "No entry explains this", "champion of rul is version 9"],
        ),
    ],
)
def test_a_record_that_does_not_hold_is_said_first(grocer: Project, proof: Verification, told: list[str]):
    database(grocer).put_figures("governance", governance(proof))
    said = shown(pages.GOVERNANCE)
    assert "The record holds: all" not in said
    for part in told:
        assert part in said, part


@pytest.mark.parametrize("which", ALL, ids=lambda p: p.name)
def test_hostile_names_stay_text_and_every_table_and_picture_is_named(grocer: Project, which: pages.Page):
    document = pages.Live(which).document()
    read = Reader(document)
    tags = [tag for tag, _ in read.tags]
    assert not {"script", "img", "iframe", "link"} & set(tags)
    assert not [a for _, attributes in read.tags for a in attributes if a.startswith("on")]
    assert "window.pwned=1</script>" in "".join(read.words)
    assert all(a.get("scope") in ("col", "row") for tag, a in read.tags if tag == "th")
    assert tags.count("caption") == tags.count("table") > 0
    pictures = [(a, read.tags[i + 1][0]) for i, (tag, a) in enumerate(read.tags) if tag == "svg" and "role" in a]
    assert all(a["role"] == "img" and first == "title" for a, first in pictures)
    assert "http" not in re.sub(r"https?://mlflow.example", "", document)


def test_what_is_asked_for_is_shown(grocer: Project):
    live = pages.Live(pages.PORTFOLIO)
    assert [words for words, _ in live._show.options] == [
        "all 5",
        "at risk (1)",
        "unknown (1)",
        "not in service (1)",
        "healthy (2)",
    ]

    def names() -> list[str]:
        return re.findall(r"<th scope='row'[^>]*><div><b>([a-z]+)</b>", live._rest.value)

    assert names()[0] == "north"
    live._order.value = "name"
    assert names() == ["credit", "east", "north", "south"]
    live._order.value = "value"
    assert names()[:2] == ["credit", "north"]
    live._show.value = "healthy"
    assert names() == ["south", "east"]
    live._find.value = "SOUTH grocer"
    assert names() == ["south"]
    live._find.value = "nobody at all"
    assert "No model fits" in live._rest.value


def test_another_measure_and_another_kind_of_decision(grocer: Project):
    live = pages.Live(pages.MONITORING)
    assert live._show.label == "Ranking quality (ndcg@10)"
    live._show.label = "Right ones that were suggested (recall@10)"
    assert "Right ones that were suggested, by period" in live._rest.value
    live = pages.Live(pages.GOVERNANCE)
    live._show.label = "refused (1)"
    assert "Not put in service" in live._rest.value
    assert "by itself" not in live._rest.value


def test_a_refresh_keeps_what_was_asked_for(grocer: Project):
    live = pages.Live(pages.PORTFOLIO)
    live._show.value, live._find.value = "healthy", "south"
    figures = portfolio()
    database(grocer).put_figures("portfolio", figures.model_copy(update={"models": figures.models[:2]}))
    live._refresh.click()
    assert (live._show.value, live._show.label, live._find.value) == ("healthy", "healthy (1)", "south")
    assert "2 models" in live._top.value


def test_an_open_page_follows_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """From a project without a database, over its first figures, to changed ones: nobody presses anything."""
    monkeypatch.setattr(pages, "FOLLOW_SECONDS", 0.02)
    (tmp_path / "mlops.yaml").write_text("version: 1\nproject: grocer\ntracking: https://mlflow.example\n")
    monkeypatch.chdir(tmp_path)

    async def watch() -> None:
        live = pages.Live(pages.PORTFOLIO)
        live.show()
        assert "jupyter mlops run" in live._top.value
        assert not (tmp_path / ".mlops").exists()
        project = seed(tmp_path)
        await arrives(lambda: "4 of 5 models" in live._top.value)
        figures: PortfolioFigures = portfolio()
        database(project).put_figures("portfolio", figures.model_copy(update={"models": figures.models[1:3]}))
        await arrives(lambda: "All 2 models are in service, and none is at risk." in live._top.value)
        live._following.cancel()

    async def arrives(condition: Callable[[], bool]) -> None:
        for _ in range(250):
            if condition():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it did not arrive")

    asyncio.run(watch())


def _no_project(root: Path) -> None: ...


def _nothing_yet(root: Path) -> None:
    (root / "mlops.yaml").write_text("version: 1\nproject: grocer\n")


def _no_figures(root: Path) -> None:
    (root / "mlops.yaml").write_text("version: 1\nproject: grocer\ntracking: https://mlflow.example\n")
    from jupyter_mlops.project import load

    database(load(root)).close()


def _broken_file(root: Path) -> None:
    seed(root)
    (root / "mlops.yaml").write_text("version: 1\nprojekt: grocer\n")


def _not_a_database(root: Path) -> None:
    seed(root)
    (root / ".mlops" / "mlops.db").write_bytes(b"this is no database" * 500)


def _cut_database(root: Path) -> None:
    project = seed(root)
    content = project.database.read_bytes()
    project.database.write_bytes(content[: len(content) // 2])


def _other_version(root: Path) -> None:
    project = seed(root)
    for name in ("portfolio", "monitoring", "governance"):
        database(project).put_figures(name, Verification(ok=True, entries=1, head="x"))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (_no_project, ["is not a project", "jupyter mlops init"]),
        (_nothing_yet, ["nothing was trained, promoted or watched in grocer yet", "jupyter mlops quickstart DIR"]),
        (_no_figures, ["There are no figures yet", "jupyter mlops promote MODEL VERSION --reason TEXT"]),
        (_broken_file, ["line 2", "projekt", "did you mean 'project'?"]),
        (_not_a_database, ["This project cannot be read", "file is not a database", "jupyter mlops doctor"]),
        (_cut_database, ["malformed", "jupyter mlops doctor"]),
        (_other_version, ["do not fit this version", "jupyter mlops monitor MODEL"]),
    ],
)
@pytest.mark.parametrize("which", ALL, ids=lambda p: p.name)
def test_where_there_is_nothing_to_show_the_fix_is_said(
    which: pages.Page, state: Callable[[Path], None], told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    state(tmp_path)
    monkeypatch.setenv("MLOPS_PROJECT", str(tmp_path))  # whatever lies in the folders above
    before = sorted(p.name for p in tmp_path.rglob("*"))
    live = pages.Live(which)
    said = words_of(live.document())
    for part in told:
        assert part in said, (part, said)
    assert "Traceback" not in said
    assert live._controls.layout.display == "none"
    if state in (_no_project, _nothing_yet):
        assert sorted(p.name for p in tmp_path.rglob("*")) == before  # looking creates nothing


def test_a_page_comes_back_when_what_was_wrong_is_mended(grocer: Project):
    file = grocer.root / "mlops.yaml"
    good = file.read_text()
    file.write_text("version: one\n")
    live = pages.Live(pages.PORTFOLIO)
    assert "mend" in live._top.value or "line 1" in live._top.value
    file.write_text(good)
    live.read()
    assert "4 of 5 models" in live._top.value


def test_every_command_a_page_names_exists():
    room = Path(pages.__file__).parent
    sources = [*room.glob("*.py"), *(Path(assets.__file__).parents[1] / "jupyter-config" / "voila-template").iterdir()]
    named = {word for path in sources for word in re.findall(r"jupyter mlops ([a-z]+)", path.read_text())}
    assert named - {"pages"} <= {command.name for command in COMMANDS}
    assert {"doctor", "monitor", "quickstart", "alerts"} <= named


def test_a_page_imports_neither_mlflow_nor_pandas(grocer: Project):
    code = (
        "import sys, time; from jupyter_mlops.dashboards import pages;"
        "text = pages.Live(pages.PORTFOLIO).document(); assert 'at risk' in text;"
        "heavy = {'mlflow', 'pandas', 'sklearn', 'pyarrow', 'numpy', 'scipy', 'papermill'} & set(sys.modules);"
        "print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_face_of_the_room_imports_nothing_until_asked():
    code = (
        "import sys; from jupyter_mlops.dashboards import voila_command; assert 'ipywidgets' not in sys.modules;"
        "from jupyter_mlops.dashboards import portfolio; assert callable(portfolio) and 'ipywidgets' in sys.modules;"
        "from jupyter_mlops.dashboards import portfolio as again; assert again is portfolio"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)


@pytest.mark.parametrize("name", ["portfolio", "monitoring", "governance"])
def test_a_template_notebook_is_a_few_lines_on_a_warm_kernel_in_our_frame(name: str):
    notebook = json.loads((assets.dashboards() / f"{name}.ipynb").read_text())
    (cell,) = notebook["cells"]
    assert "".join(cell["source"]) == f"from jupyter_mlops.dashboards import {name}\n\n{name}()"
    assert notebook["metadata"]["kernelspec"]["name"] == "python3-warm"
    assert notebook["metadata"]["voila"]["template"] == "mlops"
    assert notebook["metadata"]["title"] == name.capitalize()


def test_as_of_is_the_time_of_the_figures():
    assert portfolio().at == monitoring().at == governance().at == AT
    assert HOSTILE in portfolio().models[3].name
