"""What an executive and a risk officer see: on their own by Voila, and inside JupyterLab."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
import websocket
from pages import Lab, running_lab, shot, wait_for
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from jupyter_mlops import assets
from jupyter_mlops.dashboards import voila_command

sys.path.append(str(Path(__file__).parents[1] / "dashboards"))
from made_figures import HEAD, portfolio, seed

from jupyter_mlops.project import load
from jupyter_mlops.store import database

WANTED = {
    "portfolio": ["1 is at risk: north.", "1.2 million EUR + 80 USD", "0.63 0.59 to 0.67", "not in service"],
    "monitoring": ["1 alert waits for a person: north.", "0.46 0.42 to 0.50", "limit 0.235", "Retraining failed"],
    "governance": ["The record holds: all 98 entries verify.", HEAD, "Not put in service"],
}


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Voila's root: a project with figures, one without, one whose file is broken, one whose database is."""
    root = tmp_path_factory.mktemp("business")
    for name in ("made", "empty", "typo", "damaged"):
        seed(root / "dashboards" / name)
        shutil.copytree(assets.dashboards(), root / "dashboards" / name / "dashboards")
    shutil.rmtree(root / "dashboards" / "empty" / ".mlops")
    (root / "dashboards" / "typo" / "mlops.yaml").write_text("version: 1\nprojekt: grocer\n")
    (root / "dashboards" / "damaged" / ".mlops" / "mlops.db").write_bytes(b"no database" * 999)
    return root


