"""The team's MLflow server, governed: MLflow's stock server with our registry store and MLflow's own log-in."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from importlib.util import find_spec
from pathlib import Path

from jupyter_mlops.cli.command import Command, Result, project_of
from jupyter_mlops.cli.ports import free_port
from jupyter_mlops.errors import BadInput, Unavailable
from jupyter_mlops.project import Project
from jupyter_mlops.store import database

_ADMIN = "MLFLOW_AUTH_ADMIN_PASSWORD"
# Who may read may not decide; whoever is let in may say something, and policy asks whether it counts.
_USERS = """[mlflow]
default_permission = EDIT
database_uri = sqlite:///{users}
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


def _server(args: Namespace) -> Result:
    project = project_of(args)
    where = (args.database or f"sqlite:///{project.database}").removeprefix("mlops+")
    if not args.database:
        database(project).close()
    environment = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    } | ({} if args.no_auth else _log_in(project))
    port = free_port(args.port)
    command = [sys.executable, "-m", "mlflow", "server", "--host", args.host, "--port", str(port)]
    command += ["--backend-store-uri", where, "--registry-store-uri", f"mlops+{where}", "--workers", str(args.workers)]
    command += ["--artifacts-destination", str(project.home / "artifacts")]
    command += [] if args.no_auth else ["--app-name", "basic-auth"]
    command += ["--enable-workspaces"] if args.workspaces else []
    status = subprocess.run(command, check=False, env=environment).returncode
    return Result({"port": port}, "", 0 if status in (0, -2, 130) else 3)


def _log_in(project: Project) -> dict[str, str]:
    """What MLflow's log-in app needs. Its users live beside the project's database."""
    if find_spec("flask_wtf") is None:
        raise Unavailable(
            "MLflow's log-in app is not installed, and without a log-in nobody can decide anything",
            "pip install 'jupyter_mlops[server]', or start with --no-auth to look only",
        )
    users, settings = project.home / "users.db", project.home / "server.ini"
    if not users.exists() and not os.environ.get(_ADMIN):
        raise BadInput(
            "the server has no administrator yet",
            f"set {_ADMIN} to a password of 12 characters or more for the first start",
        )
    _write(settings, _USERS.format(users=users))
    key = os.environ.get("MLFLOW_FLASK_SERVER_SECRET_KEY") or secrets.token_hex(32)
    return {"MLFLOW_AUTH_CONFIG_PATH": str(settings), "MLFLOW_FLASK_SERVER_SECRET_KEY": key}


def _write(path: Path, text: str) -> None:
    """Once: an administrator's own settings stay."""
    if not path.exists():
        path.touch(0o600)
        path.write_text(text, encoding="utf-8")


def _words(parser: ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=5000, metavar="N", help="0 takes any free one")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--database", metavar="URL", help="postgresql://…, in place of the project's own database")
    parser.add_argument(
        "--workspaces", action="store_true", help="MLflow's workspaces: a registry for each business unit"
    )
    parser.add_argument("--no-auth", action="store_true", help="no log-in: everybody may look, nobody decides")


COMMANDS = [
    Command("server", "the team's governed MLflow server", "jupyter mlops server --port 5000", _server, _words),
]
