"""Every setting that comes from the environment: one line each, read when asked, never cached."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from pathlib import Path


def project_dir(env: Mapping[str, str] = os.environ) -> str | None:
    """`MLOPS_PROJECT`: the project to use in place of the one found by walking up."""
    return env.get("MLOPS_PROJECT") or None


def warm_kernels(env: Mapping[str, str] = os.environ) -> bool:
    """`MLOPS_WARM=0` turns warm kernels off; every kernel is then a cold one."""
    return env.get("MLOPS_WARM", "1") != "0"


def parent_run(env: Mapping[str, str] = os.environ) -> str | None:
    """`MLOPS_PARENT_RUN`: set by a job for its kernel; what the kernel tracks becomes a child of that run."""
    return env.get("MLOPS_PARENT_RUN") or None


def ship_in_background(env: Mapping[str, str] = os.environ) -> bool:
    """`MLOPS_SHIP=supervisor`: a supervisor ships this process's journal, so the kernel starts no shipper itself."""
    return env.get("MLOPS_SHIP", "background") == "background"


def strict(env: Mapping[str, str] = os.environ) -> bool:
    """`MLOPS_STRICT=1`: failures of the observer are raised in place of one line of warning. Tests run so."""
    return env.get("MLOPS_STRICT") == "1"


def actor() -> str:
    """Who acts when no server has authenticated anybody: the OS user. Never read from LOGNAME or git."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return getpass.getuser()


def preload(env: Mapping[str, str] = os.environ) -> list[str]:
    """`MLOPS_PRELOAD`: modules that warm kernels hold, separated by commas, in place of the usual ones."""
    return [name.strip() for name in env.get("MLOPS_PRELOAD", "").split(",") if name.strip()]


def ledger_key(env: Mapping[str, str] = os.environ) -> Path:
    """`MLOPS_LEDGER_KEY`: the file of the Ed25519 key that signs the ledger's checkpoints; never below a project."""
    named = env.get("MLOPS_LEDGER_KEY")
    folder = Path(env.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(named) if named else folder / "jupyter_mlops" / "ledger.key"


def witnesses(env: Mapping[str, str] = os.environ) -> list[Path]:
    """`MLOPS_WITNESS`: folders, parted like PATH, where checkpoints are kept too; best where no database admin writes."""
    named = env.get("MLOPS_WITNESS")
    if named:
        return [Path(part) for part in named.split(os.pathsep) if part]
    folder = Path(env.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return [folder / "jupyter_mlops" / "checkpoints"]


def secret(name: str, env: Mapping[str, str] = os.environ) -> str | None:
    """A secret that `mlops.yaml` names by its environment variable, so that the file never holds it."""
    return env.get(name) or None
