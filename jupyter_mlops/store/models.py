"""Model files: written as skops, read by our own loader against our own list of types, known by a digest.

MLflow takes the list of trusted types from the model's own file, so whoever writes the file chooses what is trusted. Here the
list is this one, reviewed: each type holds numbers and calls nothing it is given. XGBoost's and LightGBM's models go by
MLflow's flavours of these names, with the library's own file for everybody else; ours reads the skops file that lies beside.
CatBoost's own file holds numbers alone, and is all there is.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.models import infer_signature
from mlflow.models.model import Model
from mlflow.sklearn import save_model as save_sklearn

from jupyter_mlops.errors import BadInput
from jupyter_mlops.store.boosters import answering
from jupyter_mlops.store.natives import is_native, read_native
from jupyter_mlops.store.trusted import TRUSTED, foreign

# Environments made by uv have no pip, and MLflow would say so with each model of a fleet; what to install is pinned all the same.
logging.getLogger("mlflow.utils.environment").addFilter(lambda record: "installed pip version" not in str(record.msg))

FILE = "model.skops"
NAME = "model"


def log_model(client: Any, run_id: str, model: Any, input_example: Any = None, requirements: Sequence[str] = ()) -> str:
    """Save a fitted scikit-learn model with its run, once: asked again for the same run, the first one's URI is given."""
    run = client.get_run(run_id)
    if known := _known(client, run):
        return known
    check_types(model)
    logged = _begun(client, run)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        _saver(model)(
            model,
            str(path),
            mlflow_model=Model(run_id=run_id, model_id=logged.model_id, model_uuid=logged.model_id),
            signature=_signature(model, input_example),
            input_example=input_example,
            pip_requirements=list(requirements) or None,
        )
        if not is_native(model) and not (path / FILE).is_file():
            _write_skops(model, path / FILE)
        if hasattr(input_example, "to_json"):
            _write_example(input_example, path / "example.json")
        return _ended(client, run_id, logged.model_id, path)


def log_folder(client: Any, run_id: str, folder: Path, requirements: Sequence[str] = ()) -> str:
    """The same for a model that MLflow wrote elsewhere: only its MLmodel is read, and says from now on whose it is."""
    run = client.get_run(run_id)
    if known := _known(client, run):
        return known
    made, logged = Model.load(str(folder)), _begun(client, run)
    made.run_id, made.model_id, made.model_uuid = run_id, logged.model_id, logged.model_id
    made.save(str(folder / "MLmodel"))
    if requirements:
        (folder / "requirements.txt").write_text("\n".join(requirements), encoding="utf-8")
    return _ended(client, run_id, logged.model_id, folder)


def _known(client: Any, run: Any) -> str:
    """The URI of the model that the run has already; empty where it has none."""
    known = [output.model_id for output in (run.outputs.model_outputs if run.outputs else [])]
    ready = (m for m in known if client.get_logged_model(m).status == LoggedModelStatus.READY)
    return next((f"models:/{model_id}" for model_id in ready), "")


def _begun(client: Any, run: Any) -> Any:
    return client.create_logged_model(run.info.experiment_id, name=NAME, source_run_id=run.info.run_id)


def _ended(client: Any, run_id: str, model_id: str, path: Path) -> str:
    client.log_model_artifacts(model_id, str(path))
    client.finalize_logged_model(model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(model_id, 0)])
    return f"models:/{model_id}"


def _saver(model: Any) -> Callable[..., None]:
    """MLflow's flavour for it. Its library was imported by whoever made the model."""
    library = type(model).__module__.partition(".")[0]
    if is_native(model):
        from mlflow.catboost import save_model

        return cast("Callable[..., None]", save_model)
    if library == "xgboost":
        from mlflow.xgboost import save_model

        return cast("Callable[..., None]", save_model)
    trusted = {"serialization_format": "skops", "skops_trusted_types": list(TRUSTED)}
    if library == "lightgbm":
        from mlflow.lightgbm import save_model

        return partial(save_model, **trusted)
    return partial(save_sklearn, **trusted)


def _write_skops(model: Any, file: Path) -> None:
    from skops.io import dump

    dump(model, file)


def read_saved(file: Path) -> Any:
    """The object in a skops file, if every type in it was reviewed; or in its library's own."""
    if file.suffix == ".cbm":
        return read_native(file)
    from skops.io import get_untrusted_types, load

    _refuse_foreign(get_untrusted_types(file=file))
    return load(file, trusted=list(TRUSTED))


def check_types(model: Any) -> None:
    """Raises BadInput naming every type in the model that nobody has reviewed."""
    if is_native(model):
        return
    from skops.io import dumps, get_untrusted_types

    _refuse_foreign(get_untrusted_types(data=dumps(model)))


def _refuse_foreign(types: Sequence[str]) -> None:
    found = foreign(types)
    if found:
        raise BadInput(
            f"the model holds types that are not trusted: {', '.join(found)}",
            "use the libraries' own parts in place of functions and classes of your own, or track it with --no-model",
            types=found,
        )


def _signature(model: Any, input_example: Any) -> Any:
    if input_example is None:
        return None
    return infer_signature(input_example, answering(model).predict(input_example))


def _write_example(frame: Any, path: Path) -> None:
    path.write_text(frame.to_json(orient="table", index=False, date_format="iso"), encoding="utf-8")


def read_model(folder: Path) -> tuple[Any, Any]:
    """The fitted object and its input example (a DataFrame or None) from a folder of model files; nothing else is run."""
    from skops.io import load
    from skops.io.exceptions import UntrustedTypesFoundException

    file = folder / FILE
    if not file.is_file() and (native := _native(folder)):
        return read_native(folder / "model.cb", native), _read_example(folder)
    if not file.is_file():
        raise BadInput(
            f"no {FILE} in {folder.name}: only models saved as skops are loaded",
            "track the model again; other formats can run code when they are read",
        )
    try:
        model = load(file, trusted=list(TRUSTED))
    except UntrustedTypesFoundException as error:
        raise BadInput(f"the model was not loaded: {error}", "register a model of reviewed types only") from error
    return answering(model), _read_example(folder)


def _native(folder: Path) -> str:
    """The class of a model that is CatBoost's own file; empty for any other."""
    flavor = Model.load(str(folder)).flavors.get("catboost", {}) if (folder / "MLmodel").is_file() else {}
    return str(flavor.get("model_type", "")) if flavor.get("save_format") == "cbm" else ""


def read_trusted(folder: Path) -> tuple[Any, Any]:
    """The same for files that run code when they are read, by MLflow: the caller has seen who signed them."""
    import mlflow

    flavors = Model.load(str(folder)).flavors
    plain = mlflow.sklearn.load_model if "sklearn" in flavors else mlflow.pyfunc.load_model
    return plain(str(folder)), _read_example(folder)


def _read_example(folder: Path) -> Any:
    import pandas as pd

    example = folder / "example.json"
    return pd.read_json(example, orient="table") if example.is_file() else None


def read_array_example(folder: Path) -> Any:
    """The input example of a model that was fitted on an array, as MLflow keeps it; None if it has none or another kind."""
    example = Model.load(str(folder)).saved_input_example_info or {}
    if example.get("type") != "ndarray":
        return None
    return np.array(json.loads((folder / example["artifact_path"]).read_text(encoding="utf-8")))
