"""Which names a cell reads, writes and may change in place: by its syntax, on the safe side where that cannot tell."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field

_BUILTINS = frozenset(dir(builtins))
# Passed to these, a value is only looked at.
_HARMLESS = frozenset(
    {
        *(
            "print",
            "len",
            "repr",
            "str",
            "int",
            "float",
            "bool",
            "type",
            "isinstance",
            "sum",
            "min",
            "max",
            "abs",
            "round",
        ),
        *("sorted", "range", "enumerate", "zip", "list", "dict", "set", "tuple", "display", "any", "all", "hash", "id"),
    }
)


@dataclass
class Names:
    """`reads` come from before the cell; `writes` are bound in it; `mutates` may be changed in place."""

    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    mutates: set[str] = field(default_factory=set)
    settles: set[str] = field(default_factory=set)
    """Bound whatever happens: by a statement that stands under no `if`, loop or `try`."""
    defines: bool = False
    """Holds a function or class, whose body does nothing until it is called."""
    star: bool = False
    """`from x import *`, exec, or syntax that is not Python: it may write anything."""


_SURE = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def names_of(source: str) -> Names:
    """The names of one cell's Python source (magics already turned into calls)."""
    names = Names()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        names.star = True
        return names
    for statement in tree.body:
        _Walker(names).visit(statement)
        if isinstance(statement, _SURE):
            alone = Names()
            _Walker(alone).visit(statement)
            names.settles |= alone.writes
    names.reads -= _BUILTINS - names.writes
    return names


def constants_of(source: str) -> list[str]:
    """Names bound at the cell's top level to a plain literal, in order."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
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


class _Walker(ast.NodeVisitor):
    def __init__(self, names: Names, local: frozenset[str] = frozenset(), inside: bool = False) -> None:
        self.names, self.local, self.inside = names, local, inside

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self.local:
            return
        if isinstance(node.ctx, ast.Load):
            if node.id not in self.names.writes or self.inside:
                self.names.reads.add(node.id)
        elif isinstance(node.ctx, ast.Del):
            self.names.reads.add(node.id)
            self.names.writes.add(node.id)
        else:
            self.names.writes.add(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        self._read_and_mutate(node.target)
        self.visit(node.target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        for part in (node.iter, node.target, *node.body, *node.orelse):
            self.visit(part)

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._read_and_mutate(node.value)
        self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._read_and_mutate(node.value)
        self.visit(node.value)
        self.visit(node.slice)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute):
            self._read_and_mutate(function.value)
        harmless = isinstance(function, ast.Name) and function.id in _HARMLESS
        if isinstance(function, ast.Name) and function.id in ("exec", "eval"):
            self.names.star = True
        if not harmless:
            for argument in [*node.args, *(k.value for k in node.keywords)]:
                self._mutated(argument)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self._bind({(a.asname or a.name).partition(".")[0] for a in node.names})

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        names = {a.asname or a.name for a in node.names}
        self.names.star |= "*" in names
        self._bind(names - {"*"})

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in (*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)):
            self.visit(part)
        self._bind({node.name})
        self._body(node.args, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in (*node.args.defaults, *(d for d in node.args.kw_defaults if d)):
            self.visit(part)
        self._body(node.args, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
            self.visit(part)
        self._scope(node.body, set())
        self._bind({node.name})

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._bind({node.name})
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        bound = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        inner = _Walker(self.names, self.local | bound, self.inside)
        for part in ast.iter_child_nodes(node):
            inner.visit(part)

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp  # noqa: N815

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for part in (node.iter, *node.ifs):
            self.visit(part)

    def _body(self, arguments: ast.arguments, body: list[ast.stmt] | list[ast.expr]) -> None:
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [a for a in (arguments.vararg, arguments.kwarg) if a]
        self._scope(body, {a.arg for a in every})

    def _scope(self, body: list[ast.stmt] | list[ast.expr], bound: set[str]) -> None:
        """A function's own names are its own; the free ones are read when it is called, and may be changed then."""
        self.names.defines = True
        own = Names()
        for part in body:
            _Walker(own, self.local | frozenset(bound), inside=True).visit(part)
        declared = {
            n for part in body for s in ast.walk(part) if isinstance(s, ast.Global | ast.Nonlocal) for n in s.names
        }
        free = own.reads - (own.writes - declared) - bound
        self.names.reads |= free
        self.names.writes |= own.writes & declared
        self.names.mutates |= (own.mutates - (own.writes - declared)) - bound
        self.names.star |= own.star

    def _bind(self, names: set[str]) -> None:
        self.names.writes |= names - self.local

    def _read_and_mutate(self, node: ast.expr) -> None:
        root = _root(node)
        if root and root not in self.local:
            if root not in self.names.writes or self.inside:
                self.names.reads.add(root)
            self.names.mutates.add(root)

    def _mutated(self, node: ast.expr) -> None:
        root = _root(node)
        if root and root not in self.local:
            self.names.mutates.add(root)


def _root(node: ast.expr) -> str | None:
    """`a` of `a`, `a.b`, `a[0].c`, `a.b(…).d`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None
