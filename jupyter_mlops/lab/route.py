"""One line of the REST API, as the handlers, the OpenAPI document and the tests read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from jupyter_mlops.lab.workspace import Workspace

Kind = Literal[
    "string", "string?", "integer", "integer?", "boolean?", "object?"
]  # one that ends in `?` may be left out; an object is one of texts by name
Words = dict[str, Any]


@dataclass(frozen=True)
class Route:
    """`answer(workspace, words)` is given path words, query words and the body's fields together, with `actor` and `source`
    (who asks, and who vouches for the name).

    It may block. One that is `slow` runs cells, and is kept apart from those a person waits for.
    """

    method: Literal["GET", "POST"]
    path: str
    summary: str
    gives: Any
    answer: Callable[[Workspace, Words], Any]
    takes: dict[str, Kind] = field(default_factory=dict)
    slow: bool = False

    def fields(self) -> dict[str, tuple[str, bool, bool]]:
        """Of each word its JSON type, whether it must be there, and whether it stands in the path."""
        return {n: (k.rstrip("?"), not k.endswith("?"), f"{{{n}}}" in self.path) for n, k in self.takes.items()}


def who(words: Words) -> Words:
    """The words that say who decides, as flows take them."""
    return {"actor": words["actor"], "source": words["source"]}
