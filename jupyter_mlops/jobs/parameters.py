"""The cell tagged `parameters` is a schema: names, types, defaults. What does not fit is refused before a kernel starts.

A parameter's name becomes code in the notebook, so it must be a plain identifier of that cell; a value never does.
"""

from __future__ import annotations

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput, unknown
from jupyter_mlops.jobs.hints import hinted
from jupyter_mlops.jobs.kinds import Kind, kind_of_annotation, kind_of_default
from jupyter_mlops.jobs.literals import NotPlain, constant
from jupyter_mlops.jobs.notebooks import TAG, Source, read_source
from jupyter_mlops.jobs.values import as_declared, plain_data

_MAGIC = re.compile(r"^\s*[%!]")
_OTHER_LANGUAGE = re.compile(r"^\s*(?:const |let |var |val )?([A-Za-z_]\w*)\s*(?:<-|=)[^=]", re.MULTILINE)


@dataclass(frozen=True)
class Parameter:
    """`default` is None where only running the cell would tell it; `required` has none at all."""

    name: str
    default: Any
    kind: Kind = field(default_factory=Kind)
    optional: bool = False
    required: bool = False
    computed: bool = False
    help: str = ""

    def described(self) -> dict[str, Any]:
        """As `--parameters --json` and the form in JupyterLab have it."""
        kind = self.kind
        return {
            "name": self.name,
            "type": str(kind) if not kind.choices else "choice",
            "default": self.default,
            "required": self.required,
            "optional": self.optional,
            "choices": list(kind.choices),
            "minimum": kind.low,
            "maximum": kind.high,
            "exclusive_minimum": kind.low_open,
            "exclusive_maximum": kind.high_open,
            "help": self.help,
        }


def schema(path: Path) -> dict[str, Parameter]:
    """The parameters a notebook declares; empty when no cell is tagged."""
    return schema_of(read_source(path))


def schema_of(source: Source) -> dict[str, Parameter]:
    cells = [c for c in source.node.cells if TAG in c.metadata.get("tags", []) and c.cell_type == "code"]
    name = source.path.name
    if len(cells) > 1:
        raise BadInput(f"{name} has {len(cells)} cells tagged 'parameters'", "leave the tag on one of them")
    if not cells:
        return {}
    text = str(cells[0].source)
    if source.language not in ("python", "ipython", ""):
        return {n: Parameter(n, None, computed=True) for n in _OTHER_LANGUAGE.findall(text)}
    text = "\n".join("" if _MAGIC.match(line) else line for line in text.split("\n"))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line, what = getattr(error, "lineno", "?"), getattr(error, "msg", str(error))
        raise BadInput(f"the parameters cell of {name}, line {line}: {what}", "mend it") from error
    comments = _comments(text)
    found: dict[str, Parameter] = {}
    for statement in tree.body:
        note = comments.get(statement.end_lineno or statement.lineno, "")
        found |= {p.name: p for p in _parameters(statement, note)}
    return found


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {t.start[0]: t.string.lstrip("#").strip() for t in tokens if t.type == tokenize.COMMENT}


def _parameters(statement: ast.stmt, note: str) -> Iterator[Parameter]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield _parameter(statement.target.id, statement.value, statement.annotation, note)
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _assigned(target, statement.value, note)


def _assigned(target: ast.expr, value: ast.expr, note: str) -> Iterator[Parameter]:
    """`a = 1`, `a = b = 1` and `a, b = 1, 2`."""
    if isinstance(target, ast.Name):
        yield _parameter(target.id, value, None, note)
    elif isinstance(target, ast.Tuple | ast.List):
        same = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        for i, item in enumerate(target.elts):
            yield from _assigned(item, value.elts[i] if same else ast.Name("_"), "")  # type: ignore[attr-defined]


def _parameter(name: str, value: ast.expr | None, annotation: ast.expr | None, note: str) -> Parameter:
    kind, optional = kind_of_annotation(annotation)
    if value is None:
        return Parameter(name, None, hinted(note, kind, None), optional, required=True, help=note)
    try:
        default = constant(value)
    except NotPlain:
        return Parameter(name, None, kind, optional, computed=True, help=note)
    declared = kind if kind.name or kind.choices else kind_of_default(default)
    return Parameter(name, default, hinted(note, declared, default), optional or default is None, help=note)


def check(declared: Mapping[str, Parameter], given: Mapping[str, Any], notebook: str) -> dict[str, Any]:
    """The given parameters as the notebook will have them. Raises BadInput for the first that does not fit.

    A date may be given as text; everything else arrives as it is.
    """
    fitting: dict[str, Any] = {}
    for name, value in given.items():
        _check_name(declared, name, notebook)
        fitting[name] = _fitting(declared[name], value)
    missing = [p.name for p in declared.values() if p.required and p.name not in given]
    if missing:
        raise BadInput(
            f"{notebook} needs a value for {', '.join(missing)}", f"give it, as in -p {missing[0]}=…", name=missing[0]
        )
    return fitting


def _check_name(declared: Mapping[str, Parameter], name: Any, notebook: str) -> None:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
        raise BadInput(f"{name!r} cannot be a parameter's name", "use a plain identifier of the parameters cell")
    if not declared:
        raise BadInput(
            f"{notebook} takes no parameters, but {name!r} was given",
            "tag the cell that assigns them with 'parameters'",
        )
    if name not in declared:
        raise unknown(f"parameter of {notebook}", name, declared)


def _fitting(parameter: Parameter, value: Any) -> Any:
    value = as_declared(plain_data(parameter.name, value), parameter.kind)
    if value is None and (parameter.optional or (not parameter.kind.name and not parameter.kind.choices)):
        return None
    problem = parameter.kind.problem(value)
    if not problem:
        return value
    shown = repr(value) if len(repr(value)) < 200 else f"{repr(value)[:200]}…"
    raise BadInput(f"{parameter.name}={shown} {problem}", _fix(parameter), name=parameter.name)


def _fix(parameter: Parameter) -> str:
    kind = parameter.kind
    if kind.choices:
        return f"choose one of: {', '.join(map(repr, kind.choices))}"
    example = "" if parameter.default is None else f", like {parameter.default!r}"
    within = f" with {kind.range}" if kind.range else ""
    return f"give {parameter.name} as {kind}{within}{example}"
