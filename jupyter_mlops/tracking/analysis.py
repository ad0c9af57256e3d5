"""Which names a cell reads, writes and may change in place: by its syntax, on the safe side where that cannot tell."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.tracking.chance import generator_of, seeds
from jupyter_mlops.tracking.effects import (
    CHANGING,
    FILES,
    HARMLESS,
    HOLDING,
    IN_PLACE,
    LEARNING,
    LOOKING,
    OWN_RANDOM,
    PURE,
    holds,
    reaches,
    reads_files,
    writes_files,
)
from jupyter_mlops.tracking.shell_lines import Magic, magic_of
from jupyter_mlops.tracking.syntax import BROKEN, arguments, chain_of, evaluated, parameters, roots_of

_BUILTINS = frozenset(dir(builtins)) | {"get_ipython"}


@dataclass
class Names:
    """`reads` come from before the cell; `writes` are bound in it; `mutates` may be changed in place."""

    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    mutates: set[str] = field(default_factory=set)
    patches: set[str] = field(default_factory=set)
    """Of these an attribute is assigned: classes and modules are changed so, and by nothing else."""
    settles: set[str] = field(default_factory=set)
    """Bound whatever happens: by a statement that stands under no `if`, loop or `try`."""
    aliases: set[tuple[str, str]] = field(default_factory=set)
    """(new, old): the new name may be, or hold, the very object of the old one."""
    modules: dict[str, str] = field(default_factory=dict)
    """Names that imports bind, with what they stand for: `np` -> `numpy`."""
    star: bool = False
    """`from x import *`, exec, or syntax that is not Python: it may write anything."""
    rebinds: set[str] = field(default_factory=set)
    """Bound by its functions when they are called: `global` names."""
    defines: bool = False
    """It defines a function or class, whose effects come when it is called."""


def names_of(source: str, modules: Mapping[str, str] | None = None) -> Names:
    """The names of one cell's Python source (magics already turned into calls), given the modules imported before it."""
    names = Names(modules=dict(modules or {}))
    try:
        tree = ast.parse(source)
        walker = _Walker(names)
        for statement in tree.body:
            walker.visit(statement)
    except BROKEN:
        names.star = True
        return names
    names.settles = walker.sure
    names.reads -= _BUILTINS - names.writes
    names.mutates -= _BUILTINS - names.writes
    return names


def read_in(source: str) -> set[str]:
    """Every name that its text names, of before or of its own."""
    names = names_of(source)
    return names.reads | names.writes


