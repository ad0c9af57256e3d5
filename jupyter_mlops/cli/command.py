"""What a command is: a name, one line of help, an example, its arguments, and a function from arguments to a Result."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.project import Project, find


@dataclass(frozen=True)
class Result:
    """`data` is what `--json` prints, `text` what a person reads; `status` 1 means the answer is no."""

    data: Any
    text: str = ""
    status: int = 0


@dataclass(frozen=True)
class Command:
    name: str
    help: str
    example: str
    run: Callable[[argparse.Namespace], Result]
    arguments: Callable[[argparse.ArgumentParser], None] = field(default=lambda _parser: None)


def project_of(args: argparse.Namespace) -> Project:
    """The project named by --project, or around the working directory."""
    return find(args.project)


def typed_path(text: str) -> Path:
    """A path as typed, relative to where the person is."""
    return Path(text).expanduser().resolve()
