"""jupyter_client's provisioner: a kernel forked from the zygote, or an ordinary one with a line that says why."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from math import inf
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from jupyter_mlops.errors import Unavailable
from jupyter_mlops.kernels.current import fork, unsafe
from jupyter_mlops.kernels.handle import WarmProcess

_LAUNCHER = ["-m", "ipykernel_launcher"]
_UNDERSTOOD = {"env", "cwd", "kernel_id"}
_AT_ONCE = 1.0  # seconds
_said: set[str] = set()


class WarmProvisioner(LocalProvisioner):  # type: ignore[misc]  # jupyter_client's types are not followed
    """`mlops-warm`. Interrupt, restart and shutdown are LocalProvisioner's own: a forked kernel is a process too."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel that `cmd` describes; returns how to reach it."""
        cwd = str(kwargs.get("cwd") or os.getcwd())  # noqa: PTH109
        why_not = self._why_not(cmd, cwd, kwargs)
        if not why_not:
            # As jupyter_client's own launcher adds it.
            environment = {**(kwargs.get("env") or os.environ), "JPY_PARENT_PID": str(os.getpid())}
            loop = asyncio.get_running_loop()
            try:
                process, left_out = await loop.run_in_executor(None, fork, cmd, environment, cwd)
            except Unavailable as error:
                why_not = error.message
        if why_not:
            self._say(f"started an ordinary kernel in place of a warm one: {why_not}")
            return await super().launch_kernel(cmd, **kwargs)
        for name, why in left_out.items():
            self._say(f"warm kernels start without {name}: {why}")
        self.process = process
        self.pid = self.pgid = process.pid  # it leads a session and group of its own
        self.cwd = cwd
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """Returns when it has ended, as far as it ends at once: who asks after it looks ten times a second."""
        await super().kill(restart)
        await self._ended(_AT_ONCE)

    async def _ended(self, seconds: float = inf) -> None:
        """Noticed within 10 ms: a fleet ends a kernel every few hundred."""
        until = time.monotonic() + seconds
        while isinstance(self.process, WarmProcess) and self.process.poll() is None and time.monotonic() < until:
            await asyncio.sleep(0.01)

    async def wait(self) -> int | None:
        """The exit status."""
        await self._ended()
        status: int | None = await super().wait()
        return status

    def _why_not(self, cmd: list[str], cwd: str, kwargs: dict[str, Any]) -> str:
        """Why a fork would not be what is asked for; empty when it would."""
        if why := unsafe(kwargs.get("env") or os.environ):
            return why
        if cmd[:3] != [sys.executable, *_LAUNCHER]:
            return f"its command is not that of the kernelspec ({' '.join(cmd[:3])})"
        if special := sorted(name for name, value in kwargs.items() if value and name not in _UNDERSTOOD):
            return f"it is to be started with {', '.join(special)}"
        return "" if os.path.isdir(cwd) else f"there is no folder {cwd}"  # noqa: PTH112

    def _say(self, line: str) -> None:
        """Once per process: it is the same for every kernel of a fleet."""
        if line not in _said:
            _said.add(line)
            self.log.warning(line)
