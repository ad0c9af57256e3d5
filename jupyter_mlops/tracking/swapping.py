"""Functions watched where they are: a function stays the object it is, and only the code it runs is another for a while.

Whoever holds it meanwhile (a scorer, a partial, a default argument, another module's name) holds the very function, which is
as it was afterwards; and whoever pickles it pickles nothing of ours.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

Watcher = Callable[..., Any]
"""Called in the function's place with the function as it was, then what it was given; answers what the function answers."""
_ELSEWHERE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_HOOK = "<the hook>"


class _Hook(functools.partial):  # type: ignore[type-arg]
    """A constant of the code that runs in the place of a function's own: its watcher, given the function as it was."""

    def __reduce__(self) -> Any:
        """A class of the notebook goes to another process with its code: there the function is as it was."""
        return copy.copy, (self.args[0],)


def swappable(function: Any) -> bool:
    """A plain function of Python, which nobody watches yet."""
    return (
        inspect.isfunction(function)
        and not function.__code__.co_flags & _ELSEWHERE
        and not any(isinstance(constant, _Hook) for constant in function.__code__.co_consts)
    )


def swap(function: FunctionType, watcher: Watcher) -> Callable[[], None]:
    """From now on a call of the function is one of the watcher; gives the way back."""
    code = function.__code__
    hook = _Hook(watcher, _as_it_was(function))
    template = _template(code.co_freevars)
    constants = tuple(hook if constant == _HOOK else constant for constant in template.co_consts)
    function.__code__ = template.replace(
        co_consts=constants,
        co_name=code.co_name,
        co_filename=code.co_filename,
        co_firstlineno=code.co_firstlineno,
    )

    def back() -> None:
        function.__code__ = code

    return back


def _as_it_was(function: FunctionType) -> FunctionType:
    twin = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__module__, twin.__qualname__ = function.__module__, function.__qualname__
    return twin


@functools.cache
def _template(free: tuple[str, ...]) -> CodeType:
    """Code that passes everything on. A function's code is exchanged only for one with as many free variables.

    It takes itself out of the traceback of what is raised: raised again as it is, an exception does not note the frame anew.
    """
    bound = f"({', '.join(free)},)" if free else "None"
    lines = [
        f"def outer({', '.join(free)}):",
        "    def inner(*args, **kwargs):",
        f"        hook = {_HOOK!r}",
        "        try:",
        "            return hook(*args, **kwargs)",
        "        except BaseException as error:",
        "            error.__traceback__ = error.__traceback__.tb_next",
        "            raise",
        f"        {bound}",
        "    return inner",
    ]
    outer = next(c for c in compile("\n".join(lines), "<watched>", "exec").co_consts if isinstance(c, CodeType))
    return next(c for c in outer.co_consts if isinstance(c, CodeType))
