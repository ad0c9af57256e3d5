"""Other forms of a fitted scikit-learn model: one dot product, or an ONNX graph. Proofs are made elsewhere."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
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


def onnx(model: Any, double: bool, file: Path | None, read: bool = False) -> Callable[[Any], Floats] | str:
    """The model in onnxruntime on one thread, or why there is none. With `read`, the graph kept in `file` is taken."""
    try:
        import onnxruntime
    except ImportError:
        return "onnxruntime is not installed: pip install 'jupyter_mlops[fast]'"
    try:
        graph = file.read_bytes() if read and file is not None else _graph(model, double)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  (converters raise whatever they raise; the model is then taken as it is)
        return f"it has no ONNX form: {type(error).__name__}: {' '.join(str(error).split())[:120]}"
    if file is not None and not read:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_bytes(graph)
    return _run(session)


def _run(session: Any) -> Callable[[Any], Floats]:
    entry, run = session.get_inputs()[0], session.run
    name, kind = entry.name, np.float64 if "double" in entry.type else np.float32
    outputs = [output.name for output in session.get_outputs()]

    def answer(values: Any) -> Floats:
        found = run(None, {name: values.astype(kind)})
        last: Floats = np.asarray(found[-1], dtype=np.float64)
        if len(outputs) == 2 and last.ndim == 2 and last.shape[1] == 2:
            return last[:, 1]
        return np.asarray(found[0], dtype=np.float64).reshape(len(values))

    return answer


def _graph(model: Any, double: bool) -> bytes:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    kind = DoubleTensorType if double else FloatTensorType
    options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
    made = to_onnx(model, initial_types=[("x", kind([None, int(model.n_features_in_)]))], options=options)
    content: bytes = made.SerializeToString()
    return content
