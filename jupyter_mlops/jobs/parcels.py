"""A job for another process: the notebook, its local modules and parameters go there, the Job and executed notebook return.

The run itself travels through the tracking server. Where the worker sees the same folder, it works in it; else it unpacks.
"""

from __future__ import annotations

import ast
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from jupyter_mlops.errors import BadInput
from jupyter_mlops.jobs import surroundings
from jupyter_mlops.jobs.notebooks import Source, parse_source
from jupyter_mlops.jobs.supervise import run_task
from jupyter_mlops.jobs.tasks import Conditions, Task
from jupyter_mlops.kernels import learn
from jupyter_mlops.project import FILE, Project, load
from jupyter_mlops.records import Job
from jupyter_mlops.store import Store, open_store

_LARGEST = 64 << 20  # bytes of modules that travel; what is larger is data, and belongs in storage


@dataclass(frozen=True)
class Parcel:
    """`files` are modules by their path relative to `root`, the project's folder here."""

    task: Task
    content: bytes
    root: str
    declared: bytes
    tracking: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    base: str = ""
    lock: str = ""
    diff: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivered:
    """What a worker sends back; `executed` is the notebook as it ended."""

    job: Job
    executed: bytes

    def unpack(self, project: Project) -> Job:
        """The Job, its executed notebook among this project's own."""
        output = project.home / "jobs" / Path(self.job.output).name
        if self.executed and not output.is_file():
            output.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            output.write_bytes(self.executed)
        return self.job.model_copy(update={"output": str(output)})


Work = Callable[[Parcel], Delivered]


def pack(project: Project, task: Task, source: Source, conditions: Conditions) -> Parcel:
    declared = project.root / FILE
    return Parcel(
        task=task,
        content=source.content,
        root=str(project.root),
        declared=declared.read_bytes() if declared.is_file() else b"",
        tracking=project.tracking,
        files=_modules(project, source),
        env=conditions.env,
        parent=conditions.parent,
        base=conditions.base,
        lock=conditions.lock,
        diff=conditions.diff,
        tags=conditions.tags,
    )


def deliver(parcel: Parcel) -> Delivered:
    """Do a parcel's job here, the journal left where it is; `flows` has more to do."""
    with opened(parcel) as (store, task):
        return work_on(parcel, store, task)


def work_on(parcel: Parcel, store: Store, task: Task) -> Delivered:
    learn([task.notebook])
    conditions = Conditions(
        env=parcel.env,
        parent=parcel.parent,
        base=parcel.base,
        lock=parcel.lock,
        diff=parcel.diff,
        tags={**parcel.tags, **surroundings.host()},
        moved=True,
    )
    job = run_task(store, task, parse_source(task.notebook, parcel.content), conditions)
    output = Path(job.output)
    return Delivered(job, output.read_bytes() if output.is_file() else b"")


@contextlib.contextmanager
def opened(parcel: Parcel) -> Iterator[tuple[Store, Task]]:
    """The project and the task as they are here: in the sender's own folder where it is seen, else unpacked for the while."""
    _reachable(parcel.tracking)
    root = Path(parcel.root)
    if _same_folder(parcel):
        yield open_store(load(root)), parcel.task
        return
    with tempfile.TemporaryDirectory(prefix="mlops-job-") as folder:
        here = Path(folder)
        declared = yaml.safe_load(parcel.declared) if parcel.declared else {"version": 1, "project": root.name or "job"}
        (here / FILE).write_text(yaml.safe_dump({**declared, "tracking": parcel.tracking}), encoding="utf-8")
        notebook = here / _relative(parcel.task.notebook, root)
        for name, content in {**parcel.files, str(notebook.relative_to(here)): parcel.content}.items():
            place = (here / name).resolve()
            if not place.is_relative_to(here.resolve()):
                raise BadInput(f"{name!r} leaves the project's folder", "move it into the project")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        yield open_store(load(here)), replace(parcel.task, notebook=notebook)


def _reachable(tracking: str) -> None:
    prefix = "sqlite:///"
    if tracking.startswith(prefix) and not Path(tracking.removeprefix(prefix)).is_file():
        raise BadInput(
            f"worker {surroundings.host()['mlops.host']} does not see {tracking.removeprefix(prefix)}",
            "runs of a cluster need a tracking server: set `tracking: https://…` in mlops.yaml",
            field="tracking",
        )


def _same_folder(parcel: Parcel) -> bool:
    """Whether this machine sees the sender's project, with the very same notebook and modules in it."""
    root = Path(parcel.root)
    sent = {str(_relative(parcel.task.notebook, root)): parcel.content, **parcel.files}
    with contextlib.suppress(OSError):
        return os.access(root, os.W_OK) and all((root / name).read_bytes() == content for name, content in sent.items())
    return False


def _relative(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else Path(path.name)


def _modules(project: Project, source: Source) -> dict[str, bytes]:
    """The modules of the project that the notebook imports, and those that they import."""
    places = [source.path.parent, project.root]
    found: dict[str, bytes] = {}
    waiting = ["\n".join(line for line in cell.split("\n") if line[:1] not in "%!") for cell in source.code()]
    while waiting:
        for name in _imported(waiting.pop()):
            for file in _files_of(name, places):
                key = str(_relative(file, project.root))
                if key not in found and file.is_relative_to(project.root):
                    found[key] = file.read_bytes()
                    waiting.append(found[key].decode("utf-8", "replace"))
    if sum(map(len, found.values())) > _LARGEST:
        raise BadInput("the notebook's local modules are larger than 64 MB", "keep data out of the packages' folders")
    return found


def _imported(code: str) -> set[str]:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def _files_of(name: str, places: list[Path]) -> list[Path]:
    """A module's file, or every Python file of a package's folder."""
    for place in places:
        if (place / f"{name}.py").is_file():
            return [place / f"{name}.py"]
        if (place / name).is_dir() and any((place / name).glob("*.py")):
            return sorted((place / name).rglob("*.py"))
    return []
