"""A run's environment rebuilt from its pins with uv, and a kernel in it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput, Unavailable

# What capture itself imports in a kernel; pinned as here unless the run pins it otherwise.
_OURS = ("ipykernel", "psutil", "pydantic", "pyyaml", "skops", "numpy", "pandas", "pyarrow")
_PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*")


def isolated_kernel(requirements: list[str]) -> Any:
    """A kernel manager whose kernel runs in that environment. Raises Unavailable with what could not be installed."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    python = environment(requirements)
    manager = AsyncKernelManager(kernel_name="python3")
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager._kernel_spec = KernelSpec(argv=command, display_name="isolated", language="python")
    return manager


def environment(requirements: list[str]) -> Path:
    """The interpreter of an environment with exactly these pins; made once, and kept in the user's cache."""
    pins = _pins(requirements)
    digest = hashlib.sha256("\n".join([sys.version, str(_package()), *pins]).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jupyter_mlops" / "environments"
    ready = cache / digest
    python = ready / "bin" / "python"
    if python.exists():
        return python
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = cache / f"{digest}.{os.getpid()}"
    shutil.rmtree(unfinished, ignore_errors=True)
    uv = _uv()
    try:
        _do([*uv, "venv", "--quiet", "--python", sys.executable, "--relocatable", str(unfinished)])
        _do([*uv, "pip", "install", "--quiet", "--python", str(unfinished / "bin" / "python"), *pins])
        _lend_our_package(unfinished)
        unfinished.rename(ready)
    except OSError as error:
        if not python.exists():  # somebody else was first, otherwise
            raise Unavailable(f"the environment could not be kept in {cache}: {error}", "make room there") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return python


def _pins(requirements: list[str]) -> list[str]:
    """What to install: names and versions. An option, an address or a path would be another's choice of what runs here."""
    odd = [line for line in requirements if not _PIN.fullmatch(line)]
    if odd:
        raise BadInput(
            f"{odd[0][:200]!r} in the run's requirements.txt is no `NAME==VERSION`, so nothing was installed",
            "find out who changed that file, or replay here",
        )
    named = {pin.partition("==")[0].lower().replace("_", "-") for pin in requirements}
    ours = [f"{name}=={metadata.version(name)}" for name in _OURS if name not in named]
    return sorted([p for p in requirements if not p.lower().replace("_", "-").startswith("jupyter-mlops==")] + ours)


def _package() -> Path:
    return Path(__file__).resolve().parents[1]


def _lend_our_package(folder: Path) -> None:
    """Capture as it is here: a link to this package alone, not to the packages it lies among."""
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "jupyter_mlops").symlink_to(_package(), target_is_directory=True)


def _uv() -> list[str]:
    found = shutil.which("uv")
    if found:
        return [found]
    if subprocess.run([sys.executable, "-m", "uv", "--version"], capture_output=True, check=False).returncode == 0:
        return [sys.executable, "-m", "uv"]
    raise Unavailable("an isolated replay needs uv, which is not here", "pip install uv")


def _do(command: list[str]) -> None:
    # A company's own certificate authority is known to the system, not to uv.
    trusting = {**os.environ, "UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=trusting)
    if done.returncode:
        why = (done.stderr.strip() or "it said nothing").splitlines()
        raise Unavailable(
            f"the environment could not be rebuilt: {' '.join(why[:3])}", "mend what it names, or replay here"
        )
