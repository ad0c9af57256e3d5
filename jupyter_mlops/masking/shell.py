"""Secrets on the lines of a shell: `!` and `%` lines, `%%bash` cells, commands that a program runs."""

from __future__ import annotations

import re

from jupyter_mlops.masking.texts import MASK, SECRET_NAME, mask

_WORD = r"(?P<quote>['\"]?)(?P<secret>[^\s'\"$({;|&][^\s'\";|&]{0,500}|(?<=')[^'\n$]{1,500}(?=')|(?<=\")[^\"\n$]{1,500}(?=\"))"
_OPTIONS = [
    # An assignment before a command or in the environment, an option by its name; what is filled in ($…, {…}) is none.
    rf"(?:^|[\s'\"])(?:--?)?{SECRET_NAME}(?:=|[ \t]+(?=[^-\s]))",
    # A user and a password.
    r"(?:^|\s)(?:-u|--user|--proxy-user|-U)[ =]?['\"]?[^\s:'\"]{1,80}:",
    # `-p…`, `-a …` and the like, of programs that take a password so.
    r"\b(?:mysql\w{0,10}|mariadb|sshpass|7za?|u?n?rar)\b[^\n|;]{0,200}?\s-p[ ]?",
    r"\b(?:unzip|zip)\b[^\n|;]{0,200}?\s-P[ ]?",
    r"\b(?:docker|podman|twine|az|oc|mongo\w{0,8}|sqlcmd|ldapsearch)\b[^\n|;]{0,200}?\s-[pPw][ ]",
    r"\bredis-cli\b[^\n|;]{0,200}?\s-a[ ]",
    r"\bpass(?:in|out)?[ ]pass:",
    r"\bwandb[ ]login[ ](?:--\w+[ ]){0,3}",
    r"\baws[ ]configure[ ]set[ ][\w.]{0,40}(?:secret|token|key)\w{0,20}[ ]",
]
_COMMANDS = re.compile(rf"(?P<before>{'|'.join(_OPTIONS)}){_WORD}")
_HEADERS = re.compile(
    rf"(?P<before>(?:-H|--header)[ =]?['\"]?[\w-]{{0,60}}?{SECRET_NAME}:[ \t]*(?:(?i:bearer|basic|token)[ \t]+)?)"
    r"(?P<secret>[^'\"\n$]{1,500})"
)
_PIPED = re.compile(
    r"(?P<before>\becho[ ](?:-n[ ])?['\"]?)(?P<secret>[^\s'\"$|]{1,200})(?=['\"]?[ ]*\|[ ]*(?:sudo[ ]+-S|\w+[ ]+login\b))"
)
_LINE = re.compile(
    r"(?m)^[ \t]*(?:[-+][ \t]*)?(?:[^\W\d][\w, ]{0,60}=[ \t]*)?(?:!{1,2}|%(?:set_)?env\b|%(?:sx|sc|system)\b)"
    r"(?:[^\n]*\\\n)*[^\n]*$"
)
_SHELL_CELL = re.compile(r"\A(?:%%track[^\n]*\n)?\s*%%(?:bash|sh|script|cmd|zsh|system|sx|!)\b")


def mask_commands(text: str) -> str:
    """Every command that stands in the text of a cell."""
    if _SHELL_CELL.match(text):
        return "\n".join(mask_command(line) for line in text.split("\n"))
    return _LINE.sub(lambda line: mask_command(line[0]), text) if "!" in text or "%" in text else text


def mask_command(line: str) -> str:
    for pattern in (_HEADERS, _PIPED):
        line = pattern.sub(rf"\g<before>{MASK}", line)
    return mask(_COMMANDS.sub(rf"\g<before>\g<quote>{MASK}", line))
