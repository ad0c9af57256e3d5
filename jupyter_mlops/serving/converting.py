"""Other forms of a fitted scikit-learn model: one dot product, or an ONNX graph. Proofs are made elsewhere."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from jupyter_mlops.store import Answers, chances

Floats = NDArray[np.float64]
_CLASSES = "classes"
_PACKAGES = ("scikit-learn", "skl2onnx", "onnxruntime")


def tools() -> str:
    """What the form of a model depends on beside the model: the versions of what makes and runs it, shortened."""
    found = [
        f"{name} {version(name)}"
        for name in _PACKAGES
        if importlib.util.find_spec(name.replace("scikit-learn", "sklearn"))
    ]
    return hashlib.sha256(" ".join(found).encode()).hexdigest()[:8]


def linear(model: Any) -> Callable[[Any], Floats] | None:
    """Scalers and a linear model with one output as `x @ w + b`; None for anything else."""
    steps = [step for _, step in model.steps] if type(model).__name__ == "Pipeline" else [model]
    last = steps[-1]
    coefficients = getattr(last, "coef_", None)
    if coefficients is None or not type(last).__module__.startswith("sklearn.linear_model"):
        return None
    weights = np.atleast_2d(np.asarray(coefficients, dtype=np.float64))
    if weights.shape[0] != 1:
        return None
    scaled = _scales(steps[:-1], weights.shape[1])
    if scaled is None:
        return None
    factor, shift = scaled
    slope = weights[0] * factor
    offset = float(weights[0] @ shift) + float(np.ravel(last.intercept_)[0])
    if not hasattr(last, "predict_proba"):
        return lambda values: values @ slope + offset
    return lambda values: expit(values @ slope + offset)


def _scales(steps: list[Any], width: int) -> tuple[Floats, Floats] | None:
    """All scalers as one: `x * factor + shift`."""
    factor, shift = np.ones(width), np.zeros(width)
    for step in steps:
        known = _SCALERS.get(type(step).__name__)
        if (
            known is None
            or getattr(step, "clip", False)
            or not type(step).__module__.startswith("sklearn.preprocessing")
        ):
            return None
        by, plus = known(step, width)
        factor, shift = factor * by, shift * by + plus
    return factor, shift


def _standard(step: Any, width: int) -> tuple[Floats, Floats]:
    by = np.ones(width) / (step.scale_ if step.scale_ is not None else 1.0)
    return by, -by * (step.mean_ if step.with_mean else 0.0)


_SCALERS: dict[str, Callable[[Any, int], tuple[Floats, Floats]]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": lambda step, _width: (step.scale_, step.min_),
    "MaxAbsScaler": lambda step, width: (1.0 / step.scale_, np.zeros(width)),
}


def precisions(model: Any) -> tuple[bool, ...]:
    """Which ONNX forms to try: double precision first, but not of trees, which scikit-learn asks in single precision itself."""
    last = model.steps[-1][1] if type(model).__name__ == "Pipeline" else model
    trees = type(last).__module__.startswith(("sklearn.ensemble", "sklearn.tree"))
    return (False,) if trees else (True, False)


def graph_of(model: Any, double: bool) -> bytes | str:
    """The model as an ONNX graph, or why there is none."""
    try:
        return _graph(model, double)
    except ImportError:
        return "skl2onnx is not installed: pip install 'jupyter_mlops[fast]'"
    except Exception as error:  # noqa: BLE001  (converters raise whatever they raise; the model is then taken as it is)
        return _no_form(error)


def onnx(graph: bytes) -> Callable[[Any], Answers] | str:
    """A graph in onnxruntime on one thread, or why it does not run there."""
    try:
        import onnxruntime
    except ImportError:
        return "onnxruntime is not installed: pip install 'jupyter_mlops[fast]'"
    try:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  (as above)
        return _no_form(error)
    return _run(session)


def _no_form(error: Exception) -> str:
    return f"it has no ONNX form: {type(error).__name__}: {' '.join(str(error).split())[:120]}"


def _run(session: Any) -> Callable[[Any], Answers]:
    entry, run = session.get_inputs()[0], session.run
    name, kind = entry.name, np.float64 if "double" in entry.type else np.float32
    outputs = [output.name for output in session.get_outputs()]
    classes = json.loads(session.get_modelmeta().custom_metadata_map.get(_CLASSES, "[]"))

    def answer(values: Any) -> Answers:
        found = run(None, {name: values.astype(kind)})
        last: Floats = np.asarray(found[-1], dtype=np.float64)
        if len(outputs) == 2 and last.ndim == 2 and last.shape[1] == 2:
            return last[:, 1]
        if len(outputs) == 2 and last.ndim == 2 and len(classes) == last.shape[1]:
            return chances(found[0], last, classes)
        return np.asarray(found[0], dtype=np.float64).reshape(len(values))

    return answer


def _graph(model: Any, double: bool) -> bytes:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    kind = DoubleTensorType if double else FloatTensorType
    options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
    made = to_onnx(model, initial_types=[("x", kind([None, int(model.n_features_in_)]))], options=options)
    classes = getattr(model, "classes_", None)
    if options and classes is not None:  # so that the graph alone knows what its columns are called
        made.metadata_props.add(key=_CLASSES, value=json.dumps([str(one) for one in classes]))
    content: bytes = made.SerializeToString()
    return content
