"""Secrets in any text: by the shape of a value, and by the name it goes under.

Each pattern is anchored on what its issuer always writes, so that run ids, digests and ordinary code are left alone. What
a ledger holds was masked by these: a text that is left alone today is left alone for ever, so what only code can hold is
known in `code`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "***"

# Each with what is always in it: looking for that first is a hundred times faster.
_SHAPES = [
    (mark, re.compile(shape))
    for mark, shape in [
        ("AKIA", r"\bAKIA[0-9A-Z]{16}\b"),
        ("ASIA", r"\bASIA[0-9A-Z]{16}\b"),
        ("gh", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
        ("github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{60,255}\b"),
        ("glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}\b"),
        ("xox", r"\bxox[abeprs]-[A-Za-z0-9-]{10,}\b"),
        ("xapp-", r"\bxapp-\d-[A-Za-z0-9-]{20,}\b"),
        ("sk-", r"\bsk-(?=[A-Za-z0-9_-]{0,60}\d)(?:proj-|ant-)?[A-Za-z0-9_-]{20,}\b"),
        ("hf_", r"\bhf_[A-Za-z0-9]{30,}\b"),
        ("dapi", r"\bdapi[0-9a-f]{32}\b"),
        ("AIza", r"\bAIza[0-9A-Za-z_-]{35}\b"),
        ("ya29.", r"\bya29\.[0-9A-Za-z_-]{20,}"),
        ("SG.", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b"),
        ("k_", r"\b[rs]k_(?:live|test)_[0-9a-zA-Z]{20,}\b"),
        ("SK", r"\bSK[0-9a-f]{32}\b"),
        ("hooks.slack.com", r"(?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{20,100}"),
        ("discord.com", r"(?<=discord\.com/api/webhooks/)[0-9]{10,25}/[A-Za-z0-9_-]{30,120}"),
        ("npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
        ("pypi-", r"\bpypi-[A-Za-z0-9_-]{50,}\b"),
        ("dckr_pat_", r"\bdckr_pat_[A-Za-z0-9_-]{20,}\b"),
        ("dop_v1_", r"\bdop_v1_[0-9a-f]{64}\b"),
        (":AA", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),
        ("AccountKey=", r"(?<=AccountKey=)[A-Za-z0-9+/]{40,100}={0,2}"),
        ("SharedAccessKey=", r"(?<=SharedAccessKey=)[A-Za-z0-9+/]{40,100}={0,2}"),
        ("sig=", r"(?<=[?&]sig=)[A-Za-z0-9%+/=_-]{30,200}"),
        ("eyJ", r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
        (  # To its end; or, where it was cut off before that, as far as it looks like one.
            "PRIVATE KEY-----",
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
            r"(?:(?:[^-]|-(?!----)){0,8000}-----END [A-Z ]{0,30}PRIVATE KEY-----|[A-Za-z0-9+/=\\\s]{0,8000})",
        ),
    ]
]
_IN_URL = re.compile(
    r"(?P<before>\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"]{0,100}:)"
    r"(?!(?:%s|%\(\w{1,40}\)s|\{[^{}\n]{0,100}\}|\$\{?\w{1,40}\}?|<[^<>\n]{0,40}>)@)(?P<secret>[^\s/'\"]{1,200})(?=@)"
)
"""What is filled in where the program runs is none."""
_HEADER = re.compile(r"(?i)(?P<before>\b(?:bearer|basic)\s+)(?P<secret>[A-Za-z0-9+/=._-]{16,2000})")
_LONG = (
    r"(?:pass(?:word|wd|phrase|wort)|secret|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key)s?|credentials?|"
    r"connection_?string|authorization"
)
# Words of a text that stand for its beginning, its end and the like are tokens too.
_SPECIAL = ("pad", "sep", "eos", "bos", "unk", "oov", "cls", "mask", "sos", "start", "end")
_SHORT = "".join(f"(?<!{kind}_)" for kind in _SPECIAL) + "token|pwd|pw|auth"
# What a secret's name only begins is something about one: how long it is, where it lies, what it looks like.
_ABOUT = (
    r"(?![_-](?:pattern|type|mode|method|count|len|length|ids?|index|idx|name|url|uri|path|file|columns?|cols?|policy|"
    r"format|limit)\b)"
)
# The word ends the name, or a part of it: `tokenizer` and `secretary` are none, `db_password2` and `secretKey` are.
_ENDING = (
    rf"(?:(?i:{_LONG})|(?:\b|(?<=_)|(?<=-))(?i:{_SHORT})|(?<=[a-z])(?:Token|Pwd)){_ABOUT}"
    r"(?:[_-]\w{0,20}|(?<=[a-z])[A-Z]\w{0,20}|\d{0,3})(?!\w)"
)
"""A secret's name from the word on that tells: all of it need not be looked at to know what comes after it."""
SECRET_NAME = rf"\b\w{{0,40}}?{_ENDING}"
_QUOTED = r"(?P<quote>'''|\"\"\"|'|\")(?P<secret>(?:(?!(?P=quote))[^\n]){1,500})(?P=quote)"
_NAMED = re.compile(
    rf"(?P<before>{_ENDING}['\"]?\]?\s{{0,4}}(?:[=:]|:=|:\s{{0,2}}[\w.]{{1,20}}\s{{0,2}}=)\s{{0,4}}(?:\(\s{{0,20}})?[rbfRBF]{{0,2}})"
    rf"{_QUOTED}"
)
_GIVEN = re.compile(  # `environ.setdefault("DB_PASSWORD", "…")`, `getenv("DB_PASSWORD", "…")`, `setattr(it, "password", "…")`
    rf"(?P<before>\b(?:set\w{{0,20}}|putenv|getenv|environ\.get|add)\((?:\s{{0,4}}[\w.]{{1,40}}\s{{0,4}},)?"
    rf"\s{{0,4}}['\"]{SECRET_NAME}['\"]\s{{0,4}},\s{{0,4}}(?:default\s{{0,2}}=\s{{0,2}})?){_QUOTED}"
)
_PAIR = re.compile(
    r"(?P<before>(?:\bauth\s{0,2}=\s{0,2}|\b\w{0,20}(?:Basic|Digest)Auth)\(\s{0,2}(?:'[^'\n]{0,80}'|\"[^\"\n]{0,80}\")\s{0,2},\s{0,2})"
    + _QUOTED
)
_RANDOM_KEY = re.compile(  # `key="…"` is many things; so long and so mixed, it opens something
    r"(?P<before>(?i:\bkey)['\"]?\]?\s{0,4}[=:]\s{0,4})(?P<quote>['\"])"
    r"(?P<secret>(?=[^'\"\n]{0,80}\d)[A-Za-z0-9+/=_-]{32,200})(?P=quote)"
)
_IN_A_STRING = re.compile(  # parts of a URL's query and of a connection string
    r"(?P<before>[?&;'\"](?i:password|pwd|passwd|accountkey|sharedaccesskey|api_?key|access_?token|auth_?token|token|sig|"
    r"signature|client_?secret|secret|x-amz-signature|x-amz-security-token)=)(?P<secret>[^\s;&'\"]{6,500})"
)
_IN_WORDS = re.compile(  # `host=db user=me password=…`, where a comma would make it a call
    r"(?P<before>\b(?:host|user|dbname|port)=[^\s,'\"]{1,100} (?:\w{1,20}=[^\s,'\"]{1,100} ){0,5}(?:password|passwd)=)"
    r"(?P<secret>[^\s,'\"]{1,200})"
)
_IN_A_COMMAND = re.compile(
    rf"(?m)(?P<before>^[ \t]{{0,20}}(?:!|%|export )[^\n]{{0,300}}?(?:{SECRET_NAME}[ =]|-u \w{{1,40}}:|--user \w{{1,40}}:|"
    r"\bmysql\b[^\n]{0,80} -p))(?P<secret>[^\s'\"$({]{6,500})"
)
# Without quotes a value is only taken for one where code cannot stand: after `NAME=` in capitals, or with a digit in it; alone
# after `name =` where it mixes small letters, capitals and digits as variables seldom do.
_BARE = re.compile(
    rf"(?m)(?P<before>^[ \t]*(?:(?:!?export|%(?:set_)?env)[ \t]+)?[A-Z0-9_]{{0,40}}(?:{_LONG.upper()}|TOKEN)[A-Z0-9_]{{0,20}}="
    rf"|^[ \t]*\w{{0,40}}(?i:{_LONG})[ \t]?=[ \t]?(?=\w{{8,200}}$)(?=\S*\d)(?=\S*[a-z])(?=\S*[A-Z])"
    rf"|(?i:^[ \t]*[\w.-]{{0,40}}(?:{_LONG}|token):[ \t]+(?=\S*\d)|--(?:\w+-)?(?:{_LONG}|token)[= ](?=\S*\d)))"
    r"(?P<secret>[^\s'\"()\[\]{},]{6,200})(?=\s|$)"
)
_TOLD = re.compile(
    rf"(?P<before>\b(?i:{_LONG}|token)\s{{0,2}}[:=]\s{{0,2}})(?P<secret>(?=\S{{0,80}}\d)[^\s'\"(){{}}\[\],]{{10,500}})"
)
_NAME = re.compile(_ENDING)
_OPENS = re.compile(rf"(?i:{_LONG})|pwd|pw$")
_HINTS = (
    "pass",
    "secret",
    "key",
    "token",
    "pwd",
    "pw",
    "auth",
    "cred",
    "connection",
    "bearer",
    "basic",
    "sig",
    "-u",
    "-p",
)
"""Text without any of these holds no secret but those with a shape; most cells are such."""


