"""The session's cells as they were executed, and the smallest ordered set of them that a cell's result depends on."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlops.tracking.analysis import Names, names_of


@dataclass(frozen=True)
class Executed:
    """`source` is what ran, `python` the same with magics turned into calls."""

    source: str
    python: str
    ok: bool
    names: Names


class History:
    """Analysed once, when executed; a slice of a thousand cells then is a walk over sets."""

    def __init__(self) -> None:
        self.cells: list[Executed] = []
        self._effects: dict[str, Names] = {}

    def add(self, source: str, python: str, ok: bool) -> None:
        self.cells.append(Executed(source, python, ok, self._with_effects(names_of(python))))

    def _with_effects(self, names: Names) -> Names:
        """What the functions it uses do counts as done by the cell: a call may change what only the definition names."""
        called = [self._effects[name] for name in names.reads & self._effects.keys()]
        for effect in called:
            names.reads |= effect.reads
            names.mutates |= effect.mutates
        for name in names.writes:
            if called or names.defines:
                self._effects[name] = names
            else:
                self._effects.pop(name, None)
        return names

    def slice(self, python: str) -> list[int]:
        """Indices of the earlier cells that the cell of this source depends on, in the order they ran.

        Backwards: a cell is needed if it binds a name still wanted, or may have changed one in place. A binding settles the
        name only if the cell succeeded and it stands under no condition; a cell that may write anything is always needed.
        """
        names = names_of(python)
        for name in names.reads & self._effects.keys():
            names.reads = names.reads | self._effects[name].reads
        wanted = set(names.reads)
        if names.star:
            return list(range(len(self.cells)))
        needed = []
        for index in range(len(self.cells) - 1, -1, -1):
            cell = self.cells[index]
            binds, changes = cell.names.writes & wanted, cell.names.mutates & wanted
            if not (binds or changes or cell.names.star):
                continue
            needed.append(index)
            if cell.ok and not cell.names.star:
                wanted -= binds & cell.names.settles
            wanted |= cell.names.reads
        return needed[::-1]
