"""Magics and shell lines, as IPython turns them into calls: what each may do to the session."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass, field

from jupyter_mlops.tracking.effects import FILES, FOREIGN_CELLS, PYTHON_LINES, QUIET_LINES, WORLD

_HARMLESS_COMMANDS = ("pip", "conda", "uv", "ls", "echo", "pwd", "cat", "head", "wc", "nvidia-smi")
_OPTIONS = re.compile(r"^\s*(?:-[a-zA-Z]\s*(?:[\d.]+|(?<=[-][sTDl])\S+)?\s+)*")
_FILLED_IN = re.compile(r"(?<!\$)\$([^\W\d]\w*)|(?<!\{)\{([^\W\d]\w*)")


@dataclass(frozen=True)
class Magic:
    """`python` is to be read in its place; `touches` is what it changes that no name holds; `anything`: it may write any name."""

    python: str = ""
    touches: set[str] = field(default_factory=set)
    anything: bool = False


def magic_of(node: ast.Call) -> Magic | None:
    """What `get_ipython().run_line_magic(…)` and its like may do; None for an ordinary call."""
    function = node.func
    if not (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call)):
        return None
    if not (isinstance(function.value.func, ast.Name) and function.value.func.id == "get_ipython"):
        return None
    words = [a.value if isinstance(a, ast.Constant) and isinstance(a.value, str) else "" for a in node.args]
    match function.attr, words:
        case (("system" | "getoutput"), [command, *_]):
            return _shell(command)
        case "run_line_magic", [name, text, *_]:
            return _line(name, text)
        case "run_cell_magic", [name, line, body, *_]:
            return _cell(name, line, body)
    return Magic(anything=True)


def _shell(command: str) -> Magic:
    """A command reads the values filled in, and may make files that a later cell reads."""
    reads = "\n".join(dict.fromkeys(a or b for a, b in _FILLED_IN.findall(command)))
    harmless = ">" not in command and (command.split() or ["echo"])[0] in _HARMLESS_COMMANDS
    return Magic(reads, set() if harmless else {FILES})


def _line(name: str, text: str) -> Magic:
    if name in PYTHON_LINES:
        return Magic(_without_options(text))
    if name in ("cd", "env", "set_env", "pushd", "popd"):
        return Magic(touches={WORLD})
    return Magic(anything=name not in QUIET_LINES)


def _without_options(text: str) -> str:
    """`-n 100 -r3 f(x)` is `f(x)`: what `%timeit` and `%prun` are told, each a letter with a value perhaps."""
    return _OPTIONS.sub("", text)


def _cell(name: str, line: str, body: str) -> Magic:
    if name in ("time", "track"):
        return Magic(body)
    if name == "capture":  # `%%capture out` binds a name, after which the cell is as any other
        return Magic("\n".join([*(f"{word} = 0" for word in line.split() if word.isidentifier()), body]))
    if name in PYTHON_LINES:  # run in a function of its own: it may read and change names, and binds none for certain
        return Magic("if ...:\n" + textwrap.indent(f"{_without_options(line)}\n{body}", " "))
    if name in ("writefile", "file"):
        return Magic(touches={WORLD, FILES})  # it may be a module that a later cell imports
    if name in ("bash", "sh", "script", "perl", "ruby"):
        return Magic(touches={FILES})
    return Magic(anything=name not in FOREIGN_CELLS)
