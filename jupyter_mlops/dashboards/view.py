"""What a person asked a page to show, and what a page offers to ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# A page shows this many lines of one kind; the rest is counted, and found with the search field.
MOST = 150

Options = Sequence[tuple[str, str]]
"""(words, value), in the order in which they are offered; the first is what is shown unasked."""


@dataclass(frozen=True)
class View:
    """`show` and `order` are values of what the page offered; `find` is any text."""

    show: str = ""
    order: str = ""
    find: str = ""

    def finds(self, *texts: str) -> bool:
        """Whether each word looked for is in one of these texts, in any case."""
        whole = "\n".join(texts).casefold()
        return all(word in whole for word in self.find.casefold().split())


def left_out(shown: int, found: int) -> str:
    """What is said when not everything fits; empty when it does."""
    return f"The first {shown} of {found:,} are shown; narrow them with Find." if found > shown else ""
