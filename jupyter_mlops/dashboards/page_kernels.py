"""The kernels behind the pages of a Voila of our own: forked from a small preloaded process, and only so many at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from jupyter_client.session import utcnow
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets import Int

from jupyter_mlops.kernels import warm_up

# What a page needs and no more: neither pandas nor scikit-learn, so the process is small and up in a second or two.
PRELOAD = ("ipykernel.kernelapp", "ipykernel.ipkernel", "IPython", "ipywidgets", "jupyter_mlops.dashboards.pages")
_YOUNG = timedelta(seconds=20)


class PageKernels(AsyncMappingKernelManager):  # type: ignore[misc]  # jupyter_server's types are not followed
    """Voila starts a kernel for each visit and has no cap: a page nobody looks at gives way, else the visit is put off."""

    most = Int(24, config=True, help="How many pages may be open at once.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        warm_up(PRELOAD)

    async def start_kernel(self, **kwargs: Any) -> str:
        if len(self) >= self.most:
            left = self._left()
            if left is None:
                raise HTTPError(503, f"{self.most} pages are open already; close one and try again")
            await self.shutdown_kernel(left)
        started: str = await super().start_kernel(**kwargs)
        return started

    def _left(self) -> str | None:
        """The kernel that nobody has been connected to for longest, past the time in which a page is built."""
        alone = [
            (kernel.last_activity, name)
            for name, kernel in self._kernels.items()
            if not self._kernel_connections.get(name) and utcnow() - kernel.last_activity > _YOUNG
        ]
        return min(alone)[1] if alone else None
