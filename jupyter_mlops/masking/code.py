"""Secrets in code: where a text of Python stands under a secret's name however it is put, and on the lines of a shell.

`user, password = "ann", "…"`, `key = "sk-" + "…"`, `if password == "…"`, `login("ann", "…")`. Only texts are exchanged, each for
one other text, so that what was Python is Python still. What is no Python as a whole is looked at line by line.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from jupyter_mlops.masking.places import Place, secrets_of
from jupyter_mlops.masking.shell import mask_commands
from jupyter_mlops.masking.texts import hints, mask

_LARGEST = 500_000  # characters that are looked at as one
_LONGEST = 5_000  # of a line looked at alone
_LOOKED_INTO = re.compile(
    r"['\"][ \t\\\n]{0,9}(?:[+%]|\.join|\.format|[rbfRBF]{0,2}['\"])|[+][ \t\\\n]{0,9}[rbfRBF]{0,2}['\"]"
    r"|(?i:log_?[io]n|sign_?[io]n|connect|authenticate)\w{0,20}\("
)
"""Texts made of several, in which a secret's shape is hidden, and calls that are given one without its name."""
_MAGIC = re.compile(r"(?m)^([ \t]*)(?:[^\W\d][\w, ]*=[ \t]*)?[%!?](?:[^\n]*\\\n)*[^\n]*$|^([ \t]*)[^\n#'\"]*\?[ \t]*$")
_BEFORE = re.compile(r"[ \t]*[-+]?[ \t]*(?:(?:[^\W\d][\w, ]*=[ \t]*)?%{1,2}\w+[ \t]+(?:-\S+[ \t]+)*)?(?:el(?=if\b))?")
"""What may stand before a line's Python: a difference's sign, a magic, the first letters of `elif`."""


def mask_code(text: str) -> str:
    """The text of a cell, a module or a difference with every secret it holds masked; what holds none comes back as it was."""
    if hints(text) or _LOOKED_INTO.search(text):
        text = _mask_python(text)
    return mask(mask_commands(text))


def _mask_python(text: str) -> str:
    if len(text) > _LARGEST:
        return _line_by_line(text)
    if (tree := _parsed(text)) is not None:
        return _exchanged(text, secrets_of(tree))
    if (tree := _parsed(_MAGIC.sub(_nothing, text))) is not None:
        return _line_by_line(_exchanged(text, secrets_of(tree)), only=_MAGIC)
    return _line_by_line(text)


def _nothing(magic: re.Match[str]) -> str:
    """As many lines, and a statement where a block may need one."""
    return (magic[1] or magic[2] or "") + "pass" + "\n" * magic[0].count("\n")


def _line_by_line(text: str, only: re.Pattern[str] | None = None) -> str:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if len(line) <= _LONGEST and (hints(line) or _LOOKED_INTO.search(line)) and (only is None or only.match(line)):
            lines[number] = _masked_line(line)
    return "\n".join(lines)


def _masked_line(line: str) -> str:
    before = _BEFORE.match(line)
    start = before.end() if before else 0
    for candidate in _statements(line[start:]):
        tree = _parsed(candidate)
        if tree is not None:
            return line[:start] + _exchanged(line[start:], secrets_of(tree))
    return line


def _statements(line: str) -> Iterator[str]:
    """A line as it is, and as the head of a block."""
    yield line
    yield f"{line.rstrip()} pass"


def _parsed(source: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd in it was said when it ran
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _exchanged(text: str, places: list[Place]) -> str:
    """Columns of Python's trees are bytes, of the line."""
    if not places:
        return text
    lines = [line.encode() for line in text.split("\n")]
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    whole, last = b"\n".join(lines), 0
    pieces: list[bytes] = []
    for place in sorted(places, key=lambda p: (p.line, p.column, -p.last_line, -p.last_column)):
        begin, end = starts[place.line - 1] + place.column, starts[place.last_line - 1] + place.last_column
        if begin >= last:
            pieces += [whole[last:begin], place.text.encode()]
            last = end
    return b"".join([*pieces, whole[last:]]).decode()
