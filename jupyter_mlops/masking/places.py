"""Where in Python's syntax a text is a secret: what is bound to a secret's name, compared with one, or given to a login."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from jupyter_mlops.masking.shell import mask_command
from jupyter_mlops.masking.texts import MASK, is_secret_name, mask, opens


class Place(NamedTuple):
    """From here to there (lines from 1, columns in bytes) stands a secret; `text` is what may stand there instead."""

    line: int
    column: int
    last_line: int
    last_column: int
    text: str


def secrets_of(tree: ast.Module) -> list[Place]:
    """Every place of a secret; places may lie within each other, the outer first."""
    found: list[Place] = []
    for node in ast.walk(tree):
        rule = _RULES.get(type(node))
        if rule is not None:
            found += [_place(secret) for secret in rule(node)]
        if isinstance(node, ast.BinOp | ast.Call | ast.Constant):
            found += _joined(node)
    return found


def _place(node: ast.expr, text: str = MASK) -> Place:
    literal = repr(text.encode() if isinstance(node, ast.Constant) and isinstance(node.value, bytes) else text)
    return Place(node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0, literal)


# What of an expression is a secret, when its value goes under a secret's name.

_THROUGH = frozenset(
    [
        "str",
        "bytes",
        "bytearray",
        "b64decode",
        "b64encode",
        "quote",
        "quote_plus",
        "unquote",
        "join",
        "format",
        "encode",
    ]
) | {"decode", "strip", "lower", "upper", "replace"}
"""Functions and methods whose answer is made of the texts they are given."""
_ASKING = frozenset(["get", "getenv", "pop", "setdefault", "getattr"])
"""Of these the first argument is a name, and the next what stands for it where it is not there."""


def _texts(node: ast.expr | None) -> Iterator[ast.expr]:
    """The texts that the value of an expression is made of."""
    match node:
        case ast.Constant(value=str() | bytes()):
            if re.search(r"\w", str(node.value)[0 if isinstance(node.value, str) else 1 :]):
                yield node
        case ast.JoinedStr():
            if any(isinstance(part, ast.Constant) and re.search(r"\w{3}", str(part.value)) for part in node.values):
                yield node
        case ast.BinOp(op=ast.Add() | ast.Mod()):
            yield from _all((node.left, node.right))
        case ast.IfExp():
            yield from _all((node.body, node.orelse))
        case ast.BoolOp():
            yield from _all(node.values)
        case ast.NamedExpr() | ast.Await() | ast.Starred():
            yield from _texts(node.value)
        case ast.Call():
            yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[ast.expr]:
    name = _name(node.func)
    if name in _THROUGH:
        if isinstance(node.func, ast.Attribute):
            yield from _texts(node.func.value)
        yield from _all(_members(node.args))
    elif name in _ASKING and not re.search(r"(?i)secret|vault|keyring", _name(getattr(node.func, "value", None))):
        yield from _all(node.args[1:])


def _all(nodes: Iterable[ast.expr | None]) -> Iterator[ast.expr]:
    for node in nodes:
        yield from _texts(node)


def _members(nodes: Iterable[ast.expr]) -> list[ast.expr]:
    """These, and those that lists and tuples of them hold."""
    return [
        part for node in nodes for part in (node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node])
    ]


def _held(name: str, node: ast.expr | None) -> Iterator[ast.expr]:
    """What is bound to this name: a text, or a collection of some where the name says what kind of thing is in it."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict):
        if opens(name):
            yield from _all(node.values if isinstance(node, ast.Dict) else node.elts)
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2:  # a user and a password
            yield from _texts(node.elts[1])
    else:
        yield from _texts(node)


# Names.


