"""Small questions to a syntax tree."""

from __future__ import annotations

import ast

BROKEN = (SyntaxError, ValueError, RecursionError)
"""What `ast` raises on text that is not Python."""


def parses(source: str) -> bool:
    """Whether it is Python at all."""
    try:
        ast.parse(source)
    except BROKEN:
        return False
    return True


def roots_of(node: ast.expr) -> set[str]:
    """`a` of `a`, `a.b`, `a[0].c`, `a.b(…).d`; each of them for `(a if x else b).c`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Call | ast.Await):
        node = node.func if isinstance(node, ast.Call) else node.value
    parts: list[ast.expr] = []
    if isinstance(node, ast.IfExp):
        parts = [node.body, node.orelse]
    elif isinstance(node, ast.Tuple | ast.List):
        parts = node.elts
    elif isinstance(node, ast.Dict | ast.BoolOp):
        parts = node.values
    if parts:
        return {root for part in parts for root in roots_of(part)}
    return {node.id} if isinstance(node, ast.Name) else set()


def chain_of(node: ast.expr) -> tuple[str, ...]:
    """`("a", "b")` of `a.b`, and of `a.b(…)`; empty for what is not names joined by dots."""
    if isinstance(node, ast.Call):
        node = node.func
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ("?", *reversed(parts)) if parts else ()
    return (node.id, *reversed(parts))


def arguments(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(k.value for k in node.keywords)]


def evaluated(arguments: ast.arguments) -> list[ast.expr]:
    """What a definition evaluates when it is made: its defaults."""
    return [*arguments.defaults, *(d for d in arguments.kw_defaults if d)]


def parameters(arguments: ast.arguments) -> set[str]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return {a.arg for a in [*every, arguments.vararg, arguments.kwarg] if a}


def constants_of(source: str) -> list[str]:
    """Names bound at the cell's top level to a plain literal, in order."""
    try:
        tree = ast.parse(source)
    except BROKEN:
        return []
    found = []
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        value = getattr(statement, "value", None)
        if isinstance(value, ast.UnaryOp):
            value = value.operand
        if isinstance(value, ast.Constant):
            found += [t.id for t in targets if isinstance(t, ast.Name)]
    return found