@pytest.fixture(scope="module")
def voila(business: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = business / "log"
    with log.open("wb") as out:
        command = voila_command(business, port, "tok")
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/?token=tok", log)
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


@dataclass
class Heard:
    """What a page asked of others, and what it complained about."""

    elsewhere: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture
def heard(page: Page, voila: str) -> Heard:
    heard = Heard()

    def asked(url: str) -> None:
        if not url.startswith((voila, "data:", "blob:")):
            heard.elsewhere.append(url)

    page.on("request", lambda request: asked(request.url))
    page.on("pageerror", lambda error: heard.errors.append(str(error)))
    page.on("console", lambda said: heard.errors.append(said.text) if said.type == "error" else None)
    page.on("response", lambda r: heard.errors.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    return heard


def _open(page: Page, voila: str, name: str, project: str = "made") -> None:
    page.goto(f"{voila}/voila/render/{project}/dashboards/{name}.ipynb?token=tok")


def _alive(page: Page) -> None:
    expect(page.locator(".mx-live .mx-controls input")).to_be_visible()


@pytest.mark.parametrize("name", WANTED)
def test_a_page_shows_its_figures_and_asks_nobody_else(page: Page, voila: str, heard: Heard, name: str):
    _open(page, voila, name)
    _alive(page)
    live = page.locator(".mx-live")
    expect(live.get_by_role("heading", name=name.capitalize(), level=1)).to_be_visible()
    for words in WANTED[name]:
        expect(live).to_contain_text(words)
    expect(page.locator(".mx-first")).to_be_hidden()
    expect(page.get_by_role("navigation").get_by_role("link", name=name.capitalize())).to_have_attribute(
        "aria-current", "page"
    )
    shot(page, f"{name}-light")
    assert page.evaluate("window.pwned") is None
    assert heard == Heard()


def test_the_figures_are_in_the_page_before_any_script_has_run_and_only_for_who_has_the_token(voila: str):
    address = f"{voila}/voila/render/made/dashboards/portfolio.ipynb"
    with urllib.request.urlopen(f"{address}?token=tok", timeout=60) as answer:
        assert "1 is at risk: north." in answer.read().decode()
    with urllib.request.urlopen(address, timeout=60) as answer:
        assert "/login" in answer.url
        assert "north" not in answer.read().decode()


OUTSIDE = "only-outside-of-the-dashboards"


@pytest.mark.parametrize(
    "path",
    [
        "voila/render/..%2foutside.ipynb",
        "voila/render/%2e%2e%2foutside.ipynb",
        "voila/render/made/..%2f..%2foutside.ipynb",
        "voila/render/..%5coutside.ipynb",
        "voila/render/%252e%252e%252foutside.ipynb",
        "voila/render/{root}/outside.ipynb",
        "voila/render/outside.ipynb%00",
        "voila/files/..%2foutside.ipynb",
        "voila/files/made/.mlops/mlops.db",
        "voila/files/made/mlops.yaml",
        "voila/static/..%2f..%2foutside.ipynb",
        "voila/templates/..%2f..%2foutside.ipynb",
        "voila/api/contents/..%2foutside.ipynb",
        "api/contents/made/mlops.yaml",
        "api/kernels",
    ],
)
def test_no_other_file_is_a_page(voila: str, business: Path, path: str):
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": OUTSIDE}
    book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (business / "outside.ipynb").write_text(json.dumps(book))
    request = urllib.request.Request(
        f"{voila}/{path.format(root=quote(str(business), safe=''))}", headers={"Authorization": "token tok"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)
    assert OUTSIDE not in refused.value.read().decode(errors="replace")


def test_a_visitor_runs_nothing_of_their_own_and_hears_nobody_elses_page(voila: str, business: Path):
    """Who has the token of the pages may look; a kernel's number gives whoever lacks it, or another site, nothing."""
    with urllib.request.urlopen(
        f"{voila}/voila/render/made/dashboards/portfolio.ipynb?token=tok&voila-template=../../x", timeout=60
    ) as answer:
        text = answer.read().decode()
    kernel = re.findall(r'"?kernelId"?: ?"([0-9a-f-]{36})"', text)[0]
    assert "mx-live" in text, "the template was exchanged"
    address = f"{voila.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
    for header, origin in (([], None), (["Authorization: token wrong"], None), ([], "https://evil.example")):
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            websocket.create_connection(address, header=header, origin=origin or voila, timeout=30)
        assert refused.value.status_code == 403
    heard = websocket.create_connection(address, header=["Authorization: token tok"], origin=voila, timeout=30)
    try:
        mark = business / "ran"
        for kind, content in (
            ("execute_request", {"code": f"open({str(mark)!r}, 'w')", "silent": False}),
            ("kernel_info_request", {}),
        ):
            head = {"msg_id": kind, "msg_type": kind, "session": "s", "username": "u", "date": "", "version": "5.3"}
            heard.send(
                json.dumps(
                    {"channel": "shell", "header": head, "parent_header": {}, "metadata": {}, "content": content}
                )
            )
        while json.loads(heard.recv())["header"]["msg_type"] != "kernel_info_reply":
            pass  # what was sent first would have been answered first
        assert not mark.exists()
    finally:
        heard.close()


def test_themes_width_and_paper(page: Page, voila: str):
    _open(page, voila, "portfolio")
    _alive(page)

    ground = expect(page.locator(".mx-live"))
    light, dark = "rgb(244, 246, 250)", "rgb(16, 21, 29)"
    ground.to_have_css("background-color", light)
    page.emulate_media(color_scheme="dark")
    ground.to_have_css("background-color", dark)  # waited for: a page is told of a changed scheme in its own time
    shot(page, "portfolio-dark")
    page.get_by_role("button", name="Light or dark").click()
    ground.to_have_css("background-color", light)
    page.reload()
    _alive(page)
    ground.to_have_css("background-color", light)  # what was chosen holds, whatever the system says
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    shot(page, "portfolio-narrow")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.locator(".mx-controls").first).to_be_hidden()
    assert page.pdf(format="A4", landscape=True).count(b"/Type /Page\n") >= 2  # all of it, not one window full


def test_what_is_asked_for_with_the_keyboard_is_shown(page: Page, voila: str, heard: Heard):
    _open(page, voila, "portfolio")
    _alive(page)
    page.get_by_label("Find").focus()
    page.keyboard.type("south")
    rows = page.locator(".mx-live tbody tr")
    expect(rows).to_have_count(1)
    page.get_by_label("Find").fill("")
    page.get_by_label("Show").select_option(label="healthy (2)")
    expect(rows).to_have_count(2)
    page.get_by_label("Order by").select_option(label="name")
    expect(rows.first).to_contain_text("east")
    assert heard == Heard()


def test_a_page_follows_what_is_written(page: Page, voila: str, business: Path):
    root = business / "dashboards" / "made"
    _open(page, voila, "portfolio")
    _alive(page)
    figures = portfolio()
    base = database(load(root))
    try:
        base.put_figures("portfolio", figures.model_copy(update={"models": figures.models[1:3]}))
        expect(page.locator(".mx-live")).to_contain_text("All 2 models are in service, and none is at risk.")
    finally:
        base.put_figures("portfolio", figures)
        base.close()


@pytest.mark.parametrize(
    ("project", "told"),
    [
        ("empty", ["nothing was trained, promoted or watched in grocer yet", "jupyter mlops quickstart DIR"]),
        ("typo", ["line 2", "did you mean 'project'?"]),
        ("damaged", ["file is not a database", "jupyter mlops doctor"]),
    ],
)
def test_where_there_is_nothing_to_show_the_fix_is_said(
    page: Page, voila: str, heard: Heard, project: str, told: list[str]
):
    _open(page, voila, "monitoring", project)
    live = page.locator(".mx-live")
    for words in told:
        expect(live).to_contain_text(words)
    expect(live.get_by_label("Find")).to_be_hidden()
    expect(page.get_by_text("Traceback")).to_have_count(0)
    shot(page, f"dashboard-{project}")
    assert heard == Heard()


def test_the_list_of_pages_and_a_wrong_address(page: Page, voila: str, heard: Heard):
    page.goto(f"{voila}/voila/tree/made/dashboards?token=tok")
    links = page.get_by_role("main").get_by_role("link")
    expect(links).to_contain_text(["Portfolio", "Monitoring", "Governance"])
    links.nth(2).click()
    expect(page.locator(".mx-live")).to_contain_text(HEAD)
    page.get_by_role("link", name="Monitoring").click()
    expect(page.locator(".mx-live").get_by_role("heading", name="Monitoring")).to_be_visible()
    assert heard == Heard()
    page.goto(f"{voila}/voila/render/nowhere.ipynb")
    expect(page.get_by_role("link", name="All dashboards")).to_be_visible()
    assert heard.elsewhere == []


@pytest.fixture(scope="module")
def lab_with_figures(business: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from running_lab(business / "dashboards" / "made", tmp_path_factory.mktemp("jupyter"))


def test_inside_jupyterlab_it_is_the_same_page_with_the_labs_theme(page: Page, lab_with_figures: Lab):
    lab = lab_with_figures
    elsewhere: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((lab.url, "data:", "blob:")) else elsewhere.append(r.url))
    page.goto(f"{lab.url}/lab?token={lab.token}&reset")
    page.wait_for_function("window.jupyterapp && window.jupyterapp.commands.hasCommand('mlops:dashboard-portfolio')")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.evaluate(
        "window.jupyterapp.restored.then(() => window.jupyterapp.commands.execute('mlops:dashboard-portfolio'))"
    )
    frame = page.frame_locator(".jp-MlopsPage iframe")
    expect(frame.locator(".mx-live")).to_contain_text("1 is at risk: north.")
    expect(frame.get_by_role("navigation").get_by_role("link")).to_have_count(3)
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    expect(frame.locator("html")).to_have_attribute("data-mx-theme", "dark")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    shot(page, "lab-dashboard-dark")
    assert elsewhere == []


def test_a_dashboard_run_as_a_notebook_is_a_page_too(page: Page, lab_with_figures: Lab):
    lab = lab_with_figures
    page.goto(f"{lab.url}/lab/tree/dashboards/governance.ipynb?token={lab.token}&reset")
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    live = page.locator(".mx-live")
    for _ in range(5):  # an idle indicator does not prove that the kernel takes requests yet
        page.wait_for_timeout(1000)
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        try:
            live.wait_for(timeout=15_000)
            break
        except PlaywrightTimeout:
            continue
    expect(live).to_contain_text(HEAD)
    expect(live.get_by_label("Show")).to_be_visible()
    shot(page, "lab-notebook")
