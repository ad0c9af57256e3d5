"""What a tracked cell needs is imported while a kernel rests: nothing while a cell runs, nothing that nobody uses."""

import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from jupyter_mlops.magics import warming


def _until(done) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_waits_for_rest_and_for_what_the_notebook_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("warmed_first", "warmed_later", "warmed_needed"):
        (tmp_path / f"{name}.py").write_text("")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(warming, "RESTED", 0.01)
    monkeypatch.setattr(warming, "_STEPS", (("warmed_later", "warmed_needed"), ("warmed_first", "")))
    one = warming.Warming()
    one.begins()
    one.ended()
    _until(lambda: "warmed_first" in sys.modules)
    thread = one._thread
    assert thread is not None
    assert "warmed_later" not in sys.modules
    one.begins()
    monkeypatch.setitem(sys.modules, "warmed_needed", sys)
    assert thread.is_alive()
    assert "warmed_later" not in sys.modules
    one.ended()
    thread.join(60)
    assert "warmed_later" in sys.modules
    for name in ("warmed_first", "warmed_later"):
        sys.modules.pop(name, None)


def test_every_module_that_is_warmed_is_there():
    assert all(find_spec(name) for name, _ in warming._STEPS)
