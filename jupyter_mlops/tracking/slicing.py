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

    def add(self, source: str, python: str, ok: bool) -> None:
        self.cells.append(Executed(source, python, ok, names_of(python)))

    def slice(self, python: str) -> list[int]:
        """Indices of the earlier cells that the cell of this source depends on, in the order they ran.

        Backwards: a cell is needed if it binds a name still wanted, or may have changed one in place. A binding settles the
        name only if the cell succeeded and it stands under no condition; a cell that may write anything is always needed.
        """
        names = names_of(python)
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
