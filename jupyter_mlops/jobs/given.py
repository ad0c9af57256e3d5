"""Parameters as people write them: words on the command line and files, read by what the notebook declares.

YAML's older habits are left out, since each alters what was typed: `no` stays text, `0123` too, a date stays its text.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from jupyter_mlops.errors import BadInput, unknown
from jupyter_mlops.jobs.kinds import Kind
from jupyter_mlops.jobs.parameters import Parameter
from jupyter_mlops.project import parse_duration

_NONE = ("null", "Null", "NULL", "~", "None")


class _Core(yaml.SafeLoader):
    """YAML 1.2's core schema, and no key twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool | None):
                raise yaml.constructor.ConstructorError(None, None, "a key is not a plain word", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


for _tag, _form, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN", list("-+.")),
):
    _Core.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_form})$"), _first)


def read_value(text: str, parameter: Parameter | None) -> Any:
    """One value as it was typed: exactly that text where the notebook wants text, else what it says as YAML."""
    options = parameter.kind.options() if parameter else (Kind(),)
    if parameter and parameter.optional and text in _NONE:
        return None
    choices = [c for kind in options for c in kind.choices]
    if text in choices:
        return text
    value = text if _wants_text(options) else _yaml(text, parameter.name if parameter else "value")
    fits = not parameter or any(not kind.problem(value) for kind in options)
    return text if not fits and any(kind.name == "str" for kind in options) else value


def _wants_text(options: Sequence[Kind]) -> bool:
    return all(kind.name in ("str", "date", "datetime") for kind in options)


def _yaml(text: str, name: str) -> Any:
    try:
        return yaml.load(text, _Core)  # noqa: S506  # a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = getattr(error, "problem", None) or error
        raise BadInput(
            f"{name}: {text!r} cannot be read: {problem}", "put text that looks like YAML in quotes"
        ) from error


def read_duration(word: Any, name: str = "timeout") -> timedelta:
    """`10m`, or seconds; a BadInput that names it where it is neither, or no time at all."""
    try:
        found = parse_duration(word)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadInput(f"{name}: {error}", "write it as 10m", name=name) from error
    if found <= timedelta(0):
        raise BadInput(f"{name} {word} leaves no time", "write it as 10m", name=name)
    return found


def read_words(words: Sequence[str], declared: Mapping[str, Parameter], notebook: str) -> dict[str, Any]:
    """`NAME=VALUE` of each word."""
    given: dict[str, Any] = {}
    for word in words:
        name, text = _pair(word, "-p")
        if name in given:
            raise BadInput(f"-p {name} is given twice", "give it once, or several values with --matrix")
        given[name] = read_value(text, _declared(declared, name, notebook))
    return given


def read_file(path: Path) -> dict[str, Any]:
    """The parameters of a YAML or JSON file."""
    fix = "give a YAML or JSON file of parameters"
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = json.loads(text, object_pairs_hook=_once) if path.suffix == ".json" else yaml.load(text, _Core)  # noqa: S506
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise BadInput(f"-f {path} cannot be read: {error}", fix) from error
    if not isinstance(content, dict):
        raise BadInput(f"-f {path} holds no mapping of names to values", "write `horizon: 30`, a line each")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} stands twice")
    return found


class Matrix:
    """The product of values; counted before anything is made of it."""

    def __init__(self, words: Sequence[str], declared: Mapping[str, Parameter], notebook: str) -> None:
        self.axes: dict[str, list[Any]] = {}
        for word in words:
            name, text = _pair(word, "--matrix")
            if name in self.axes:
                raise BadInput(f"--matrix {name} is given twice", f"write its values once: --matrix {name}=A,B")
            self.axes[name] = _values(name, text, _declared(declared, name, notebook))

    @property
    def count(self) -> int:
        count = 1
        for values in self.axes.values():
            count *= len(values)
        return count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for values in itertools.product(*self.axes.values()):
            yield dict(zip(self.axes, values, strict=True))


def _values(name: str, text: str, parameter: Parameter | None) -> list[Any]:
    """`A,B`, or a YAML list where a value holds a comma."""
    whole = _yaml(text, name) if text.lstrip().startswith("[") else None
    values = whole if isinstance(whole, list) else [read_value(part, parameter) for part in text.split(",")]
    if not text or not values:
        raise BadInput(f"--matrix {name} has no values", f"write it as --matrix {name}=A,B")
    doubled = next((v for i, v in enumerate(values) if any(repr(v) == repr(w) for w in values[:i])), None)
    if doubled is not None:
        raise BadInput(f"--matrix {name} holds {doubled!r} twice", "each combination is one job; name each value once")
    return values


def _declared(declared: Mapping[str, Parameter], name: str, notebook: str) -> Parameter | None:
    if declared and name not in declared and name.isidentifier():
        raise unknown(f"parameter of {notebook}", name, declared)
    return declared.get(name)


def _pair(word: str, option: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise BadInput(f"{option} {word!r} is not NAME=VALUE", f"write it as {option} horizon=30")
    return name, value
