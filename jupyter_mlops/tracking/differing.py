"""Two runs side by side: code cell by cell, data, environment, parameters, metrics; only what differs."""

from __future__ import annotations

import difflib
import json
from typing import Any

from jupyter_mlops.records import Run
from jupyter_mlops.store import Store


def differences(store: Store, one: Run, other: Run) -> dict[str, Any]:
    """`{one, other, code, data, environment, parameters, metrics}`: each a list of `{what, one, other}`, None where absent."""
    return {
        "one": one.run_id,
        "other": other.run_id,
        "code": _code(_cells(store, one), _cells(store, other)),
        "data": _apart(_data(one), _data(other)),
        "environment": _apart(_environment(store, one), _environment(store, other)),
        "parameters": _apart(one.parameters, other.parameters),
        "metrics": _apart(one.metrics, other.metrics),
    }


def _code(one: list[str], other: list[str]) -> list[dict[str, Any]]:
    found = []
    for change, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if change == "equal":
            continue
        for offset in range(max(b - a, d - c)):
            before = one[a + offset] if a + offset < b else None
            after = other[c + offset] if c + offset < d else None
            found.append(
                {"what": f"cell {(a if before is not None else c) + offset + 1}", "one": before, "other": after}
            )
    return found


def _apart(one: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    names = [*one, *(name for name in other if name not in one)]
    return [
        {"what": name, "one": one.get(name), "other": other.get(name)}
        for name in names
        if one.get(name) != other.get(name)
    ]


def _data(run: Run) -> dict[str, str]:
    return {f"{d.context} {d.name}": f"{d.rows} rows of {d.columns} columns, {d.digest[:12]}" for d in run.datasets}


def _environment(store: Store, run: Run) -> dict[str, Any]:
    pins = dict(pin.partition("==")[::2] for pin in store.text(run.run_id, "requirements.txt").split())
    machine = json.loads(store.text(run.run_id, "environment.json") or "{}")
    return pins | {name: machine[name] for name in ("python", "platform", "machine", "cpus") if name in machine}


def _cells(store: Store, run: Run) -> list[str]:
    return list(json.loads(store.text(run.run_id, "slice.json") or '{"cells": []}')["cells"])
