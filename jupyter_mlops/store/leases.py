"""Who keeps a run alive: host, boot, process and its start time. A run whose keeper is gone is closed, truthfully.

A process number alone proves nothing, since numbers are used again; with the boot and the start time it does.
"""

from __future__ import annotations

import json
import socket
import time
from functools import cache
from pathlib import Path
from typing import Any

import psutil

TAG = "mlops.lease"


def lease(lasts: float | None = None) -> str:
    """This process's lease, to be put on the runs it keeps; one that `lasts` so many seconds has to be renewed."""
    me = psutil.Process()
    kept = {"host": socket.gethostname(), "boot": _boot(), "pid": me.pid, "started": me.create_time()}
    return json.dumps(kept | ({"until": time.time() + lasts} if lasts else {}))


def expired(text: str) -> str:
    """Why the keeper of this lease is gone; empty while it lives, or while a host we cannot see may still keep it."""
    try:
        kept: dict[str, Any] = json.loads(text)
    except ValueError:
        return ""
    if kept.get("host") != socket.gethostname():
        late = isinstance(kept.get("until"), int | float) and time.time() > kept["until"]
        return f"its machine ({kept.get('host')}) has not been heard of for a long time" if late else ""
    if kept.get("boot") != _boot():
        return "the machine was restarted while it ran"
    try:
        alive = abs(psutil.Process(int(kept["pid"])).create_time() - float(kept["started"])) < 1
    except (psutil.NoSuchProcess, KeyError, TypeError, ValueError):
        alive = False
    return "" if alive else f"its process ({kept.get('pid')}) ended without a word"


@cache
def _boot() -> str:
    file = Path("/proc/sys/kernel/random/boot_id")
    return file.read_text().strip() if file.exists() else str(int(psutil.boot_time()))
