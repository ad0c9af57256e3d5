"""Storage that is away or full, told as what it is: every client of a bucket has errors of its own kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from jupyter_mlops.errors import MlopsError, Unavailable

# A file that is not there is an answer, and these speak of what was asked or read, not of where it lies.
_NOT_OF_PLACES = (MlopsError, FileNotFoundError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Placed(Protocol):
    @property
    def place(self) -> str: ...


S = TypeVar("S", bound=Placed)
P = ParamSpec("P")
T = TypeVar("T")


def reached(step: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """A method that says Unavailable, naming its `place`, when that cannot be read or written."""

    @wraps(step)
    def told(self: S, /, *given: P.args, **named: P.kwargs) -> T:
        try:
            return step(self, *given, **named)
        except _NOT_OF_PLACES:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise Unavailable(
                f"the storage {self.place} refuses: {said}",
                "see that it can be reached, may be written and has room; nothing is lost meanwhile",
                storage=self.place,
            ) from error

    return told
