"""What made a replay differ: what is not as it was recorded, or numbers that nobody can draw again."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from jupyter_mlops.records import Run
from jupyter_mlops.store import Store


def unseeded(kept: dict[str, Any]) -> str:
    """Which cells of the slice drew from a shared generator that nothing had seeded; empty if none did."""
    numbers = kept.get("unseeded", [])
    if not numbers:
        return ""
    last = len(kept["cells"]) - 1
    which = ["the tracked cell" if n == last else f"cell {n + 1} of the slice" for n in numbers]
    return (
        f"{', '.join(which)} drew random numbers without a seed (give random_state, or call numpy.random.seed before)"
    )


def other_than_recorded(store: Store, run: Run, again: dict[str, Any], requirements: list[str] | None) -> str:
    """The first thing that is not as it was recorded: a local module, a data digest, a variable, a package, the Python.

    Without `requirements` the packages are those of the run.
    """
    return (
        _other_module(read_json(store, run.run_id, "modules.json") or [], again)
        or _other_data(run, again)
        or _other_value(run, again)
        or _other_package(requirements or [])
        or _other_python(read_json(store, run.run_id, "environment.json") or {}, again)
    )


def _other_module(recorded: list[dict[str, str]], again: dict[str, Any]) -> str:
    now = {m["name"]: m["digest"] for m in again.get("local_modules", [])}
    for module in recorded:
        present = now.get(module["name"]) or _digest(Path(module["path"]))
        if present != module["digest"]:
            what = "was edited" if present else "is gone"
            return f"module {module['name']} ({module['path']}) {what}; its text as it ran is in the run's modules/"
    return ""


def _digest(path: Path) -> str:
    import hashlib

    with suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return ""


def _other_data(run: Run, again: dict[str, Any]) -> str:
    now = {(d["context"], d["name"]): d["digest"] for d in again.get("datasets", [])}
    for data in run.datasets:
        present = now.get((data.context, data.name))
        if present and not present.startswith(data.digest):
            return f"data {data.name} ({data.context}, from {data.source}): {data.digest[:10]} recorded, {present[:10]} now"
    return ""


def _other_value(run: Run, again: dict[str, Any]) -> str:
    now = again.get("parameters", {})
    for name, value in run.parameters.items():
        if name in now and str(now[name]) != value:
            return f"variable {name}: {value} recorded, {now[name]} replayed"
    return ""


def _other_package(requirements: list[str]) -> str:
    for pin in requirements:
        name, _, version = pin.partition("==")
        try:
            present = metadata.version(name)
        except metadata.PackageNotFoundError:
            return f"package {name}: {version} recorded, not installed here (try --isolated)"
        if present != version:
            return f"package {name}: {version} recorded, {present} here (try --isolated)"
    return ""


def _other_python(recorded: dict[str, Any], again: dict[str, Any]) -> str:
    before, now = recorded.get("python"), again.get("environment", {}).get("python")
    return f"Python: {before} recorded, {now} here" if before and now and before != now else ""


def read_json(store: Store, run_id: str, name: str) -> Any:
    text = store.text(run_id, name)
    return json.loads(text) if text else None
