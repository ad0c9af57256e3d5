"""Who keeps a run alive: host, boot, process and its start time. A run whose keeper is gone is closed, truthfully.

A process number alone proves nothing, since numbers are used again; with the boot and the start time it does.
"""

from __future__ import annotations

import json
import socket
from functools import cache
from pathlib import Path
from typing import Any

import psutil

TAG = "mlops.lease"


def lease() -> str:
    """This process's lease, to be put on the runs it keeps."""
    me = psutil.Process()
    return json.dumps({"host": socket.gethostname(), "boot": _boot(), "pid": me.pid, "started": me.create_time()})


def expired(text: str) -> str:
    """Why the keeper of this lease is gone; empty while it lives, or when it is on a host we cannot see."""
    try:
        kept: dict[str, Any] = json.loads(text)
    except ValueError:
        return ""
    if kept.get("host") != socket.gethostname():
        return ""
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
