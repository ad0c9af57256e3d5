"""Where a project lives and what it declares, found by walking up from where one stands."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops import config
from jupyter_mlops.errors import BadInput, unknown
from jupyter_mlops.project.parsing import FILE, parse
from jupyter_mlops.project.specs import (
    Model,
    ProjectFile,
)

HOME = ".mlops"


@dataclass(frozen=True)
class Target:
    """One registered model: a model of the project, or one segment of it."""

    model: str
    segment: str | None
    spec: Model

    @property
    def name(self) -> str:
        """The registered model's name: `rul`, or `rul.plant-01` for a segment."""
        return f"{self.model}.{self.segment}" if self.segment else self.model

    @property
    def parameters(self) -> dict[str, Any]:
        """The training notebook's parameters for this target, the segment's own last."""
        own = self.spec.segments[self.segment].parameters if self.segment else {}
        segment = {"segment": self.segment} if self.segment else {}
        return {**self.spec.train.parameters, **segment, **own}


@dataclass(frozen=True)
class Project:
    """A project on disk. `root` is absolute; everything ours is below `home`."""

    root: Path
    file: ProjectFile

    @property
    def home(self) -> Path:
        return self.root / HOME

    @property
    def name(self) -> str:
        return self.file.project

    @property
    def tracking(self) -> str:
        """The MLflow URI, with a relative SQLite path made absolute from the project's root."""
        uri = self.file.tracking
        prefix = "sqlite:///"
        if uri.startswith(prefix) and not uri.startswith(prefix + "/"):
            return f"{prefix}{self.root / uri.removeprefix(prefix)}"
        return uri

    @property
    def database(self) -> Path:
        """The SQLite file of decisions and figures; MLflow's own file too when nothing else is named."""
        prefix = "sqlite:///"
        return Path(self.tracking.removeprefix(prefix)) if self.tracking.startswith(prefix) else self.home / "mlops.db"

    @property
    def storage(self) -> str:
        """Where rows and artifacts go: an absolute folder, or an fsspec URL as it is."""
        return self.file.storage if "://" in self.file.storage else str(self.root / self.file.storage)

    def targets(self, model: str | None = None) -> Iterator[Target]:
        """Every registered model this project declares, in the file's order; of one model if named."""
        for name in [model] if model else self.file.models:
            spec = self.model(name)
            for segment in spec.segments or [None]:
                yield Target(name, segment, spec)

    def model(self, name: str) -> Model:
        if name not in self.file.models:
            raise unknown("model", name, self.file.models)
        return self.file.models[name]

    def target(self, name: str) -> Target:
        """The target of a registered model's name (`rul` or `rul.plant-01`)."""
        model, _, segment = name.partition(".")
        spec = self.model(model)
        if segment and segment not in spec.segments:
            raise unknown(f"segment of {model}", segment, spec.segments)
        return Target(model, segment or None, spec)

    def path(self, text: str, target: Target) -> Path:
        """A path of `mlops.yaml` for one target. Only `{segment}` is replaced; nothing else is ever formatted."""
        filled = text.replace("{segment}", target.segment or "all")
        path = (self.root / filled).resolve()
        if not path.is_relative_to(self.root):
            raise BadInput(f"{filled!r} leaves the project folder", "name a path inside the project", path=filled)
        return path


def find(start: str | Path | None = None) -> Project:
    """The project around `start` (default: `MLOPS_PROJECT`, else the working directory, which becomes one).

    Raises BadInput when the folder is not there or `mlops.yaml` cannot be used.
    """
    named = start or config.project_dir()
    here = Path(named or ".").resolve()
    if not here.is_dir():
        raise BadInput(f"no such project folder: {here}", "name an existing folder with --project", path=str(here))
    if named:
        return load(here)
    return load(root_around(here))


def root_around(folder: Path) -> Path:
    """The project's folder: `MLOPS_PROJECT`, else the nearest one upwards, else this one. `mlops.yaml` is not read.

    What was left by trying something out once must not swallow every project below it. So `.mlops/` without an `mlops.yaml`
    counts only from within the same git repository, and not from below a home or a folder that anybody may write to.
    """
    named = config.project_dir()
    if named:
        return Path(named).resolve()
    here = folder.resolve()
    left_repository = False
    for place in [here, *here.parents]:
        kept = (place / HOME).is_dir() and not left_repository and (place == here or not _is_everybodys(place))
        if kept or (place / FILE).is_file():
            return place
        left_repository = left_repository or (place / ".git").exists()
    return here


def _is_everybodys(place: Path) -> bool:
    """A home, the root, `/tmp` and its like: folders that hold things which have nothing to do with each other."""
    home = os.path.realpath(os.path.expanduser("~"))  # noqa: PTH111  (where there is none, pathlib raises)
    return str(place) in (home, place.anchor) or bool(place.stat().st_mode & stat.S_IWOTH)


def load(root: Path) -> Project:
    """The project at exactly this folder; without an `mlops.yaml`, one that declares nothing."""
    root = root.resolve()
    path = root / FILE
    if not path.is_file():
        name = re.sub(r"[^A-Za-z0-9 _-]", "-", root.name).lstrip("-_ ") or "project"
        return Project(root, ProjectFile(version=1, project=name))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}", "make it a readable UTF-8 file", path=str(path)) from error
    return Project(root, parse(text, str(path)))
