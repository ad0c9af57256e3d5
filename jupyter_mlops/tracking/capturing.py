"""What a tracked cell did, put together: its model, parameters, metrics, data and outputs, each with where it came from."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlops.masking import mask
from jupyter_mlops.tracking import finding, journal
from jupyter_mlops.tracking.cell import Cell, Options
from jupyter_mlops.tracking.leaking import leaks
from jupyter_mlops.tracking.observing import Seen

EXAMPLE_ROWS = 5
_TEXT = ("text/html", "image/svg+xml", "text/plain", "text/markdown")


def capture(
    cell: Cell,
    folder: Path,
    seen: Seen,
    python: str,
    cells: Sequence[str],
    namespace: MutableMapping[str, Any],
    options: Options,
) -> dict[str, Any]:
    """Fill in the cell; gives what else the record's last line says."""
    found = finding.find_model(seen, namespace, options.model)
    asked = {}
    for name, text in options.metrics.items():
        try:
            asked[name] = float(eval(text, dict(namespace)))  # noqa: S307  # the person's own expression
        except Exception as error:  # noqa: BLE001  # whatever it raises
            cell.warnings.append(f"--metric {name}={text}: {type(error).__name__}: {error}")
    metrics = finding.find_metrics(seen, namespace, python, asked, cell)
    cell.metrics = {name: value for name, (value, _) in metrics.items()}
    cell.origins = {name: origin for name, (_, origin) in metrics.items()}
    cell.parameters = finding.find_parameters(
        found[1] if found else None, namespace, [*cells, python], options.parameters
    )
    datasets = finding.find_datasets(seen, python, cells, namespace, options.data)
    cell.datasets = [d.model_dump() for d in datasets]
    cell.warnings += leaks(seen)
    if found and options.keep_model and cell.status == "FINISHED":
        cell.model = f"{found[0]}: {type(found[1]).__name__}"
        _save(cell, folder, found[1], next((f.data for f in seen.fits if f.estimator is found[1]), None))
    return {"outputs": _save_outputs(folder, cell.outputs)}


def _save(cell: Cell, folder: Path, model: Any, data: Any) -> None:
    """skops, never pickle. A model it has no form for is named on the card; everything else is kept all the same."""
    from skops.io import dump

    try:
        dump(model, folder / journal.MODEL)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  # skops meets whatever a model holds
        (folder / journal.MODEL).unlink(missing_ok=True)
        cell.warnings.append(
            f"the model was not kept: {type(model).__name__} cannot be written without pickle ({error})"
        )
        return
    if hasattr(data, "to_parquet"):
        data.head(EXAMPLE_ROWS).to_parquet(folder / journal.EXAMPLE)


def _save_outputs(folder: Path, outputs: Sequence[tuple[str, bytes]]) -> list[str]:
    """Figures and tables the cell showed, as files; text is masked."""
    if not outputs:
        return []
    place = folder / journal.OUTPUTS
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = []
    for number, (kind, content) in enumerate(outputs, start=1):
        name = f"{number:02d}.{kind.rpartition('/')[2].partition('+')[0].replace('plain', 'txt')}"
        (place / name).write_bytes(mask(content.decode(errors="replace")).encode() if kind in _TEXT else content)
        names.append(name)
    return names