def _name(node: ast.expr | None) -> str:
    """The last part of a name, an attribute, or an item that a text names."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.Starred():
            return _name(node.value)
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key
        case ast.Constant(value=str(text)):
            return text
        case ast.Call():
            return _name(node.args[0]) if _name(node.func) in _ASKING and node.args else ""
    return ""


def _is_secret(node: ast.expr | None) -> bool:
    return is_secret_name(_name(node))


# A rule for each kind of node.


def _bound(node: Any) -> Iterator[ast.expr]:
    """`password = …`, also by annotation, `:=` and `+=`."""
    for target in getattr(node, "targets", None) or [node.target]:
        yield from _matched(target, node.value)


def _matched(target: ast.expr, value: ast.expr | None) -> Iterator[ast.expr]:
    """Each name with its value; where the values are not told apart, all are the secret's."""
    if isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        if len(values) == len(target.elts) and not any(isinstance(one, ast.Starred) for one in target.elts):
            for one, its in zip(target.elts, values, strict=True):
                yield from _matched(one, its)
        elif any(_is_secret(one) for one in target.elts):
            yield from _all(_members([value] if value else []))
    elif _is_secret(target):
        yield from _held(_name(target), value)


def _looped(node: ast.For | ast.comprehension) -> Iterator[ast.expr]:
    """`for password in ["…", "…"]`."""
    if _is_secret(node.target) and opens(_name(node.target)):
        yield from _all(_members([node.iter]))


def _given(node: ast.keyword) -> Iterator[ast.expr]:
    if node.arg and is_secret_name(node.arg):
        yield from _held(node.arg, node.value)


def _listed(node: ast.Dict) -> Iterator[ast.expr]:
    for key, value in zip(node.keys, node.values, strict=True):
        if key is not None and _is_secret(key):
            yield from _held(_name(key), value)


def _defaults(node: ast.arguments) -> Iterator[ast.expr]:
    places = [*node.posonlyargs, *node.args]
    pairs = [
        *zip(places[len(places) - len(node.defaults) :], node.defaults, strict=True),
        *zip(node.kwonlyargs, node.kw_defaults, strict=True),
    ]
    for argument, value in pairs:
        if is_secret_name(argument.arg):
            yield from _held(argument.arg, value)


def _compared(node: ast.Compare) -> Iterator[ast.expr]:
    """`password == "…"`, on either side, and `in ("…", "…")`. What a token of a text is compared with is a word."""
    if not all(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops):
        return
    sides = [node.left, *node.comparators]
    names = [_name(side) for side in sides if not isinstance(side, ast.Constant) and _is_secret(side)]
    for text in _all(_members(sides)) if names else ():
        if any(map(opens, names)) or _is_random(text):
            yield text


def _cases(node: ast.Match) -> Iterator[ast.expr]:
    """`match password: case "…"`."""
    if opens(_name(node.subject)) and _is_secret(node.subject):
        patterns = [part for case in node.cases for part in ast.walk(case.pattern)]
        yield from _all(part.value for part in patterns if isinstance(part, ast.MatchValue))


def _is_random(node: ast.expr) -> bool:
    """As long and as mixed as words are not."""
    return isinstance(node, ast.Constant) and bool(re.fullmatch(r"(?=.*\d)(?=.*[A-Za-z])\S{12,}", str(node.value)))


_LOGGING_IN = re.compile(
    r"(?i)(?:log|sign)_?(?:in|on)|authenticate|auth|basic_?auth|basicauth|httpbasicauth|httpdigestauth"
)
_SETTING = re.compile(r"(?i)(?:set|with|use|check|verify|hash|encrypt|change|update|reset)_?(?=\w)")
_KEPT = re.compile(r"(?=[A-Z])\w*(?:Credentials?|Secret|SecretStr|SecretBytes|Password|ApiKey|Auth)")
_FILE = re.compile(r"[/\\]|\.\w{2,4}$")


