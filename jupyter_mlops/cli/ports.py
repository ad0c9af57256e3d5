"""Ports on loopback."""

from __future__ import annotations

import socket

from jupyter_mlops.errors import Conflict


def free_port(port: int) -> int:
    """This port if it is free, any free one for 0; Conflict when somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Conflict(
                f"port {port} is in use", "choose another with --port, or --port 0 for any free one", port=port
            ) from error
        return int(probe.getsockname()[1])
