"""What an executive and a risk officer see."""

import os
import signal
import socket
import subprocess
import sys

import pytest
from pages import Lab, shot, wait_for
from playwright.sync_api import Page, expect

WANTED = {
    "portfolio": ["In service", "Ranking quality", "store-367", "USD"],
    "monitoring": ["How good they were, by period", "100%", "store-292"],
    "governance": ["holds", "put in service", "Head of the record", "ndcg@10"],
}


@pytest.fixture(scope="module")
def voila(lab: Lab, tmp_path_factory: pytest.TempPathFactory):
    """The pages on their own, as `jupyter mlops dashboards` starts them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = (
        "import sys, os; from pathlib import Path; from jupyter_mlops.dashboards import voila_command;"
        "c = voila_command(Path(sys.argv[1]), int(sys.argv[2]), 'tok'); os.execv(c[0], c)"
    )
    log = tmp_path_factory.mktemp("voila") / "log"
    with log.open("wb") as out:
        command = [sys.executable, "-c", code, str(lab.root), str(port)]
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    wait_for(url + "/?token=tok", log)
    yield url
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(20)


@pytest.mark.parametrize("name", WANTED)
def test_a_page_shows_this_projects_figures_and_asks_nobody_else(page: Page, voila: str, name: str):
    elsewhere: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((voila, "data:", "blob:")) else elsewhere.append(r.url))
    page.goto(f"{voila}/voila/render/{name}.ipynb?token=tok")
    expect(page.get_by_role("heading", name=name.capitalize())).to_be_visible()
    for words in WANTED[name]:
        expect(page.locator(".mx").get_by_text(words).first).to_be_visible()
    shot(page, f"{name}-light")
    page.emulate_media(color_scheme="dark")
    shot(page, f"{name}-dark")
    page.set_viewport_size({"width": 420, "height": 900})
    shot(page, f"{name}-narrow")
    assert elsewhere == []
    assert page.locator(".jp-RenderedText[data-mime-type*=error]").count() == 0