def _called(node: ast.Call) -> Iterator[ast.expr]:
    name = _name(node.func) if not isinstance(node.func, ast.Call) else ""
    if _LOGGING_IN.fullmatch(name):
        yield from _all(node.args[1:] or node.args)
    elif name in ("login_user", "connect") and len(node.args) > 2:  # of a database: host, user, password
        yield from _texts(node.args[2])
    elif _SETTING.match(name) and is_secret_name(name) and (opens(name) or name.endswith("token")):
        yield from _all(node.args[-1:])
    elif _KEPT.fullmatch(name):
        yield from (one for one in _all(node.args) if not _FILE.search(_name(one)))
    elif name in _ASKING | {"setattr", "putenv", "setenv", "set", "add", "add_header", "putheader"}:
        places = [n for n, one in enumerate(node.args[:2]) if isinstance(one, ast.Constant) and _is_secret(one)]
        yield from _all(node.args[places[-1] + 1 :] if places else [])


def _paired(node: ast.List | ast.Call) -> Iterator[ast.expr]:
    """`[("user", "ann"), ("password", "…")]`, `append(("X-Api-Key", "…"))`."""
    for part in node.elts if isinstance(node, ast.List) else node.args:
        match part:
            case ast.Tuple(elts=[ast.Constant(value=str(name)), second]) if opens(name) and is_secret_name(name):
                yield from (one for one in _texts(second) if not _name(one).isidentifier() or _is_mixed(_name(one)))


def _is_mixed(word: str) -> bool:
    return bool(re.search(r"\d", word))


def _either(*rules: Callable[[Any], Iterator[ast.expr]]) -> Callable[[Any], Iterator[ast.expr]]:
    return lambda node: (one for rule in rules for one in rule(node))


_RULES: dict[type[ast.AST], Callable[[Any], Iterator[ast.expr]]] = {
    ast.Assign: _bound,
    ast.AnnAssign: _bound,
    ast.AugAssign: _bound,
    ast.NamedExpr: _bound,
    ast.For: _looped,
    ast.comprehension: _looped,
    ast.keyword: _given,
    ast.Dict: _listed,
    ast.arguments: _defaults,
    ast.Compare: _compared,
    ast.Match: _cases,
    ast.List: _paired,
    ast.Call: _either(_called, _paired),
}


# Texts that are made of several, and only then look like a secret; and commands that a program runs.

_RUNNING = frozenset(
    ["system", "popen", "run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput"]
)


def _joined(node: ast.expr) -> Iterator[Place]:
    if isinstance(node, ast.Call) and _name(node.func) in _RUNNING and node.args:
        yield from _commanded(node.args[0])
        return
    text = _constant(node)
    if text is not None and len(text) < 10_000 and (masked := mask(text)) != text:
        yield _place(node, masked)


def _constant(node: ast.expr) -> str | None:
    """The text that an expression is, if nothing in it is a variable."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _glued((left, right))
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str(text)), right=right):
            return _filled(text, _members([right]))
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="join"), args=[one]):
            return _glued(_members([one]), text)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format"), args=given, keywords=[]):
            return _filled(re.sub(r"\{\d*\}", "%s", text.replace("%", "%%")), given)
    return None


def _glued(nodes: Iterable[ast.expr], between: str = "") -> str | None:
    texts = [_constant(node) for node in nodes]
    return None if None in texts else between.join(str(text) for text in texts)


def _filled(text: str, nodes: list[ast.expr]) -> str | None:
    """As `%` fills it in, with a letter for what is not known."""
    try:
        return str(text % tuple(_constant(node) or "x" for node in nodes))
    except (TypeError, ValueError, KeyError):
        return None


def _commanded(node: ast.expr) -> Iterator[Place]:
    """`run(["curl", "-u", "ann:…"])`, `system("mysql -p…")`."""
    words = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    texts = [one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else "x" for one in words]
    before = ""
    for one, text in zip(words, texts, strict=True):
        masked = mask_command(f"{before}{text}").removeprefix(before)
        if masked != text and isinstance(one, ast.Constant):
            yield _place(one, masked)
        before += f"{text} " if " " not in text else "x "
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and mask_command(node.value) != node.value:
        yield _place(node, mask_command(node.value))
