"""Whether two jobs are the same: notebook source, parameters, environment, local modules and data, each by its content.

What a notebook reads is known once it has run. So a finished job keeps the list of its inputs with their digests, and a
new one is the same when its notebook, parameters and environment are, and each of those inputs still has its digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_mlops.jobs.injecting import written
from jupyter_mlops.jobs.notebooks import Source

NAME = "inputs.json"
_SAMPLED = 1 << 30  # bytes: beyond this a file is known by its size, its time and its two ends
_PIECE = 1 << 22
_NOT_DATA = (".cache", ".config", ".ipython", ".jupyter", ".local", ".matplotlib", ".keras")


@dataclass(frozen=True)
class Inputs:
    """`files` by absolute path; `unseen` says what could not be watched, `complete` whether anything was at all."""

    files: Mapping[str, str] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    complete: bool = False

    def as_json(self) -> str:
        return json.dumps({"files": dict(self.files), "unseen": list(self.unseen), "complete": self.complete}, indent=1)

    @property
    def problem(self) -> str:
        """Why it is not known what the job read; empty when it is."""
        if not self.complete:
            return "what it read was not watched"
        return f"it read from {', '.join(self.unseen)}, which cannot be watched" if self.unseen else ""


def base(source: Source, given: Mapping[str, Any], environment: str) -> str:
    """What is known of a job before it runs, as one digest."""
    code = [[cell.cell_type, cell.source] for cell in source.node.cells if cell.cell_type == "code"]
    values = {name: written(value) for name, value in sorted(given.items())}
    where = str(source.path.parent.resolve())
    return _digest(json.dumps([code, values, environment, source.kernel, where]).encode())


def whole(before: str, inputs: Inputs) -> str:
    """The job's identity, once what it read is known."""
    return _digest(json.dumps([before, sorted(inputs.files.items())]).encode())


def read_inputs(notes: Path, home: Path) -> Inputs:
    """What the kernel told of, digested now. What the job wrote first and then read is no input."""
    try:
        text = notes.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return Inputs()
    lines = [tuple(line.partition(" ")[::2]) for line in text.splitlines()]
    begun = ("begin", "") in lines
    unseen = sorted({what for kind, what in lines if kind == "unseen"})
    written_first: set[str] = set()
    wanted: dict[str, str] = {}
    for kind, path in lines:
        if kind == "w" and path in wanted:
            unseen.append(f"{Path(path).name}, which it also wrote")
        if kind == "w":
            written_first.add(path)
        elif kind in "rd" and path not in written_first and _is_data(path, home):
            wanted[_source_of(path)] = kind
    files = {path: found for path in sorted(wanted) if (found := digest(Path(path)))}
    return Inputs(files, tuple(unseen), begun)


def changed(inputs: Inputs) -> str:
    """The first input that is not what it was; empty when all are."""
    return next((path for path, known in inputs.files.items() if digest(Path(path)) != known), "")


def load(text: str) -> Inputs:
    content = json.loads(text)
    return Inputs(content["files"], tuple(content["unseen"]), content["complete"])


def _source_of(path: str) -> str:
    """A module's source, where Python read what it had compiled from it."""
    file = Path(path)
    if file.suffix == ".pyc" and file.parent.name == "__pycache__":
        source = file.parent.parent / f"{file.name.partition('.')[0]}.py"
        return str(source) if source.is_file() else path
    return path


def _is_data(path: str, home: Path) -> bool:
    if path.startswith((f"{home}{os.sep}", "/etc/", "/usr/", "/run/", "/lib/", "/var/lib/")):
        return False
    try:
        own = Path(path).relative_to(Path.home()).parts[:1]
    except ValueError:
        own = ()
    return not own or own[0] not in _NOT_DATA


def digest(path: Path) -> str:
    """Of a file's content, or of a folder's names; empty where there is neither. `~` before it: known by its ends."""
    try:
        if path.is_dir():
            return _digest("\n".join(sorted(p.name for p in path.iterdir() if not p.name.startswith("."))).encode())
        if not path.is_file():
            return ""
        stat = path.stat()
        return _of_file(str(path), stat.st_size, stat.st_mtime_ns)
    except OSError:
        return ""


@cache
def _of_file(path: str, size: int, modified: int) -> str:
    hashed = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:  # noqa: PTH123
        if size <= _SAMPLED:
            while piece := file.read(_PIECE):
                hashed.update(piece)
            return hashed.hexdigest()
        hashed.update(f"{size} {modified}".encode())
        hashed.update(file.read(_PIECE))
        file.seek(-_PIECE, os.SEEK_END)
        hashed.update(file.read(_PIECE))
    return "~" + hashed.hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


_LOCK = (
    "import importlib.metadata as m; print('\\n'.join(sorted({d.name + '==' + d.version for d in m.distributions()})))"
)


def environment_lock(kernel: str) -> str:
    """Every distribution of the kernel's environment, pinned, one a line; the interpreter first, as a comment."""
    return _lock_of(_interpreter(kernel), _installed())


def environment_digest(lock: str) -> str:
    return _digest(lock.encode())


@cache
def _interpreter(kernel: str) -> str:
    from jupyter_client.kernelspec import KernelSpecManager

    try:
        words = KernelSpecManager().get_kernel_spec(kernel).argv
    except KeyError:
        return sys.executable
    return sys.executable if words[0] in ("python", "python3") else words[0]


def _installed() -> tuple[int, ...]:
    """Changes when a package is installed, upgraded or removed."""
    stamps = []
    for place in sys.path:
        if place.endswith("-packages"):
            try:
                stamps.append(Path(place).stat().st_mtime_ns)
            except OSError:
                continue
    return tuple(stamps)


@cache
def _lock_of(interpreter: str, _stamp: tuple[int, ...]) -> str:
    first = f"# Python {platform.python_version()} {platform.system()} {platform.machine()}"
    if Path(interpreter) == Path(sys.executable):
        return "\n".join([first, *sorted(_distributions())])
    try:
        asked = [interpreter, "-c", f"import platform; print('# Python', platform.python_version()); {_LOCK}"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return f"# {interpreter}: not a Python, so what is installed is not known"
    return done.stdout.strip()


def _distributions() -> set[str]:
    """From the names of their records: to read the hundreds of records themselves takes a second."""
    found = set()
    for place in sys.path:
        for record in Path(place).glob("*-info") if place and Path(place).is_dir() else ():
            name, _, version = record.name.rpartition(".")[0].partition("-")
            if version:
                found.add(f"{name.replace('_', '-')}=={version.partition('-py')[0]}")
    return found
