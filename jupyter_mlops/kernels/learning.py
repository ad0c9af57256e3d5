"""What a project's notebooks import, so that their kernels find it there: read from their cells, nothing is run."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import sysconfig
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

OURS = (
    "skops.io",
    "jupyter_mlops.magics",
    "jupyter_mlops.magics.card",
    "jupyter_mlops.magics.showing",
    "jupyter_mlops.tracking",
    "jupyter_mlops.tracking.capturing",
    "jupyter_mlops.tracking.environment",
    "jupyter_mlops.tracking.launching",
    "jupyter_mlops.tracking.leaking",
    "jupyter_mlops.tracking.observing",
    "jupyter_mlops.tracking.streaming",
    "jupyter_mlops.store.leases",
)
"""What a notebook that tracks needs of us, by the first tracked cell."""
_MOST = 200  # notebooks of a project that are read
_LARGEST = 20 << 20  # bytes of a notebook that is read
_MOST_FOLDERS = 2000
_NOT_THEIRS = ("node_modules", "site-packages", "venv", "__pycache__")


def learned(notebooks: Iterable[Path]) -> tuple[str, ...]:
    """The installed modules that these notebooks import, sorted; neither Python's own, which cost little, nor local ones."""
    found: set[str] = set()
    for path in notebooks:
        try:
            stat = path.stat()
        except OSError:
            continue
        if stat.st_size <= _LARGEST:
            found |= _of_notebook(str(path), stat.st_mtime_ns)
    return tuple(sorted(found))


def notebooks_of(root: Path) -> list[Path]:
    """The newest notebooks below a project's folder; of a very large tree, those among its first folders."""
    found: list[Path] = []
    for folder, inner, files in islice(os.walk(root), _MOST_FOLDERS):
        inner[:] = [name for name in inner if not name.startswith(".") and name not in _NOT_THEIRS]
        found += [Path(folder, name) for name in files if name.endswith(".ipynb")]
    return sorted(found, key=_modified, reverse=True)[:_MOST]


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


@lru_cache(maxsize=1000)
def _of_notebook(path: str, _changed: int) -> frozenset[str]:
    try:
        cells = json.loads(Path(path).read_bytes())["cells"]
        sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()
    return frozenset(module for source in sources for module in _imports(source))


def _imports(source: str) -> Iterator[str]:
    lines = source.split("\n")
    if any(line.split()[:2] == ["%load_ext", "jupyter_mlops"] for line in lines):
        yield from OURS
    try:
        tree = ast.parse("\n".join(line for line in lines if line[:1] not in "%!" or not line))
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from _installed(names)


def _installed(names: list[str]) -> Iterator[str]:
    for name in names:
        if name.partition(".")[0] == "jupyter_mlops":
            yield from OURS
        elif _is_installed(name):
            yield name


@lru_cache(maxsize=10_000)
def _is_installed(name: str) -> bool:
    """Whether it is a module of a package folder. Looked for by its file, since to ask Python would import its parents."""
    top, *inner = name.split(".")
    places = [Path(p) for p in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}]
    if not inner and not any((place / top).exists() for place in places):
        spec = importlib.util.find_spec(top)
        return spec is not None and any(Path(spec.origin or "/").is_relative_to(place) for place in places)
    at = [place.joinpath(top, *inner) for place in places]
    return any(
        (p / "__init__.py").is_file() or p.with_suffix(".py").is_file() or any(p.parent.glob(f"{p.name}.*.so"))
        for p in at
    )
