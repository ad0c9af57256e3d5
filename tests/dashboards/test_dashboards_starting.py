"""How Voila is started, and how many kernels its pages may have."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from tornado.web import HTTPError
from voila.app import Voila

from jupyter_mlops.dashboards import page_kernels, voila_command
from jupyter_mlops.dashboards.page_kernels import PageKernels


def test_voila_takes_every_option_it_is_given(tmp_path: Path):
    (tmp_path / "dashboards").mkdir()
    command = voila_command(tmp_path, 8866)
    app = Voila()
    app.parse_command_line(command[3:])
    assert (app.ip, app.port, app.port_retries, app.open_browser) == ("127.0.0.1", 8866, 0, False)
    assert app.auto_token
    assert not any("--token" in word for word in command)  # it would be seen in the list of processes
    settings = app.config.VoilaConfiguration
    assert settings.template == "mlops"
    assert settings.multi_kernel_manager_class.endswith("PageKernels")
    kernels = PageKernels(config=app.config, parent=None)
    assert (kernels.cull_idle_timeout, kernels.cull_interval, kernels.cull_connected) == (120, 30, False)


def test_a_token_that_is_given_is_used(tmp_path: Path):
    assert "--token=tok" in voila_command(tmp_path, 1, "tok")


def test_only_so_many_pages_at_once_and_the_one_nobody_looks_at_gives_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(page_kernels, "warm_up", lambda _: None)  # the kernels here are ordinary ones

    async def visits() -> None:
        kernels = PageKernels(most=1)
        try:
            first = await kernels.start_kernel(kernel_name="python3")
            with pytest.raises(HTTPError, match="1 pages are open already") as refused:
                await kernels.start_kernel(kernel_name="python3")
            assert refused.value.status_code == 503
            monkeypatch.setattr(page_kernels, "_YOUNG", timedelta(0))
            kernels.notify_connect(first)
            with pytest.raises(HTTPError):
                await kernels.start_kernel(kernel_name="python3")
            kernels.notify_disconnect(first)
            second = await kernels.start_kernel(kernel_name="python3")
            assert kernels.list_kernel_ids() == [second]
        finally:
            await kernels.shutdown_all(now=True)

    asyncio.run(visits())
