"""What the browser's tests say about a page: where it is, whether it is up, a picture of it."""

from __future__ import annotations

import os
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page


@dataclass(frozen=True)
class Lab:
    url: str
    token: str
    root: Path


def wait_for(url: str, log: Path) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=2)
        except OSError:
            time.sleep(0.3)
        else:
            return
    raise AssertionError(log.read_text()[-3000:])


def shot(page: Page, name: str) -> None:
    """Keep a picture where MLOPS_SCREENSHOTS says, for a person to look at."""
    folder = os.environ.get("MLOPS_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png")
