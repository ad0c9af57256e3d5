"""A fitted model on disk beside its record, as skops, with the first rows it learned from; as a pickle only when asked."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_mlops.store import flavour_of, is_native, write_native
from jupyter_mlops.tracking import journal

EXAMPLE_ROWS = 5
_reviewed = {
    *(f"builtins.{kind}" for kind in ("int", "float", "str", "bool", "list", "tuple", "dict", "slice")),
    *(f"numpy.{kind}" for kind in ("ndarray", "bool", "int32", "int64", "uint32", "uint64", "float32", "float64")),
    "sklearn.tree._tree.Tree",
}
"""Types met in models that were found to hold reviewed ones only: looking through all of a model again takes a while."""


def keep_model(folder: Path, model: Any, data: Any, *, pickled: bool = False) -> str:
    """Write the model and its input example; gives why it was not kept, or empty. OSError is the disk's."""
    why = _only_pickled(model) or (_natively if is_native(model) else _as_skops)(folder, model)
    if not why:
        _keep_example(folder, data)
        return ""
    for name in (journal.MODEL, journal.NATIVE):
        (folder / name).unlink(missing_ok=True)
    if not pickled:
        return f"the model was not kept: {why}; --pickle keeps it as a pickle, which runs code when it is read"
    return _as_pickle(folder, model, data)


def _only_pickled(model: Any) -> str:
    """Of libraries that know no other form."""
    why = {
        "pytorch": "is a network of PyTorch's, whose code is the notebook's",
        "statsmodels": "is one of statsmodels'",
    }
    found = why.get(flavour_of(model), "")
    return found and f"{type(model).__name__} {found}"


def _natively(folder: Path, model: Any) -> str:
    try:
        write_native(model, folder / journal.NATIVE)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  # a library raises what it likes
        return f"{type(model).__name__} could not be written ({error})"
    return ""


def _as_skops(folder: Path, model: Any) -> str:
    from jupyter_mlops.tracking.writing import write

    file = folder / journal.MODEL
    try:
        found = _foreign(file, write(file, model))
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  # skops meets whatever a model holds
        return f"{type(model).__name__} cannot be written without pickle ({error})"
    return f"it holds types that nobody has reviewed: {', '.join(found)}" if found else ""


def _as_pickle(folder: Path, model: Any, data: Any) -> str:
    """By MLflow's flavour of its library where there is one, so that others can load it; else as it is."""
    try:
        if flavour_of(model):
            _by_flavour(folder / journal.FLAVOUR, model, data)
        else:
            _alone(folder / journal.PICKLE, model)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  # pickle meets whatever a model holds
        return f"the model was not kept: {type(model).__name__} cannot be pickled either ({error})"
    return ""


def _by_flavour(place: Path, model: Any, data: Any) -> None:
    from jupyter_mlops.store import save_flavour

    unfinished = place.with_suffix(".unfinished")  # what is left of it, if it fails, goes with the record
    save_flavour(model, unfinished, None if data is None else data[:EXAMPLE_ROWS])
    unfinished.rename(place)


def _alone(file: Path, model: Any) -> None:
    import cloudpickle

    file.write_bytes(cloudpickle.dumps(model))


def _foreign(file: Path, types: set[str]) -> list[str]:
    from jupyter_mlops.tracking.writing import is_public

    if all(name in _reviewed or is_public(name) for name in types):
        return []
    from skops.io import get_untrusted_types

    from jupyter_mlops.store import foreign

    found = foreign(get_untrusted_types(file=file))
    if not found:
        _reviewed.update(types)
    return found


def _keep_example(folder: Path, data: Any) -> None:
    """The first rows of a frame or of an array of numbers. What Arrow has no form for is left out."""
    import numpy as np
    from pyarrow import Table, ipc

    with suppress(ValueError, TypeError, NotImplementedError, ImportError):
        if hasattr(data, "to_parquet"):
            table = Table.from_pandas(data.head(EXAMPLE_ROWS), nthreads=1)
            with (folder / journal.EXAMPLE).open("wb") as file, ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
        elif isinstance(data, np.ndarray) and data.dtype.kind in "biuf" and data.ndim > 1:
            np.save(folder / journal.EXAMPLE_ARRAY, data[:EXAMPLE_ROWS], allow_pickle=False)
