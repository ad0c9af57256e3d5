"""Secrets are masked before anything is written: by the shape of a value, and by the name it goes under.

Each pattern is anchored on what its issuer always writes, so that run ids, digests and ordinary code are left alone.
Not caught, and known: a secret split over two places, encoded, or drawn in an image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"

_SHAPES = re.compile(
    "|".join(
        [
            r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
            r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b",
            r"\bgithub_pat_[A-Za-z0-9_]{60,255}\b",
            r"\bglpat-[A-Za-z0-9_-]{20,}\b",
            r"\bxox[abeprs]-[A-Za-z0-9-]{10,}\b",
            r"\bxapp-\d-[A-Za-z0-9-]{20,}\b",
            r"(?<=hooks\.slack\.com/services/)[A-Z0-9]{6,20}/[A-Z0-9]{6,20}/[A-Za-z0-9]{16,64}",
            r"\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}\b",
            r"\bhf_[A-Za-z0-9]{30,}\b",
            r"\bdapi[0-9a-f]{32}\b",
            r"\bAIza[0-9A-Za-z_-]{35}\b",
            r"\bya29\.[0-9A-Za-z_-]{20,}",
            r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b",
            r"\b[rs]k_(?:live|test)_[0-9a-zA-Z]{20,}\b",
            r"\bnpm_[A-Za-z0-9]{36}\b",
            r"\bpypi-[A-Za-z0-9_-]{50,}\b",
            r"\bdckr_pat_[A-Za-z0-9_-]{20,}\b",
            r"\bdop_v1_[0-9a-f]{64}\b",
            r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])",
            r"(?<=AccountKey=)[A-Za-z0-9+/]{40,100}={0,2}",
            r"(?<=SharedAccessKey=)[A-Za-z0-9+/]{40,100}={0,2}",
            r"(?<=[?&]sig=)[A-Za-z0-9%+/=_-]{30,200}",
            r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
            # To its end; or, where it was cut off before that, as far as it looks like one.
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
            r"(?:(?:[^-]|-(?!----)){0,8000}-----END [A-Z ]{0,30}PRIVATE KEY-----|[A-Za-z0-9+/=\\\s]{0,8000})",
        ]
    )
)
_IN_URL = re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"]{0,100}:)(?P<secret>[^\s/@'\"]{1,200})(?=@)")
_HEADER = re.compile(r"(?i)(?P<before>\b(?:bearer|basic)\s+)(?P<secret>[A-Za-z0-9+/=._-]{16,2000})")
_WORDS = r"pass(?:word|wd|phrase)|secret|token|api_?key|access_?key|private_?key|client_?secret|credentials?|connection_?string"
_NAMED = re.compile(
    rf"(?i)(?P<before>\b\w{{0,40}}(?:{_WORDS})\w{{0,20}}['\"]?\]?\s{{0,4}}[=:]\s{{0,4}}[rbf]?)"
    r"(?P<secret>'[^'\n]{1,500}'|\"[^\"\n]{1,500}\")"
)
# Without quotes a value is only taken for one where code cannot stand: after `NAME=` in capitals, or with a digit in it.
_BARE = re.compile(
    rf"(?m)(?P<before>^[ \t]*(?:(?:!?export|%(?:set_)?env)[ \t]+)?[A-Z0-9_]{{0,40}}(?:{_WORDS.upper()})[A-Z0-9_]{{0,20}}="
    rf"|(?i:^[ \t]*[\w.-]{{0,40}}(?:{_WORDS}):[ \t]+(?=\S*\d)|--(?:\w+-)?(?:{_WORDS})[= ](?=\S*\d)))"
    r"(?P<secret>[^\s'\"()\[\]{},]{6,200})(?=\s|$)"
)
_NAME = re.compile(rf"(?i)(?:^|_)(?:{_WORDS})(?:_|$)")


def mask(text: str) -> str:
    """The text with every secret it holds replaced by three stars."""
    text = _SHAPES.sub(MASK, text)
    text = _IN_URL.sub(rf"\g<before>{MASK}", text)
    text = _HEADER.sub(rf"\g<before>{MASK}", text)
    text = _BARE.sub(rf"\g<before>{MASK}", text)
    return _NAMED.sub(rf"\g<before>'{MASK}'", text)


def is_secret_name(name: str) -> bool:
    """Whether what goes under this name is never written, whatever its value."""
    return bool(_NAME.search(name))


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
