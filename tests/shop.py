"""The retail template with few of its stores, run as a person runs it, so that tests need not wait for all ten."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from jupyter_mlops import assets

_RUN = (
    "import sys; from pathlib import Path; from jupyter_mlops import assets;"
    "assets.templates = lambda: Path(sys.argv[1]);"
    "from jupyter_mlops.cli import main; sys.exit(main(sys.argv[2:]))"
)


def templates(folder: Path, stores: Sequence[str]) -> Path:
    """A copy of every template, the retail one with only these stores."""
    shutil.copytree(assets.templates(), folder)
    declared = folder / "retail-recommender" / "mlops.yaml"
    kept = [s for s in declared.read_text().splitlines() if "store-" not in s or s.split(":")[0].strip() in stores]
    declared.write_text("\n".join(kept) + "\n")
    return folder


def command(templates: Path, *words: str) -> list[str]:
    """`jupyter mlops WORDS`, with these templates."""
    return [sys.executable, "-c", _RUN, str(templates), *words]


def run(templates: Path, *words: str, timeout: float = 280, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(templates, *words), capture_output=True, text=True, timeout=timeout, check=False, **options
    )
