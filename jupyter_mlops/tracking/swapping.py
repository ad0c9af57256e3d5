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
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

Watcher = Callable[..., Any]
"""Called in the function's place with the function as it was, then what it was given; answers what the function answers."""
_ELSEWHERE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_HOOK, _HOOKED = "<the hook>", "<hooked>"


class _Hook(functools.partial):  # type: ignore[type-arg]
    """A constant of the code that runs in the place of a function's own: its watcher, given the function as it was."""

    def __reduce__(self) -> Any:
        """A class of the notebook goes to another process with its code: there the function is as it was."""
        return copy.copy, (self.args[0],)


class _Ready(NamedTuple):
    """What a function that was watched before is exchanged for: making it takes longer than exchanging it."""

    own: CodeType
    watcher: Watcher
    watched: CodeType
    signature: inspect.Signature | None


_ready: WeakKeyDictionary[FunctionType, _Ready] = WeakKeyDictionary()


def swappable(function: Any) -> bool:
    """A plain function of Python, which nobody watches yet."""
    return (
        isinstance(function, FunctionType)
        and not function.__code__.co_flags & _ELSEWHERE
        and _HOOKED not in function.__code__.co_names
    )


def swap(function: FunctionType, watcher: Watcher) -> Callable[[], None]:
    """From now on a call of the function is one of the watcher; gives the way back. What it takes is told as ever."""
    code = function.__code__
    ready = _ready.get(function)
    if ready is None or ready.own is not code or ready.watcher is not watcher:
        ready = _ready[function] = _Ready(code, watcher, _watched(function, watcher), _told(function))
    if ready.signature is not None:
        function.__signature__ = ready.signature  # type: ignore[attr-defined]
    function.__code__ = ready.watched
    return functools.partial(_back, function, ready)


def _back(function: FunctionType, ready: _Ready) -> None:
    function.__code__ = ready.own
    if ready.signature is not None:
        function.__dict__.pop("__signature__", None)


def _told(function: FunctionType) -> inspect.Signature | None:
    """Its signature, where that is read off its code: scikit-learn asks estimators whether `fit` takes weights."""
    if hasattr(function, "__wrapped__") or hasattr(function, "__signature__"):
        return None
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        return None


def _watched(function: FunctionType, watcher: Watcher) -> CodeType:
    code = function.__code__
    hook = _Hook(watcher, _as_it_was(function))
    template = _template(code.co_freevars)
    return template.replace(
        co_consts=tuple(hook if constant == _HOOK else constant for constant in template.co_consts),
        co_names=(*template.co_names, _HOOKED),
        co_name=code.co_name,
        co_filename=code.co_filename,
        co_firstlineno=code.co_firstlineno,
    )


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

    Its own names are such as no function has free. It takes itself out of the traceback of what is raised: raised again as it
    is, an exception does not note the frame anew.
    """
    bound = f"({', '.join(free)},)" if free else "None"
    lines = [
        f"def outer({', '.join(free)}):",
        "    def inner(*given__, **named__):",
        f"        hook__ = {_HOOK!r}",
        "        try:",
        "            return hook__(*given__, **named__)",
        "        except BaseException as error__:",
        "            error__.__traceback__ = error__.__traceback__.tb_next",
        "            raise",
        f"        {bound}",
        "    return inner",
    ]
    outer = next(c for c in compile("\n".join(lines), "<watched>", "exec").co_consts if isinstance(c, CodeType))
    return next(c for c in outer.co_consts if isinstance(c, CodeType))
