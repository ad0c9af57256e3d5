"""What a tracked cell did, put together: its model, parameters, metrics, data and outputs, each with where it came from."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from jupyter_mlops.masking import held, mask_told
from jupyter_mlops.tracking import finding, journal
from jupyter_mlops.tracking.cell import Cell, Options
from jupyter_mlops.tracking.keeping import keep_model
from jupyter_mlops.tracking.leaking import leaks
from jupyter_mlops.tracking.seeing import Seen

_TEXT = ("text/html", "image/svg+xml", "text/plain", "text/markdown")


Harmless = Callable[[str], AbstractContextManager[None]]
"""Around a step: whatever fails in it becomes one line of warning that begins so."""


def capture(
    cell: Cell,
    folder: Path,
    seen: Seen,
    python: str,
    cells: Sequence[str],
    namespace: MutableMapping[str, Any],
    options: Options,
    harmless: Harmless,
) -> dict[str, Any]:
    """Fill in the cell; gives what else the record's last line says. A step that fails takes no other one with it."""
    outputs: list[str] = []
    secrets: list[str] = []
    with harmless("the secrets that variables hold are not known"):
        secrets = held(namespace)
    cell.error = mask_told(cell.error, secrets)
    model = finding.find_model(seen, namespace, options.model)
    with harmless("its metrics were not all found"):
        metrics = finding.find_metrics(seen, namespace, python, _asked(cell, namespace, options), cell)
        cell.metrics = {name: value for name, (value, _) in metrics.items()}
        cell.origins = {name: origin for name, (_, origin) in metrics.items()}
    with harmless("its parameters were not all found"):
        cell.parameters = finding.find_parameters(seen, model, namespace, [*cells, python], options.parameters)
    with harmless("its data was not all described"):
        datasets = finding.find_datasets(seen, python, cells, namespace, options.data)
        cell.datasets = [d.model_dump() for d in datasets]
    cell.warnings += _not_there(namespace, options)
    with harmless("leaked rows were not looked for"):
        cell.warnings += leaks(seen)
    with harmless("its outputs were not kept"):
        outputs = _save_outputs(folder, cell.outputs, secrets)
    if model and options.keep_model and cell.status == "FINISHED":
        with harmless("the model was not kept"):
            _keep(cell, folder, model, seen, options.pickled)
    return {"outputs": outputs}


def _not_there(namespace: MutableMapping[str, Any], options: Options) -> list[str]:
    """What was asked for by a name that no variable has."""
    asked = [
        ("--model", options.model),
        *(("--param", n) for n in options.parameters),
        *(("--data", n) for n in options.data),
    ]
    return [f"{option} {name}: there is no variable {name}" for option, name in asked if name and name not in namespace]


def _asked(cell: Cell, namespace: MutableMapping[str, Any], options: Options) -> dict[str, float]:
    asked = {}
    for name, text in options.metrics.items():
        try:
            asked[name] = float(eval(text, dict(namespace)))  # noqa: S307  # the person's own expression
        except Exception as error:  # noqa: BLE001  # whatever it raises
            cell.warnings.append(f"--metric {name}={text}: {type(error).__name__}: {error}")
    return asked


def _keep(cell: Cell, folder: Path, model: tuple[str, Any], seen: Seen, pickled: bool) -> None:
    name, fitted = model
    data = next((fit.data for fit in seen.fits if fit.estimator is fitted), None)
    why = keep_model(folder, fitted, data, pickled=pickled)
    if why:
        cell.warnings.append(why)
    else:
        cell.model = f"{name}: {type(fitted).__name__}"


def _save_outputs(folder: Path, outputs: Sequence[tuple[str, bytes]], secrets: Sequence[str]) -> list[str]:
    """Figures and tables the cell showed, as files; text is masked."""
    if not outputs:
        return []
    place = folder / journal.OUTPUTS
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = []
    for number, (kind, content) in enumerate(outputs, start=1):
        name = f"{number:02d}.{kind.rpartition('/')[2].partition('+')[0].replace('plain', 'txt')}"
        told = mask_told(content.decode(errors="replace"), secrets).encode() if kind in _TEXT else content
        (place / name).write_bytes(told)
        names.append(name)
    return names
