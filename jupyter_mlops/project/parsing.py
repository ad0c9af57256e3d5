"""The text of `mlops.yaml` into its types; every fault is named with its line, key and the nearest right key."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from jupyter_mlops.errors import BadInput, nearest
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
    faults = [_fault(e, node) for e in error.errors(include_url=False)]
    faults.sort(key=lambda f: f["line"] or 0)
    message = "\n".join(f"{where}, line {f['line']}: {f['key']}: {f['problem']}" for f in faults)
    fixes = [f["fix"] for f in faults if f["fix"]]
    return BadInput(message, "; ".join(fixes) or "mend those lines", code="bad-project-file", faults=faults)


def _fault(error: Any, node: Any) -> dict[str, Any]:
    where = [part for part in error["loc"] if part != "[key]"]
    key = ".".join(str(part) for part in where)
    line = _line(node, where)
    if error["type"] == "extra_forbidden":
        close = nearest(str(where[-1]), _keys_at(where[:-1]))
        fix = f"did you mean {close!r}?" if close else f"remove {where[-1]!r}"
        return {"line": line, "key": key, "problem": "unknown key", "fix": fix}
    if error["type"] == "missing":
        return {"line": line, "key": key, "problem": "is missing", "fix": f"add {where[-1]!r}"}
    problem = error["msg"].removeprefix("Value error, ")
    return {"line": line, "key": key, "problem": f"{problem} (got {error['input']!r})", "fix": ""}


def _line(node: Any, where: list[Any]) -> int | None:
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


def _keys_at(where: list[Any]) -> list[str]:
    """The keys that may stand at this place of the file, read from the types."""
    spec: Any = ProjectFile
    for part in where:
        if not (isinstance(spec, type) and issubclass(spec, BaseModel)):
            spec = _element(spec)
            continue
        field = spec.model_fields.get(str(part))
        if field is None:
            return []
        spec = field.annotation
    spec = _concrete(spec)
    return list(spec.model_fields) if isinstance(spec, type) and issubclass(spec, BaseModel) else []


def _element(annotation: Any) -> Any:
    """What one item of a list or a mapping is."""
    return _concrete(getattr(_concrete(annotation), "__args__", [annotation])[-1])


def _concrete(annotation: Any) -> Any:
    """`X | None` is X here."""
    options = [a for a in getattr(annotation, "__args__", []) if a is not type(None)]
    return options[0] if type(None) in getattr(annotation, "__args__", []) and options else annotation
