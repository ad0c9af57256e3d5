"""A kernel as its user has it: started, asked, looked at from outside."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from jupyter_client.manager import KernelManager

from jupyter_mlops.kernels import WARM_KERNEL, warm_up


class Kernel:
    def __init__(self, name: str = WARM_KERNEL, **options: Any) -> None:
        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel(**options)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    @property
    def pid(self) -> int:
        return self.manager.provisioner.pid

    def ask(self, source: str) -> str:
        """What the cell prints; its error is raised here."""
        text: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                text.append(message["content"]["text"])

        reply = self.client.execute_interactive(source, timeout=60, output_hook=hook)["content"]
        assert reply["status"] == "ok", "\n".join(reply["traceback"])
        return "".join(text).strip()

    def data(self, source: str) -> Any:
        """The value of an expression, through JSON."""
        return json.loads(self.ask(f"import json; print(json.dumps({source}))"))

    def stop(self, *, now: bool = True) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=now)


@pytest.fixture(scope="session", autouse=True)
def usual_preload() -> None:
    """The dashboards' tests, in this same process, chose a small preload for their pages."""
    warm_up(())


@pytest.fixture(scope="session")
def kernel_class() -> type[Kernel]:
    return Kernel


@pytest.fixture
def start() -> Iterator[Callable[..., Kernel]]:
    """Starts kernels which are gone when the test is."""
    with contextlib.ExitStack() as stack:

        def start(name: str = WARM_KERNEL, **options: Any) -> Kernel:
            kernel = Kernel(name, **options)
            stack.callback(kernel.stop)
            return kernel

        yield start


@pytest.fixture(scope="module")
def shared() -> Iterator[Kernel]:
    """One warm kernel for the tests that only look."""
    kernel = Kernel()
    yield kernel
    kernel.stop()


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def gone_within() -> Callable[[list[int], float], bool]:
    """Whether all those processes have ended when so many seconds have passed."""

    def gone_within(pids: list[int], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while any(map(lives, pids)) and time.monotonic() < deadline:
            time.sleep(0.02)
        return not any(map(lives, pids))

    return gone_within
