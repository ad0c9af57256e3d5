"""Files to run a project's endpoints elsewhere: rendered from `mlops.yaml`, the same each time."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import sys
import textwrap
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from string import Template

import yaml

from jupyter_mlops import assets
from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import FILE, Project

PORT = 8090
MOST_REPLICAS = 4
_IMAGE = r"[a-z0-9][a-z0-9._/:@-]{0,254}"


def render(project: Project, image: str) -> dict[str, str]:
    """The text of each file by its name. BadInput when nothing is declared to be deployed, or nobody would be let in."""
    if not re.fullmatch(_IMAGE, image):
        raise BadInput(f"{image!r} cannot name an image", "such as registry.example.com/rul:1.4")
    models = [name for name, spec in project.file.models.items() if spec.deploy]
    if not models:
        raise BadInput("no model declares `deploy`", "add `deploy: {endpoint: NAME}` to a model in mlops.yaml")
    if not project.file.auth.declared:
        raise BadInput(
            "mlops.yaml declares no API key and no `auth.jwt`, and an endpoint elsewhere answers nobody without",
            "make one with `jupyter mlops key NAME` and declare it under auth.keys",
        )
    text = (project.root / FILE).read_text(encoding="utf-8")
    words = _words(project, image, models, text)
    folder = assets.templates() / "deploy"
    files = {path.name: _filled(path, words) for path in sorted(folder.iterdir()) if path.is_file()}
    return {**files, "requirements.txt": _requirements(), FILE: text}


def differences(files: dict[str, str], folder: Path) -> str:
    """What writing these files would change in the folder, as a unified diff; empty when nothing."""
    found: list[str] = []
    for name, text in files.items():
        there = folder / name
        before = there.read_text(encoding="utf-8").splitlines(keepends=True) if there.is_file() else []
        found += difflib.unified_diff(before, text.splitlines(keepends=True), f"{name} (there)", f"{name} (rendered)")
    return "".join(found)


def write(files: dict[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _words(project: Project, image: str, models: list[str], text: str) -> dict[str, str]:
    """One server is all that a SQLite file allows; with a tracking server there may be several."""
    alone = project.tracking.startswith("sqlite:")
    serve = ["jupyter-mlops", "serve", *models, "--host", "0.0.0.0", "--port", str(PORT)]  # noqa: S104  (in a container, with keys)
    name = re.sub(r"[^a-z0-9-]+", "-", project.name.lower()).strip("-")[:40].strip("-") or "project"
    files = {FILE: text, **_beside(project)}
    return {
        "project": project.name,
        "project_label": json.dumps(name),
        "name": f"{name}-models",
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "port": str(PORT),
        "image": image,
        "command": json.dumps(serve),
        "replicas": "1" if alone else "2",
        "most_replicas": "1" if alone else str(MOST_REPLICAS),
        "strategy": "Recreate" if alone else "RollingUpdate",
        "access_mode": "ReadWriteOnce" if alone else "ReadWriteMany",
        "files": _lines({_key(place): content for place, content in files.items()}),
        "mounts": json.dumps(_mounts(list(files))),
        "env": json.dumps(_environment(project, name)),
        "digest": json.dumps(hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]),
    }


def _beside(project: Project) -> dict[str, str]:
    """The files that `mlops.yaml` names and a server needs: policies, and the public keys of tokens."""
    jwt = project.file.auth.jwt
    named = [*project.file.policies, *([jwt.public_key or jwt.jwks] if jwt else [])]
    found = {}
    for name in filter(None, named):
        path = (project.root / name).resolve()
        if not path.is_relative_to(project.root) or not path.is_file():
            raise BadInput(f"mlops.yaml names {name!r}, and there is no such file in the project", "correct its name")
        found[path.relative_to(project.root).as_posix()] = path.read_text(encoding="utf-8")
    return found


def _lines(files: dict[str, str]) -> str:
    """As block texts, line by line, so that a change of one line is a difference of one line."""
    written = yaml.safe_dump(files, default_style="|", allow_unicode=True, width=float("inf"), sort_keys=False)
    return "\n" + textwrap.indent(written, "  ").rstrip()


def _key(place: str) -> str:
    """A file's name among the keys of a ConfigMap, which hold no slash."""
    return re.sub(r"[^A-Za-z0-9._-]+", ".", place)


def _mounts(places: list[str]) -> list[dict[str, object]]:
    """Each file where the project has it, then what is written."""
    own = [{"name": "project", "mountPath": f"/project/{p}", "subPath": _key(p), "readOnly": True} for p in places]
    return [*own, {"name": "state", "mountPath": "/project/.mlops"}, {"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108  (in a container, a volume of its own)


def _environment(project: Project, name: str) -> list[dict[str, object]]:
    """The secret of tokens, from a Secret that whoever deploys makes: it is in no file of ours."""
    variable = project.file.auth.jwt.secret_env if project.file.auth.jwt else None
    where = {"secretKeyRef": {"name": f"{name}-models-secrets", "key": variable}}
    return [{"name": variable, "valueFrom": where}] if variable else []


def _filled(path: Path, words: dict[str, str]) -> str:
    return Template(path.read_text(encoding="utf-8")).substitute(words)


@cache
def _requirements() -> str:
    """What is installed here, to the version; what was installed from a folder is named by its version too."""
    known = [found.metadata for found in distributions()]  # each look at it reads its file again
    pins = {f"{one['Name']}=={one['Version']}" for one in known if one["Name"]}
    return "\n".join(sorted(pins, key=str.lower)) + "\n"
