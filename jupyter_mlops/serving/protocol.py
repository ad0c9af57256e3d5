"""The Open Inference Protocol, version 2: tensors in, tensors out, and what a server and a model say of themselves."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from jupyter_mlops.errors import BadInput
from jupyter_mlops.serving.answering import Answered
from jupyter_mlops.serving.compiled import Ready
from jupyter_mlops.serving.models import SEGMENT
from jupyter_mlops.serving.requests import Grid, Table, columns_of, read_json, shown

OUTPUT = "prediction"
_DATATYPES = {"number": "FP64", "bool": "BOOL", "text": "BYTES", "time": "BYTES", "any": "FP64"}
_INTEGERS = {f"INT{bits}": range(-(2 ** (bits - 1)), 2 ** (bits - 1)) for bits in (8, 16, 32, 64)}
_INTEGERS |= {f"UINT{bits}": range(2**bits) for bits in (8, 16, 32, 64)}
_FLOATS = {"FP16", "FP32", "FP64", "BF16"}


def metadata(ready: Ready, name: str) -> dict[str, Any]:
    """What a model takes and gives. A name that only its segments answer for takes the segment as a column too."""
    schema = ready.schema
    inputs = [
        {"name": column, "datatype": _DATATYPES[kind], "shape": [-1]}
        for column, kind in zip(schema.names, schema.kinds, strict=True)
    ]
    if name != ready.loaded.version.model:
        inputs.append({"name": SEGMENT, "datatype": "BYTES", "shape": [-1]})
    outputs: list[dict[str, Any]] = [
        {"name": output, "datatype": "FP64" if number else "BYTES", "shape": [-1]}
        for output, number in ready.outputs.items()
    ]
    if ready.second:
        outputs[0]["parameters"] = {"probability_of": ready.second}
    version = str(ready.loaded.version.version)
    said = {"name": name, "versions": [version], "platform": f"sklearn ({ready.proof.way})"}
    return {**said, "inputs": inputs, "outputs": outputs, "parameters": {"proof": asdict(ready.proof)}}


def read(body: bytes) -> tuple[str, list[str], Table]:
    """The request's own id (empty when it has none), the outputs that it wants (empty: all), and its rows."""
    content = read_json(body)
    table = tensors(content)
    own = content.get("id")
    return own if isinstance(own, str) else "", [wanted["name"] for wanted in content.get("outputs") or []], table


def offered(ready: Ready | None, wanted: list[str]) -> None:
    """BadInput when one of the outputs is not among those of this model."""
    known = list(ready.outputs) if ready else wanted
    unknown = next((number for number, name in enumerate(wanted) if name not in known), None)
    if unknown is not None:
        raise BadInput(f"outputs[{unknown}]: there is no such output", f"ask for {', '.join(known)}, or name none")


def tensors(content: Any) -> Table:
    """The rows in an inference request: one tensor for each column, or one of two dimensions for all columns by their place."""
    if not isinstance(content, dict) or not isinstance(content.get("inputs"), list) or not content["inputs"]:
        raise BadInput("the request has no list of tensors in `inputs`", "see /openapi.json for its form")
    outputs = content.get("outputs") or []
    if not isinstance(outputs, list) or not all(
        isinstance(o, dict) and isinstance(o.get("name"), str) for o in outputs
    ):
        raise BadInput("`outputs` is no list of names", f'send [{{"name": "{OUTPUT}"}}], or none')
    read = [_tensor(tensor, number) for number, tensor in enumerate(content["inputs"])]
    if len(read) == 1 and len(read[0][1]) == 2:
        values, (rows, width) = read[0][2], read[0][1]
        return _filled(Grid(None, [values[row * width : (row + 1) * width] for row in range(rows)]))
    names = [name for name, _, _ in read]
    if len(set(names)) < len(names):
        raise BadInput("two tensors have the same name", "send each column once")
    wide = next((name for name, shape, _ in read if math.prod(shape[1:]) != 1), None)
    if wide is not None:
        raise BadInput(f"tensor {wide!r}: expected one value a row", "send a tensor for each column", column=wide)
    return _filled(columns_of({name: values for name, _, values in read}))


def _filled(table: Grid) -> Table:
    if not len(table):
        raise BadInput("the request holds no rows", "send at least one")
    return table


def _tensor(tensor: Any, number: int) -> tuple[str, list[int], list[Any]]:
    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
        raise BadInput(f"inputs[{number}] is no tensor with a name", "see /openapi.json for its form")
    name, shape, kind = tensor["name"], tensor.get("shape"), tensor.get("datatype")
    if not isinstance(tensor.get("data"), list):
        raise BadInput(
            f"tensor {name!r} has no list of values in `data`",
            "send JSON; binary tensors are not read here",
            column=name,
        )
    data = _flat(tensor["data"])
    if shape is None:
        shape = [len(data)]
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape) or not shape:
        raise BadInput(
            f"tensor {name!r}: shape {shown(shape)} is no list of sizes", "such as [2] or [2, 4]", column=name
        )
    if math.prod(shape) != len(data):
        raise BadInput(
            f"tensor {name!r}: shape {shape} means {math.prod(shape)} values, got {len(data)}",
            "send as many values as its shape says",
            column=name,
            expected=math.prod(shape),
            got=len(data),
        )
    _typed(name, kind, data)
    return name, shape, data


def _typed(name: str, kind: Any, data: list[Any]) -> None:
    """Each value is of the tensor's own datatype."""
    if kind in _INTEGERS:
        wrong = next((i for i, v in enumerate(data) if type(v) is not int or v not in _INTEGERS[kind]), None)
    elif kind in _FLOATS:
        wrong = next((i for i, v in enumerate(data) if v is not None and type(v) not in (int, float)), None)
    elif kind == "BOOL":
        wrong = next((i for i, v in enumerate(data) if type(v) is not bool and v not in (0, 1)), None)
    elif kind == "BYTES":
        wrong = next((i for i, v in enumerate(data) if v is not None and not isinstance(v, str)), None)
    else:
        raise BadInput(
            f"tensor {name!r}: datatype {shown(kind)} is not known", "use FP64, INT64, BOOL or BYTES", column=name
        )
    if wrong is not None:
        raise BadInput(
            f"column {name!r}, row {wrong}: expected {kind}, got {shown(data[wrong])}",
            "send values of the tensor's datatype",
            column=name,
            row=wrong,
            expected=kind,
            got=shown(data[wrong]),
        )


def _flat(data: list[Any]) -> list[Any]:
    """Values in row-major order; nested lists are allowed for a shape of two dimensions."""
    if any(isinstance(value, list) for value in data):
        return [value for row in data for value in (row if isinstance(row, list) else [row])]
    return data


def answer(answered: Answered, own: str, wanted: list[str]) -> dict[str, Any]:
    """The response, under the request's own id where it has one."""
    known = {OUTPUT: answered.said.values, **answered.said.more}
    outputs = [_output(name, known[name]) for name in wanted or known if name in known]
    outputs = outputs or [_output(OUTPUT, answered.said.values)]
    outputs[0]["parameters"] = {"inference_ids": answered.ids} | (
        {"versions": answered.versions} if answered.versions else {}
    )
    return {
        "model_name": answered.model,
        "model_version": str(answered.version),
        "id": own or answered.ids[0],
        "outputs": outputs,
    }


def _output(name: str, values: list[Any]) -> dict[str, Any]:
    texts = any(isinstance(value, str) for value in values)
    return {"name": name, "datatype": "BYTES" if texts else "FP64", "shape": [len(values)], "data": values}
