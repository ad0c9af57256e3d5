"""nbformat imports jsonschema, and that a checker of addresses which compiles 38 grammars before anybody asks it for one.

They are some two seconds of CPU of every process that opens a notebook, and no notebook's schema holds such an address. So
the grammars wait here until somebody does ask: what is answered then is the checker's own answer.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

CHECKER = "rfc3987_syntax"


class _Waiting(ModuleType):
    """Stands for the checker until it is used; its modules are found where they are."""

    def __init__(self, path: list[str]) -> None:
        super().__init__(CHECKER)
        self.__path__ = path

    def is_valid_syntax(self, term: str, value: str) -> bool:
        return bool(_checker().is_valid_syntax(term, value))

    def __getattr__(self, name: str) -> Any:
        """Its other functions have names like this one's. What goes through all modules for some name must not wake it."""
        if name.startswith("is_valid_syntax"):
            return getattr(_checker(), name)
        raise AttributeError(name)


def postpone_grammars() -> None:
    """Call it before what imports nbformat. Nothing is done where the checker is loaded already, or not installed."""
    if CHECKER not in sys.modules and (found := find_spec(CHECKER)):
        sys.modules[CHECKER] = _Waiting(list(found.submodule_search_locations or []))


def _checker() -> Any:
    if isinstance(sys.modules.get(CHECKER), _Waiting):
        del sys.modules[CHECKER]
    return import_module(CHECKER)