def hints(text: str) -> bool:
    """Whether a word stands in it that stands beside most secrets."""
    small = text.lower()
    return any(word in small for word in _HINTS)


def mask(text: str) -> str:
    """The text with every secret it holds replaced by three stars."""
    for mark, shape in _SHAPES:
        text = shape.sub(MASK, text) if mark in text else text
    text = _IN_URL.sub(rf"\g<before>{MASK}", text) if "://" in text else text
    if not hints(text):
        return text
    for pattern in (_HEADER, _IN_A_STRING, _IN_WORDS, _IN_A_COMMAND, _BARE):
        text = pattern.sub(rf"\g<before>{MASK}", text)
    for pattern in (_NAMED, _GIVEN, _PAIR, _RANDOM_KEY):
        text = pattern.sub(rf"\g<before>\g<quote>{MASK}\g<quote>", text)
    return text


def mask_told(text: str, known: Iterable[str] = ()) -> str:
    """The same of what was printed or raised, where nothing is code: there a secret's name comes before it without quotes.

    `known` are secrets by their value.
    """
    for secret in known:
        text = text.replace(secret, MASK)
    return _TOLD.sub(rf"\g<before>{MASK}", mask(text))


def is_secret_name(name: str) -> bool:
    """Whether what goes under this name is never written, whatever its value."""
    return bool(_NAME.search(name))


def opens(name: str) -> bool:
    """Whether a thing of this name can be nothing but a secret: a token is a word of a text, too."""
    return bool(_OPENS.search(name))


def held(namespace: Mapping[str, Any]) -> list[str]:
    """The texts that variables of a secret's name hold, the longest first: such a value is one wherever it is shown.

    A short one, or one that is a plain word, would be found in ordinary text.
    """
    found = {
        value
        for name, value in namespace.items()
        if type(value) is str and 8 <= len(value) <= 5000 and is_secret_name(name)
    }
    return sorted((value for value in found if not value.isalpha() or len(value) >= 16), key=len, reverse=True)


def mask_value(name: str, value: str) -> str:
    return MASK if is_secret_name(name) else mask(value)


def mask_all(value: Any) -> Any:
    """A structure of mappings and lists with every text in it masked; a text under a secret's name is one, whatever it is."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {
            name: MASK if isinstance(held, str) and is_secret_name(str(name)) else mask_all(held)
            for name, held in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_all(held) for held in value]
    return value
