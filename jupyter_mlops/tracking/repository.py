"""The git repository a notebook lies in: commit, and what was changed since and not committed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from jupyter_mlops.masking import mask_code

_LONGEST_DIFF = 1_000_000


def repository(folder: Path) -> tuple[str, str]:
    """(commit, diff of what is not committed, secrets masked); both empty outside of a repository or without git."""
    commit = _git(folder, "rev-parse", "HEAD").strip()
    if not commit:
        return "", ""
    return commit, mask_code(_git(folder, "diff", "HEAD", "--no-ext-diff", "--no-textconv")[:_LONGEST_DIFF])


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607  # the person's own git
            capture_output=True,
            timeout=20,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""
