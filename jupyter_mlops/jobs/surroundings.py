"""What a run says of where it ran: the commit, the changes not committed, the host."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

_LONGEST_DIFF = 1 << 20
_NOT_OURS = ":(exclude,top,glob)**/.mlops/**"


@dataclass(frozen=True)
class Commit:
    """`diff` is what is not committed; empty where nothing is, or where there is no repository (`commit` is empty too)."""

    commit: str = ""
    branch: str = ""
    diff: str = ""
    dirty: bool = False

    def tags(self) -> dict[str, str]:
        if not self.commit:
            return {}
        return {
            "mlflow.source.git.commit": self.commit,
            "mlflow.source.git.branch": self.branch,
            "mlops.git.dirty": str(self.dirty).lower(),
        }


def commit_of(folder: Path) -> Commit:
    """The commit of the repository around this folder."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return Commit()
    status = _git(folder, "status", "--porcelain", "--untracked-files=normal", "--", ":(top)", _NOT_OURS)
    diff = _git(folder, "diff", "HEAD") if status else ""
    if len(diff) > _LONGEST_DIFF:
        diff = diff[:_LONGEST_DIFF] + "\n[the rest of the difference is left out]\n"
    untracked = [line[3:] for line in status.splitlines() if line.startswith("?? ")]
    if untracked:
        diff += "\n# not tracked:\n" + "\n".join(f"# {name}" for name in untracked[:1000]) + "\n"
    return Commit(commit, _git(folder, "rev-parse", "--abbrev-ref", "HEAD"), diff, bool(status))


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607  # the person's own git
            capture_output=True,
            timeout=20,
            check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace").strip("\n")


def host() -> dict[str, str]:
    """The machine, as tags."""
    return {
        "mlops.host": socket.gethostname(),
        "mlops.python": platform.python_version(),
        "mlops.platform": platform.platform(terse=True),
        "mlops.cpus": str(os.cpu_count() or 0),
        "mlops.memory_gb": f"{psutil.virtual_memory().total / 2**30:.1f}",
    }
