"""One command from nothing to the whole loop on real data, and JupyterLab opened on it."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_mlops.cli.command import Command, Result, typed_path
from jupyter_mlops.cli.ports import free_port

TEMPLATE = "retail-recommender"


class _Bars:
    """tqdm on the error stream, so that what is printed stays clean."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def step(self, sentence: str) -> None:
        if not self._quiet:
            print(f"· {sentence}", file=sys.stderr, flush=True)

    @contextmanager
    def counted(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        from tqdm import tqdm

        with tqdm(desc=f"  {what}", total=total, disable=self._quiet or not total) as bar:

            def one_more() -> None:
                bar.update()

            yield one_more


def _quickstart(args: Namespace) -> Result:
    from jupyter_mlops.flows import quickstart

    lab_port = free_port(args.port) if args.lab else None
    told = quickstart(Path(args.dir or args.template), args.template, _Bars(args.json), args.data)
    answer = 1 if told.untrained else 0
    if lab_port is None:
        return Result(told.as_dict(), "\n".join(told.lines), answer)
    print("\n".join(told.lines), flush=True)
    status = subprocess.run(
        [sys.executable, "-m", "jupyterlab", f"--port={lab_port}", "--ip=127.0.0.1", *_as_root()],
        cwd=told.root,
        check=False,
    ).returncode
    return Result(told.as_dict(), "", answer if status in (0, -2, 130) else 3)


def _as_root() -> list[str]:
    """Jupyter refuses to run as root unless told; a container's only user is often root."""
    import os

    return ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def _words(parser: ArgumentParser) -> None:
    parser.add_argument("dir", metavar="DIR", nargs="?", help="the new project's folder (default: the template's name)")
    parser.add_argument(
        "--template", default=TEMPLATE, metavar="NAME", help="retail-recommender or predictive-maintenance"
    )
    parser.add_argument(
        "--data",
        type=typed_path,
        metavar="FOLDER",
        help="own machines (C-MAPSS text, CSV, Parquet), not simulated ones",
    )
    parser.add_argument("--no-lab", dest="lab", action="store_false", help="do not open JupyterLab at the end")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="JupyterLab's port (default: any free one)")


COMMANDS = [
    Command(
        "quickstart",
        "a project on real data, the whole loop run once, then JupyterLab",
        "jupyter mlops quickstart my-project --template predictive-maintenance --no-lab",
        _quickstart,
        _words,
    )
]
