"""The session's cells as they were executed, and the smallest ordered set of them that a cell's result depends on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from jupyter_mlops.tracking.acting import may_act
from jupyter_mlops.tracking.analysis import Names, names_of
from jupyter_mlops.tracking.chance import SHARED
from jupyter_mlops.tracking.effects import WORLD
from jupyter_mlops.tracking.sharing import Sharing
from jupyter_mlops.tracking.syntax import parses

_NEVER_CHANGES = (int, float, complex, str, bytes, type(None), ModuleType)


@dataclass(frozen=True)
class Executed:
    """`source` is what ran, `python` the same with magics turned into calls; `place` is the notebook cell's id, if known.

    `lost` says that it drew random numbers which nothing brings back; `at` when it had ended.
    """

    source: str
    python: str
    ok: bool
    names: Names
    place: str | None = None
    lost: bool = False
    at: float = field(default_factory=time.time)


class History:
    """Analysed once, when executed; a slice of a thousand cells then is a walk over sets."""

    def __init__(self) -> None:
        self.cells: list[Executed] = []
        self._effects: dict[str, Names] = {}
        self._sharing = Sharing()
        self._modules: dict[str, str] = {}

    def add(
        self,
        source: str,
        python: str,
        ok: bool,
        namespace: Mapping[str, Any] | None = None,
        place: str | None = None,
        drew: Mapping[str, bool] | None = None,
        lost: bool = False,
    ) -> None:
        """Remember a cell that ran. With the session's variables as they are now, what cannot change is not followed.

        `drew` and `lost` say whether the cell drew from the shared generators, as `chance` tells.
        """
        ran = ok or parses(python)  # of what is not Python nothing was run
        names = self._with_effects(names_of(python if ran else "", self._modules), namespace)
        self._modules = names.modules
        _as_drawn(names, drew or {})
        if namespace is not None:
            _without_constants(names, namespace)
        self._follow(names, ok)
        self.cells.append(Executed(source, python, ok, names, place, lost))

    def slice(self, python: str, drew: Mapping[str, bool] | None = None) -> list[int]:
        """Indices of the earlier cells that the cell of this source depends on, in the order they ran.

        As long as nothing is known of what it `drew`, it may draw from every shared generator.

        Backwards: a cell is needed if it binds a name still wanted, or may have changed one in place. A binding settles the
        name only if the cell succeeded and it stands under no condition; a cell that may write anything is always needed.
        """
        names = names_of(python, self._modules)
        if names.star:
            return list(range(len(self.cells))) if parses(python) else []
        wanted = {WORLD, *names.reads, *_chances(names, drew or {})}
        for name in names.reads & self._effects.keys():
            wanted |= self._effects[name].reads
        needed = []
        for index in range(len(self.cells) - 1, -1, -1):
            cell = self.cells[index]
            binds = cell.names.writes & wanted
            if not (binds or cell.names.star or cell.names.mutates & wanted):
                continue
            needed.append(index)
            if cell.ok and not cell.names.star:
                wanted -= binds & cell.names.settles
            wanted |= cell.names.reads
        return needed[::-1]

    def edited_since(self, needed: list[int], place: str | None = None) -> list[int]:
        """Those of these cells whose place in the notebook has run other code since; `place` is the asking cell's own."""
        latest = {cell.place: cell.source for cell in self.cells if cell.place and cell.place != place}
        return [
            i for i in needed if latest.get(self.cells[i].place or "", self.cells[i].source) != self.cells[i].source
        ]

    def _with_effects(self, names: Names, namespace: Mapping[str, Any] | None) -> Names:
        """What the functions it uses do counts as done by the cell: a call may change what only the definition names."""
        called = [self._effects[name] for name in names.reads & self._effects.keys()]
        for effect in called:
            names.reads |= effect.reads
            names.mutates |= effect.mutates
            names.writes |= effect.rebinds
            names.rebinds |= effect.rebinds
        for name in names.writes:
            if (called or names.defines) and (namespace is None or may_act(namespace.get(name))):
                self._effects[name] = names
            else:
                self._effects.pop(name, None)
        return names

    def _follow(self, names: Names, ok: bool) -> None:
        """Names that may share an object are changed together: before this cell's bindings or after them."""
        before = self._sharing.of(names.mutates)
        self._sharing.bind(names.aliases, names.settles if ok else ())
        names.mutates |= before | self._sharing.of(names.mutates)


def _as_drawn(names: Names, drew: Mapping[str, bool]) -> None:
    """What its text says of chance, put right by what was seen."""
    for generator, changed in drew.items():
        if not changed:
            names.mutates.discard(generator)
            names.reads.discard(generator)
        elif generator not in names.mutates:
            names.mutates.add(generator)
            names.reads.add(generator)


def _chances(names: Names, drew: Mapping[str, bool]) -> set[str]:
    """The generators whose state before the cell matters: those it drew from, unless it seeded them first."""
    seeded = names.settles - names.reads
    return {generator for generator in SHARED - seeded if drew.get(generator, True)}


def _without_constants(names: Names, namespace: Mapping[str, Any]) -> None:
    """Numbers and text cannot be changed in place, imported classes, functions and modules only by assigning to a part.

    What `LogisticRegression().fit(…)` changes is a new object. A module's settings count as the world's.
    """
    candidates = (names.mutates | {n for pair in names.aliases for n in pair}) - names.writes - names.patches
    fixed = {name for name in candidates if _is_fixed(namespace.get(name, ()))}
    names.mutates -= fixed
    names.aliases = {
        (new, old)
        for new, old in names.aliases
        if old not in fixed and not issubclass(type(namespace.get(new, ())), _NEVER_CHANGES)
    }


def _is_fixed(value: Any) -> bool:
    kind = type(value)  # what an object says of its own class may be anything, or an error
    if issubclass(kind, (type, FunctionType, BuiltinFunctionType)):
        return getattr(value, "__module__", None) != "__main__"
    return issubclass(kind, _NEVER_CHANGES)
