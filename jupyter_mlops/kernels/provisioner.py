"""jupyter_client's provisioner: a kernel forked from the zygote, or an ordinary one with a line that says why."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from jupyter_mlops.errors import Unavailable
from jupyter_mlops.kernels.parent import WarmProcess, fits, unsafe, zygote


class WarmProvisioner(LocalProvisioner):  # type: ignore[misc]  # jupyter_client's types are not followed
    """`mlops-warm`. Interrupt, restart and shutdown are LocalProvisioner's own: a forked kernel is a process too."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        process, why_not = await asyncio.get_running_loop().run_in_executor(None, self._fork, cmd, kwargs)
        if process is None:
            self.log.info("starting an ordinary kernel: %s", why_not)
            return await super().launch_kernel(cmd, **kwargs)
        self.process = process
        self.pid = process.pid
        self.pgid = process.pid  # the child leads a session and group of its own
        return self.connection_info

    def _fork(self, cmd: list[str], kwargs: dict[str, Any]) -> tuple[WarmProcess | None, str]:
        why_not = unsafe()
        if why_not:
            return None, why_not
        env = kwargs.get("env") or dict(os.environ)
        try:
            source = zygote()
            if not fits(source, env):
                return None, "it asks for settings that libraries read when they are imported"
            return source.fork(cmd[cmd.index("-f") :], env, str(kwargs.get("cwd") or os.getcwd())), ""  # noqa: PTH109
        except (Unavailable, ValueError) as error:
            return None, str(error)
