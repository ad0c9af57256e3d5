"""Servers of the tests' own: a PostgreSQL from the system's packages, and MLflow's stock server with its log-in app."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.store.birth import template

PASSWORD = "correct-horse-battery"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((p for p in places if (p / "initdb").exists()), None)


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The URL of a PostgreSQL server with an empty database, stopped and gone at the end."""
    binaries = _binaries()
    if binaries is None:
        pytest.fail("PostgreSQL is missing; run tests/install_programs.sh, or install it from the system's packages")
    data, port = folder / "pg", free_port()
    who = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    data.mkdir(parents=True)
    if who:
        for place in (data, *data.parents):
            if place == Path("/tmp"):  # the server's own user must reach its folder
                break
            place.chmod(0o755)
        shutil.chown(data, "postgres", "postgres")
    quiet = {"check": True, "capture_output": True, "cwd": "/", **who}
    subprocess.run([binaries / "initdb", "-D", data, "-U", "mlops", "-A", "trust", "--no-sync"], **quiet)
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", ""],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        **who,
    )
    try:
        _until(
            lambda: not subprocess.run([binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]).returncode
        )
        yield f"postgresql://mlops@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


@contextlib.contextmanager
def mysql(folder: Path) -> Iterator[str]:
    """The URL of a MariaDB server from the system's packages with an empty database, stopped and gone at the end."""
    daemon = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")  # not on everybody's path
    if not daemon:
        pytest.fail("MariaDB is missing; run tests/install_programs.sh, or install it from the system's packages")
    data, port, socket_file = folder / "my", free_port(), folder / "my.sock"
    own = ["--no-defaults", f"--datadir={data}", *(["--user=root"] if os.getuid() == 0 else [])]
    made = ["mariadb-install-db", *own, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(made, check=True, capture_output=True)
    words = [daemon, *own, f"--port={port}", f"--socket={socket_file}", "--bind-address=127.0.0.1"]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    create = ["mariadb", "--no-defaults", "-u", "root", f"--socket={socket_file}", "-e", _MYSQL_DATABASE]
    try:
        _until(lambda: not subprocess.run(create, capture_output=True).returncode, alive=server)
        yield f"mysql+pymysql://mlops:mlops@127.0.0.1:{port}/mlops"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


_MYSQL_DATABASE = (
    "CREATE DATABASE IF NOT EXISTS mlops; CREATE USER IF NOT EXISTS mlops@'127.0.0.1' IDENTIFIED BY 'mlops'; "
    "CREATE USER IF NOT EXISTS mlops@localhost IDENTIFIED BY 'mlops'; "
    "GRANT ALL ON mlops.* TO mlops@'127.0.0.1'; GRANT ALL ON mlops.* TO mlops@localhost"
)


@contextlib.contextmanager
def mlflow_server(folder: Path, database: str, *options: str, env: dict[str, str] | None = None) -> Iterator[str]:
    """The stock server with our registry store on this database; its URL."""
    port = free_port()
    (folder / "auth.ini").write_text(
        f"[mlflow]\ndefault_permission = MANAGE\ndatabase_uri = sqlite:///{folder}/auth.db\nadmin_username = admin\n"
        f"admin_password = {PASSWORD}\nauthorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        "grant_default_workspace_access = true\n"
    )
    words = ["--backend-store-uri", database, "--registry-store-uri", f"mlops+{database}", "--port", str(port)]
    words += ["--host", "127.0.0.1", "--artifacts-destination", str(folder / "artifacts"), *options]
    log = (folder / "server.log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words],
        stdout=log,
        stderr=log,
        start_new_session=True,
        env={
            **os.environ,
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "for-tests",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            **(env or {}),
        },
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _until(lambda: _answers(f"{url}/health"), alive=server, log=folder / "server.log", seconds=240)
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


class Server:
    """MLflow's stock server on SQLite, to be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        if not (self.folder / "m.db").exists():  # the server's own migrations take half a minute
            shutil.copyfile(template(), self.folder / "m.db")
        # As `mlflow server` starts it, without the process in between, which imports all of MLflow to do so.
        words = ["uvicorn", "--host", "127.0.0.1", "--port", str(self.port), "mlflow.server.fastapi_app:app"]
        settings = {
            "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{self.folder}/m.db",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(self.folder / "files"),
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **settings},
        )
        _until(lambda: _answers(f"{self.url}/health"), alive=self.process, seconds=280)

    def signal(self, number: int) -> None:
        os.killpg(self.process.pid, number)


def _connects(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except OSError:
        return False


def _until(done, *, alive: subprocess.Popen | None = None, log: Path | None = None, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():
        if (alive and alive.poll() is not None) or time.monotonic() > end:
            raise AssertionError(log.read_text()[-3000:] if log else "the server did not start")
        time.sleep(0.3)
