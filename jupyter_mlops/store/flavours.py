"""Models that have no form but a pickle, by MLflow's flavour of their library: only for whoever asked for that.

They are written where the model is, in the kernel, and sent as files: who ships them must not read a pickle for it.
"""

from __future__ import annotations

import copy
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from jupyter_mlops.store.boosters import answering

_FLAVOURS: dict[str, tuple[str, dict[str, Any]]] = {
    "pytorch": ("torch", {"serialization_format": "pickle"}),
    "sklearn": ("scikit-learn", {"serialization_format": "cloudpickle"}),
    "statsmodels": ("statsmodels", {}),
}
"""Of each: the distribution that its models need, and what else is said to it when one is saved."""


def flavour_of(model: Any) -> str:
    """MLflow's flavour for a model that has no safer form; empty where it knows none. Nothing is imported for it."""
    if _is(model, "torch.nn", "Module"):
        return "pytorch"
    if type(model).__module__.startswith("statsmodels."):
        return "statsmodels"
    return "sklearn" if _is(model, "sklearn.base", "BaseEstimator") else ""


def _is(model: Any, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and issubclass(type(model), kind)


def save_flavour(model: Any, folder: Path, rows: Any = None) -> None:
    """Write it as MLflow does. `rows` are a few it learned from: its signature and example, where it answers them.

    Raises what MLflow and the model's library raise.
    """
    flavour = flavour_of(model)
    library, more = _FLAVOURS[flavour]
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    saving = import_module(f"mlflow.{flavour}")
    with _quietly():
        example, signature = _asked(model, rows)
        saving.save_model(
            model,
            str(folder),
            signature=signature,
            input_example=example,
            pip_requirements=[_pin(name) for name in (library, "cloudpickle", "numpy", "pandas")],
            **more,
        )


def _pin(distribution: str) -> str:
    return f"{distribution}=={metadata.version(distribution).partition('+')[0]}"


def _asked(model: Any, rows: Any) -> tuple[Any, Any]:
    """The rows as MLflow keeps them and the signature; None where the model does not answer them with a table."""
    from mlflow.models import infer_signature

    if rows is None:
        return None, None
    try:
        example, said = _answer(copy.deepcopy(model), rows)  # who is asked may change, and the person's model is not to
        return example, infer_signature(example, said)
    except Exception:  # noqa: BLE001  # a network takes what its author thought of
        return None, None


def _answer(model: Any, rows: Any) -> tuple[Any, Any]:
    if not _is(model, "torch.nn", "Module"):
        return rows, answering(model).predict(rows)
    torch = sys.modules["torch"]
    with torch.no_grad(), torch.random.fork_rng():
        return rows.cpu().numpy(), model.eval()(rows).cpu().numpy()


@contextmanager
def _quietly() -> Iterator[None]:
    """MLflow warns that a pickle runs code when it is read: who asked for one was told so."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
