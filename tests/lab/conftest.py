"""A real Jupyter server on a real project; asked over HTTP as a browser does."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bank import bank
from servers import free_port

TOKEN = "tok"


@dataclass(frozen=True)
class Server:
    url: str
    root: Path

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """Status and answer, as whoever has the token; with headers, as whoever has those."""
        data = None if method == "GET" else body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        sent = headers or {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(f"{self.url}/jupyter-mlops/{path}", data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with contextlib.suppress(ValueError):
                return error.code, json.loads(error.read())
            return error.code, {}

    def get(self, path: str) -> Any:
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer["data"]

    def post(self, path: str, body: Any = None) -> Any:
        status, answer = self.ask("POST", path, body)
        assert status == 200, answer
        return answer["data"]

    def refused(self, path: str, body: Any = None, method: str = "POST") -> tuple[int, dict[str, Any]]:
        status, answer = self.ask(method, path, body)
        assert answer["ok"] is False
        assert answer["error"].keys() == {"code", "message", "fix", "details"}
        return status, answer["error"]


def until(found: Callable[[], Any], seconds: float = 150) -> Any:
    """What is found, as soon as it is."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.2)
    return answer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root, home = tmp_path_factory.mktemp("lab") / "bank", tmp_path_factory.mktemp("jupyter")
    bank(root)
    port = free_port()
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_RUNTIME_DIR": str(home / "run")}
    env |= {"JUPYTER_DATA_DIR": str(home / "data"), "IPYTHONDIR": str(home / "ipython")}
    words = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
    words += [f"--ServerApp.root_dir={root}", "--ServerApp.disable_check_xsrf=False"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *words],
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    found = Server(f"http://127.0.0.1:{port}", root)
    try:
        until(lambda: process.poll() is not None or _answers(found))
        assert process.poll() is None, (home / "log").read_text()[-3000:]
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _answers(server: Server) -> bool:
    try:
        return server.ask("GET", "status")[0] == 200
    except OSError:
        return False
