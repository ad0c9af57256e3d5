"""The governed server from one command: it starts, it asks who one is, it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from servers import free_port

from jupyter_mlops.cli import main
from jupyter_mlops.project import Project


def test_without_a_first_password_it_says_so(project: Project, monkeypatch: pytest.MonkeyPatch, capsys):
    pytest.importorskip("flask_wtf")
    monkeypatch.delenv("MLFLOW_AUTH_ADMIN_PASSWORD", raising=False)
    assert main(["server", "--port", "0", "--project", str(project.root)]) == 2
    assert "MLFLOW_AUTH_ADMIN_PASSWORD" in capsys.readouterr().err


def test_it_starts_and_asks_who_one_is(project: Project):
    pytest.importorskip("flask_wtf")
    port = free_port()
    words = ["server", "--port", str(port), "--workers", "1", "--project", str(project.root)]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlops.cli", *words],
        env={**os.environ, "MLFLOW_AUTH_ADMIN_PASSWORD": "correct-horse-battery"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 120
        while not _status(port, "/health") and time.monotonic() < end:
            time.sleep(0.5)
        assert _status(port, "/health") == 200
        body = {"name": "m"}
        assert _status(port, "/api/2.0/mlflow/registered-models/create", body) == 401
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
    assert (project.home / "server.ini").stat().st_mode & 0o777 == 0o600


def _status(port: int, path: str, body: dict | None = None) -> int:
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    try:
        return urllib.request.urlopen(request, timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
