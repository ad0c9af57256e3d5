"""Where the files that ship beside the code are: inside the installed package, else beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlops.errors import unknown

_PACKAGE = Path(__file__).resolve().parent


def templates() -> Path:
    """The folder of templates. A wheel carries it inside the package, an editable install has it beside."""
    inside = _PACKAGE / "templates"
    return inside if inside.is_dir() else _PACKAGE.parent / "templates"


def project_templates() -> list[str]:
    """The names `quickstart --template` takes."""
    return sorted(p.parent.name for p in templates().glob("*/mlops.yaml"))


def project_template(name: str) -> Path:
    """The folder of one project template; an unknown name is refused with the nearest right one."""
    known = project_templates()
    if name not in known:
        raise unknown("template", name, known)
    return templates() / name


def takes_data(name: str) -> bool:
    """Whether a template can be made on files of one's own: its `prepare.py` has the option `--data`."""
    return '"--data"' in (project_template(name) / "prepare.py").read_text(encoding="utf-8")


def dashboards() -> Path:
    """The folder of the Voila notebooks that every project gets."""
    return templates() / "dashboards"
