"""The text of `mlops.yaml` into its types; every fault is named with its line, key and the nearest right key."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import ValidationError

from jupyter_mlops.errors import BadInput
from jupyter_mlops.project.faults import faults
from jupyter_mlops.project.specs import ProjectFile

FILE = "mlops.yaml"


def parse(text: str, where: str = FILE) -> ProjectFile:
    """The typed file. Every fault is a BadInput that names line, key and the nearest right key."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or str(error)
        raise BadInput(f"{where}, line {line}: not valid YAML: {problem}", "mend that line", line=line) from error
    if not isinstance(content, dict):
        raise BadInput(f"{where}: holds no settings", "start it with `version: 1` and `project: NAME`", line=1)
    try:
        return ProjectFile.model_validate(content)
    except ValidationError as error:
        raise _explain(error, node, where) from None


def _explain(error: ValidationError, node: Any, where: str) -> BadInput:
    found = sorted(((_line(node, fault.where), fault) for fault in faults(error, ProjectFile)), key=lambda f: f[0])
    message = "\n".join(f"{where}, line {line}: {fault.key or 'project'}: {fault.problem}" for line, fault in found)
    fixes = "; ".join(fault.fix for _, fault in found if fault.fix)
    details = [{"line": line, "key": f.key, "problem": f.problem, "fix": f.fix} for line, f in found]
    return BadInput(message, fixes or "mend those lines", code="bad-project-file", faults=details)


def _line(node: Any, where: tuple[str | int, ...]) -> int:
    """The line of the deepest part of `where` that is in the file."""
    line: int = node.start_mark.line + 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
