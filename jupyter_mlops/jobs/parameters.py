"""The cell tagged `parameters` is a schema: names, types, defaults. What does not fit is refused before a kernel starts.

A parameter's name becomes code in the notebook, so it must be a plain identifier of that cell; a value never does.
"""

from __future__ import annotations

import ast
import keyword
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput, unknown

TAG = "parameters"
_KINDS: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "list": list,
    "dict": dict,
}


@dataclass(frozen=True)
class Parameter:
    """`kind` is str, int, float, bool, list, dict, or empty where anything may stand; `choices` come from a Literal."""

    name: str
    default: Any
    kind: str = ""
    choices: tuple[Any, ...] = ()
    optional: bool = False


def read_notebook(path: Path) -> Any:
    """The notebook, valid and of format 4; anything else is a BadInput that says what it is."""
    import nbformat

    if not path.is_file():
        raise BadInput(
            f"there is no notebook {path}", "check the path; it is relative to where you are", path=str(path)
        )
    try:
        notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    except (nbformat.reader.NotJSONError, UnicodeDecodeError, KeyError, AttributeError) as error:
        raise BadInput(f"{path.name} is not a notebook: {str(error)[:120]}", "give an .ipynb file") from error
    if notebook.get("nbformat") != 4:
        raise BadInput(
            f"{path.name} is of notebook format {notebook.get('nbformat')}, not 4",
            f"convert it: `jupyter nbconvert --to notebook {path.name}`",
        )
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise BadInput(
            f"{path.name} is not a valid notebook: {error.message[:120]}", "open and save it once"
        ) from error
    return notebook


def schema(path: Path) -> dict[str, Parameter]:
    """The parameters a notebook declares; empty when no cell is tagged."""
    cells = [c for c in read_notebook(path).cells if TAG in c.metadata.get("tags", []) and c.cell_type == "code"]
    if len(cells) > 1:
        raise BadInput(f"{path.name} has {len(cells)} cells tagged 'parameters'", "leave the tag on one of them")
    if not cells:
        return {}
    try:
        tree = ast.parse(cells[0].source)
    except SyntaxError as error:
        raise BadInput(f"the parameters cell of {path.name}, line {error.lineno}: {error.msg}", "mend it") from error
    found = (_parameter(statement) for statement in tree.body)
    return {parameter.name: parameter for parameter in found if parameter}


def _parameter(statement: ast.stmt) -> Parameter | None:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        name, value, annotation = statement.target.id, statement.value, statement.annotation
    elif (
        isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name)
    ):
        name, value, annotation = statement.targets[0].id, statement.value, None
    else:
        return None
    try:
        default = ast.literal_eval(value)
    except ValueError:
        return Parameter(name, None)
    kind, choices, optional = _annotation(annotation)
    return Parameter(name, default, kind or _kind_of(default), choices, optional or default is None)


def _annotation(node: ast.expr | None) -> tuple[str, tuple[Any, ...], bool]:
    """Kind, choices and whether None may stand, of `int`, `float | None`, `list[str]`, `Literal["a", "b"]`."""
    if isinstance(node, ast.BinOp):
        sides = [node.left, node.right]
        rest = [s for s in sides if not (isinstance(s, ast.Constant) and s.value is None)]
        kind, choices, optional = _annotation(rest[0]) if len(rest) == 1 else ("", (), False)
        return kind, choices, optional or len(rest) == 1
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        if node.value.id == "Literal":
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return "", tuple(ast.literal_eval(item) for item in items), False
        return _annotation(node.value)
    return (node.id if isinstance(node, ast.Name) and node.id in _KINDS else ""), (), False


def _kind_of(value: Any) -> str:
    return type(value).__name__ if type(value).__name__ in _KINDS else ""


def check(declared: Mapping[str, Parameter], given: Mapping[str, Any], notebook: str) -> None:
    """Raises BadInput for the first given parameter that the notebook does not declare, or whose value does not fit."""
    for name, value in given.items():
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
            raise BadInput(f"{name!r} cannot be a parameter's name", "use a plain identifier of the parameters cell")
        if not declared:
            raise BadInput(
                f"{notebook} takes no parameters, but {name!r} was given",
                "tag the cell that assigns them with 'parameters'",
            )
        if name not in declared:
            raise unknown(f"parameter of {notebook}", name, declared)
        _check_data(name, value)
        _check_value(declared[name], value)


def _check_value(parameter: Parameter, value: Any) -> None:
    if value is None and parameter.optional:
        return
    if parameter.choices and value not in parameter.choices:
        choices = ", ".join(repr(choice) for choice in parameter.choices)
        raise BadInput(f"{parameter.name}={value!r} is not a choice", f"choose one of: {choices}", name=parameter.name)
    wanted = _KINDS.get(parameter.kind)
    fits = wanted is None or (isinstance(value, wanted) and (parameter.kind == "bool" or not isinstance(value, bool)))
    if not fits:
        raise BadInput(
            f"{parameter.name}={value!r} is {type(value).__name__}, not {parameter.kind}",
            f"give {parameter.name} as {parameter.kind}, like {parameter.default!r}",
            name=parameter.name,
        )


def _check_data(name: str, value: Any) -> None:
    """Parameters are data: exactly JSON's types, no subclass whose own methods would run when it is written down."""
    if type(value) in (str, int, bool, type(None)):
        return
    if type(value) is float and math.isfinite(value):
        return
    if type(value) is list:
        for item in value:
            _check_data(name, item)
    elif type(value) is dict:
        for key, item in value.items():
            _check_data(name, key)
            _check_data(name, item)
    else:
        raise BadInput(
            f"{name}: {value!r} is {type(value).__name__}, which is not plain data",
            "give text, numbers, true/false, null, lists or mappings of them",
            name=name,
        )
