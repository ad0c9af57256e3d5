"""What the browser's tests say about a page: where it is, whether it is up, a picture of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page


@dataclass(frozen=True)
class Lab:
    url: str
    token: str
    root: Path


def running_lab(root: Path, home: Path) -> Iterator[Lab]:
    """A JupyterLab with nothing of the person's own settings, until the caller goes on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    told.parent.mkdir(parents=True)
    told.write_text('{"fetchNews": "false", "checkForUpdates": false}')  # it would ask, over what the tests look at
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_RUNTIME_DIR": str(home / "run")}
    env |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "spaces")}
    env |= {"JUPYTER_DATA_DIR": str(home / "data"), "IPYTHONDIR": str(home / "ipython")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1"]
    command += ["--IdentityProvider.token=tok", f"--ServerApp.root_dir={root}", "--LabApp.expose_app_in_browser=True"]
    log = home / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url + "/api?token=tok", log)
        yield Lab(url, "tok", root)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


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