class _Walker(ast.NodeVisitor):
    """`sure` are the names bound by now whichever way the cell went; what else is read may come from before the cell."""

    def __init__(self, names: Names, local: frozenset[str] = frozenset(), inside: bool = False) -> None:
        self.names, self.local, self.inside = names, local, inside
        self.sure: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self.local:
            return
        if isinstance(node.ctx, ast.Load):
            self._read(node.id)
        elif isinstance(node.ctx, ast.Del):
            self._read(node.id)
            self.names.writes.add(node.id)
        else:
            self._bind({node.id})

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)
            self._alias(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)
            self._alias(node.target, node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        self._read_and_mutate(node.target)
        self.visit(node.target)
        self._alias(node.target, node.value)
        self._alias(node.target, node.target)  # a list grown so is the list it was, and others hold it too

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._bind({node.target.id})
        self._alias(node.target, node.value)

    def visit_If(self, node: ast.If | ast.While) -> None:
        self.visit(node.test)
        self._perhaps(node.body)
        self._perhaps(node.orelse)

    visit_While = visit_If  # noqa: N815

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._alias(node.target, node.iter)
        self._perhaps([node.target, *node.body])
        self._perhaps(node.orelse)

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_Try(self, node: Any) -> None:  # Try and TryStar
        self._perhaps(node.body)
        for handler in node.handlers:
            self._perhaps([handler])
        self._perhaps(node.orelse)
        for statement in node.finalbody:
            self.visit(statement)

    visit_TryStar = visit_Try  # noqa: N815

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        for case in node.cases:
            bound = {getattr(p, "name", None) or getattr(p, "rest", None) for p in ast.walk(case.pattern)}
            self.names.writes |= {n for n in bound if n} - self.local
            self._perhaps([case.pattern, *([case.guard] if case.guard else []), *case.body])

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self.visit(item.optional_vars)
                self._alias(item.optional_vars, item.context_expr)
        if any("suppress" in chain_of(item.context_expr) for item in node.items):
            self._perhaps(node.body)  # what it swallows may leave a name unbound
        else:
            for statement in node.body:
                self.visit(statement)

    visit_AsyncWith = visit_With  # noqa: N815

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._read_and_mutate(node.value)
            self.names.patches |= {node.value.id} if isinstance(node.value, ast.Name) else set()
        self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._read_and_mutate(node.value)
            self.names.mutates |= reaches(chain_of(node.value)) if isinstance(node.value, ast.Attribute) else set()
        self.visit(node.value)
        self.visit(node.slice)

    def visit_Call(self, node: ast.Call) -> None:
        magic = magic_of(node)
        if magic is not None:
            self._magic(magic)
            return
        chain = chain_of(node.func)
        if chain:
            self._reach(chain)
            self._chance(self._full(chain), bool(node.args or node.keywords))
        if chain in (("exec",), ("eval",), ("globals",), ("locals",)):
            self.names.star = True
        if not self._looks_only(node, chain):
            if isinstance(node.func, ast.Attribute):
                self._read_and_mutate(node.func.value)
            learns = isinstance(node.func, ast.Attribute) and node.func.attr in LEARNING
            for argument in [] if learns else arguments(node):
                for root in roots_of(argument):
                    self._mutated(root)
        self.generic_visit(node)

    def _magic(self, magic: Magic) -> None:
        self.names.star |= magic.anything
        self.names.mutates |= magic.touches
        try:
            tree = ast.parse(magic.python)
        except BROKEN:
            self.names.star = True
            return
        for statement in tree.body:
            self.visit(statement)

    def _reach(self, chain: tuple[str, ...]) -> None:
        self.names.mutates |= reaches(self._full(chain))
        if writes_files(chain):
            self.names.mutates.add(FILES)
        if reads_files(chain):
            self.names.reads.add(FILES)
            self.names.mutates |= {FILES} if chain == ("open",) else set()

    def _full(self, chain: tuple[str, ...]) -> tuple[str, ...]:
        """The dotted name with the module that its first part was imported from."""
        return (*self.names.modules.get(chain[0], chain[0]).split("."), *chain[1:])

    def _chance(self, full: tuple[str, ...], given: bool) -> None:
        """Drawing from a shared generator reads and changes it; a seed binds it anew."""
        generator = generator_of(full)
        if generator is None or full[-1] in OWN_RANDOM:
            return
        if seeds(full) and given:
            self._bind({generator})
        else:
            self._read(generator)
        self.names.mutates.add(generator)

    def _looks_only(self, node: ast.Call, chain: tuple[str, ...]) -> bool:
        """Whether the call leaves its object and its arguments as they were."""
        if any(k.arg in IN_PLACE for k in node.keywords):
            return False
        if isinstance(node.func, ast.Attribute) and node.func.attr in LOOKING:
            return True
        if not chain or chain[-1] in CHANGING or chain[0] in self.local:
            return False
        if len(chain) == 1 and chain[0] in HARMLESS and chain[0] not in self.names.writes:
            return True
        home = self.names.modules.get(chain[0], "")
        return bool(home) and any(f"{home}.".startswith(f"{pure}.") for pure in PURE)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self._bind({name})
            self.names.modules[name] = alias.name if alias.asname else name

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.names.star = True
                continue
            name = alias.asname or alias.name
            self._bind({name})
            self.names.modules[name] = f"{node.module or ''}.{alias.name}"

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in (*node.decorator_list, *evaluated(node.args)):
            self.visit(part)
        self._bind({node.name})
        self._holds(node.name, self._scope(node.body, parameters(node.args)))

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in evaluated(node.args):
            self.visit(part)
        self._scope([node.body], parameters(node.args))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
            self.visit(part)
        self._holds(node.name, self._scope(node.body, set()))
        self._bind({node.name})

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._bind({node.name})
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        bound = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        outside = self.local
        self.local = outside | bound
        for part in ast.iter_child_nodes(node):
            self.visit(part)
        self.local = outside

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp  # noqa: N815

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for part in (node.iter, *node.ifs):
            self.visit(part)

    def _perhaps(self, body: Iterable[ast.AST]) -> None:
        before = set(self.sure)
        for part in body:
            self.visit(part)
        self.sure = before

    def _scope(self, body: list[ast.stmt] | list[ast.expr], bound: set[str]) -> set[str]:
        """A function's own names are its own; the free ones, given back, are read when it is called, and may be changed then."""
        self.names.defines = True
        own = Names(modules=dict(self.names.modules))
        walker = _Walker(own, self.local | frozenset(bound), inside=True)
        for part in body:
            walker.visit(part)
        declared = {
            n for part in body for s in ast.walk(part) if isinstance(s, ast.Global | ast.Nonlocal) for n in s.names
        }
        mine = (own.writes - declared) | bound
        for name in own.reads - mine:
            self._read(name)
        self.names.writes |= own.writes & declared
        self.names.rebinds |= own.writes & declared | own.rebinds
        self.names.mutates |= own.mutates - mine
        self.names.patches |= own.patches - mine
        self.names.aliases |= {(new, old) for new, old in own.aliases if new in declared and old not in mine}
        self.names.star |= own.star
        return own.reads - mine

    def _holds(self, name: str, free: set[str]) -> None:
        """What a function gives back, or a class keeps, may be an object that it names."""
        self.names.aliases |= {(name, old) for old in free - self.local - _BUILTINS if old != name}

    def _bind(self, names: set[str]) -> None:
        self.names.writes |= names - self.local
        self.sure |= names - self.local
        for name in names:
            self.names.modules.pop(name, None)

    def _read(self, name: str) -> None:
        if self.inside or name not in self.sure:
            self.names.reads.add(name)

    def _read_and_mutate(self, node: ast.expr) -> None:
        for root in roots_of(node):
            if root not in self.local:
                self._read(root)
                self._mutated(root)

    def _mutated(self, root: str) -> None:
        if root not in self.local:
            self.names.mutates.add(root)

    def _made_of(self, chain: tuple[str, ...]) -> bool:
        """`Pipeline(steps)`, `make_pipeline(a, b)`: what was given lives on in the answer."""
        return holds(chain[-1] if len(chain) > 1 else self.names.modules.get(chain[0], ""))

    def _alias(self, target: ast.expr, value: ast.expr) -> None:
        """`b = a`, `b = a.part`, `b = make(a)`, `for b in a`, `box[0] = a`: changing the one may change the other."""
        olds = {root for root in self._kept(value) if root not in self.local}
        for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            self.names.aliases |= {(new, old) for new in roots_of(part) for old in olds}

    def _kept(self, value: ast.expr) -> set[str]:
        """Roots of objects that may live on in the value of this expression."""
        if isinstance(value, ast.Call):
            chain = chain_of(value.func)
            if self._looks_only(value, chain) and chain[-1] not in HOLDING and not self._made_of(chain):
                return set()
            imported = isinstance(value.func, ast.Name) and value.func.id in self.names.modules
            parts: list[ast.expr] = [*arguments(value), *([] if imported else [value.func])]
        elif isinstance(value, ast.IfExp | ast.BoolOp | ast.Tuple | ast.List | ast.Set | ast.Dict | ast.Starred):
            parts = [child for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr)]
        elif isinstance(value, ast.Await | ast.NamedExpr | ast.Attribute | ast.Subscript):
            parts = [value.value]
        elif isinstance(value, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp | ast.Lambda):
            return {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
        else:
            return {value.id} if isinstance(value, ast.Name) else set()
        return {root for part in parts for root in self._kept(part)}
