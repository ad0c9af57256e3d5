"""How a profile is laid down: a mark with the format's number, a line of JSON, and each column's integers, compressed.

Integers are stored as their differences in the fewest bytes that hold them, byte planes apart, which compress best.
"""

from __future__ import annotations

import json
import lzma
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.errors import BadInput

FORMAT = b"mlops-profile-"
_VERSION = b"3\n"
_READ = (b"2\n", _VERSION)  # the second had no text
Ints = NDArray[np.int64]
Packed = tuple[dict[str, Any], list[Ints]]


def pack(head: dict[str, Any], columns: dict[str, Packed]) -> bytes:
    lines, body = [], []
    for name, (line, parts) in columns.items():
        stored = [_stored(part) for part in parts]
        lines.append(
            [name, line, [[len(part), width, first] for part, (width, first, _) in zip(parts, stored, strict=True)]]
        )
        body += [planes for _, _, planes in stored]
    text = json.dumps({"head": head, "columns": lines}, separators=(",", ":")).encode()
    whole = len(text).to_bytes(8, "little") + text + b"".join(body)
    return FORMAT + _VERSION + lzma.compress(whole, preset=6)


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, Packed]]:
    """BadInput when these bytes are no profile, or were cut or changed."""
    mark = next((FORMAT + version for version in _READ if data.startswith(FORMAT + version)), None)
    if mark is None:
        raise BadInput("this is no saved profile of this version", "make one with `jupyter mlops profile FILE -o FILE`")
    try:
        whole = lzma.decompress(data[len(mark) :])
        size = int.from_bytes(whole[:8], "little")
        told = json.loads(whole[8 : 8 + size])
        return told["head"], _columns(told["columns"], memoryview(whole)[8 + size :])
    except (lzma.LZMAError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"this saved profile is damaged: {error}", "profile the data again") from error


def _columns(lines: list[Any], body: memoryview) -> dict[str, Packed]:
    found, place = {}, 0
    for name, line, shapes in lines:
        parts = []
        for count, width, first in shapes:
            size = max(0, count - 1) * width
            parts.append(_restored(body[place : place + size], count, width, first))
            place += size
        found[name] = (line, parts)
    return found


def _stored(values: Ints) -> tuple[int, int, bytes]:
    """Bytes for each difference, the first value, and the differences; zigzagged, so that small ones of either sign are small."""
    if not len(values):
        return 0, 0, b""
    steps = np.diff(values)
    turned = ((steps << 1) ^ (steps >> 63)).view(np.uint64)
    width = max(1, (int(turned.max(initial=0)).bit_length() + 7) // 8)
    planes = turned.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
    return width, int(values[0]), planes.T.tobytes()


def _restored(planes: memoryview, count: int, width: int, first: int) -> Ints:
    if not count:
        return np.empty(0, dtype=np.int64)
    whole = np.zeros((count - 1, 8), dtype=np.uint8)
    whole[:, :width] = np.frombuffer(planes, dtype=np.uint8).reshape(width, count - 1).T
    turned = whole.reshape(-1).view("<u8").astype(np.uint64)
    steps = (turned >> np.uint64(1)).view(np.int64) ^ -(turned & np.uint64(1)).view(np.int64)
    return np.concatenate([[first], first + np.cumsum(steps)]).astype(np.int64)
