"""The body of a request, whole or not at all, within its limits of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from jupyter_mlops.errors import BadInput

MOST_BYTES = 16 * 2**20
BODY_WITHIN = 15.0
DRAINED = 16  # times what is allowed
Receive = Callable[[], Awaitable[dict[str, Any]]]


class TooLarge(BadInput):
    code = "too-large"
    http_status = 413


class TooSlow(BadInput):
    code = "too-slow"
    http_status = 408


class Packed(BadInput):
    code = "unsupported-content-encoding"
    http_status = 415


class Gone(Exception):
    """The client went away before its request was whole; there is nobody to answer."""


def welcome(length: str, expect: str, most: int) -> None:
    """Refuse by its length a body that its client holds back until it is asked for; any other is on its way already."""
    if expect and length.isdecimal() and int(length) > most:
        raise _too_large(most)


def unpacked(encoding: str) -> None:
    if encoding.strip().lower() not in ("", "identity"):
        raise Packed(f"a body in {encoding[:40]!r} is not unpacked here", "send it as it is")


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"the body is larger than {most / 2**20:g} MB", "send fewer rows at a time")


async def read_body(receive: Receive, most: int = MOST_BYTES, within: float = BODY_WITHIN) -> bytes:
    """The whole body. TooLarge and TooSlow beyond the limits; Gone when the client hung up in the middle."""
    try:
        async with asyncio.timeout(within):
            return await _read(receive, most)
    except TimeoutError as error:
        raise TooSlow(f"the body did not arrive within {within:g} s", "send it faster, or in parts") from error


async def _read(receive: Receive, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        more = message.get("more_body", False)
        if size > most:  # let it arrive, unkept: a client that still sends would see no answer
            parts.clear()
            if more and size < DRAINED * most:
                continue
            raise _too_large(most)
        if not more and not parts:
            return bytes(part)
        parts.append(part)
        if not more:
            return b"".join(parts)
