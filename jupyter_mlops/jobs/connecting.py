"""How a supervisor reaches the kernel it has started: without the waits that jupyter_client and ZeroMQ have by default.

Of each kernel's start they would take three tenths of a second idle: a tenth until a connection that came too early is tried
again, two until nothing more is heard. A fleet starts thousands.
"""

from __future__ import annotations

import time
from functools import cache
from queue import Empty
from typing import Any

import zmq.asyncio
from jupyter_core.utils import ensure_async

_AGAIN = 10  # milliseconds until a connection is tried again, where the kernel does not listen yet
_ANSWER, _HEARD = 1.0, 0.2  # seconds: for an answer; for what it publishes with it


@cache
def context() -> zmq.asyncio.Context:
    """One for all kernels of this process: to end one is to wait until what a dead kernel will not take is given up."""
    made = zmq.asyncio.Context()
    made.reconnect_ivl = _AGAIN
    return made


async def ready(client: Any, seconds: float) -> None:
    """Returns once the kernel answers and is heard to publish: outputs of the first cell are not lost.

    RuntimeError, nbclient's word, when it ends before that or takes longer. What it published meanwhile belongs to no cell,
    and is passed over by who asks for a cell's.
    """
    deadline = time.monotonic() + seconds
    while True:
        asked = client.kernel_info()
        try:
            reply = await ensure_async(client.shell_channel.get_msg(timeout=_ANSWER))
            if reply["msg_type"] == "kernel_info_reply" and reply["parent_header"].get("msg_id") == asked:
                await ensure_async(client.iopub_channel.get_msg(timeout=_HEARD))
                return
        except Empty:
            if not await ensure_async(client.is_alive()):
                raise RuntimeError("the kernel ended before it answered") from None
            if time.monotonic() > deadline:
                raise RuntimeError(f"the kernel did not answer in {seconds:.0f} seconds") from None
