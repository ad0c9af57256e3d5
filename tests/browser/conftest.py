"""A real JupyterLab on a real project, in a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import Lab, running_lab
from playwright.sync_api import Browser, Page, expect, sync_playwright
from shop import run, templates

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


expect.set_options(timeout=45_000)  # a cold kernel and two busy cores


@pytest.fixture(scope="session")
def quickstarted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quickstart itself, on its real data, with three of its stores."""
    shop = tmp_path_factory.mktemp("home") / "shop"
    few = templates(tmp_path_factory.mktemp("templates") / "templates", KEPT)
    done = run(few, "quickstart", str(shop), "--no-lab")
    assert done.returncode == 0, done.stderr[-3000:]
    (shop.parent / "said.txt").write_text(done.stdout)
    return shop


KEPT = ("store-367", "store-292", "store-321")


@pytest.fixture(scope="session")
def lab(quickstarted: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from running_lab(quickstarted, tmp_path_factory.mktemp("jupyter"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.fail("Chromium is missing; run tests/install_programs.sh, or install it from the system's packages")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=ARGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()
