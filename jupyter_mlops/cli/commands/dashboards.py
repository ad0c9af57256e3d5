"""The Voila pages. They are a surface of their own, so they are started, not imported."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, Namespace

from jupyter_mlops.cli.command import Command, Result, project_of
from jupyter_mlops.cli.ports import free_port
from jupyter_mlops.errors import NotFound


def _dashboards(args: Namespace) -> Result:
    project = project_of(args)
    folder = project.root / "dashboards"
    pages = sorted(page.stem for page in folder.glob("*.ipynb"))
    if not pages:
        raise NotFound(
            f"there are no dashboards in {folder}", "`jupyter mlops quickstart DIR` makes a project with them"
        )
    command = [sys.executable, "-m", "jupyter_mlops.dashboards", str(project.root), str(free_port(args.port))]
    status = subprocess.run(command, check=False).returncode
    return Result({"pages": pages}, "", 0 if status in (0, -2, 130) else 3)


def _words(parser: ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8866, metavar="N", help="0 takes any free one")


COMMANDS = [
    Command("dashboards", "the pages for executives", "jupyter mlops dashboards --port 8866", _dashboards, _words)
]
