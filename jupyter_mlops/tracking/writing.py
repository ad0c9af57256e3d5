"""A model in skops' format, as `skops.io.dump` would write it, in a fraction of its time: the cell waits for it.

What scikit-learn's models are made of (estimators, trees, arrays, dicts, numbers) is put into words here; skops is asked for
whatever else there is, and for everything should its format be one that is not known here. Only then is it imported: that
brings all of scikit-learn, for which the first tracked cell of a kernel would wait a second and more.
"""

from __future__ import annotations

import io
import json
import runpy
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
import skops
from sklearn.base import BaseEstimator
from sklearn.tree._tree import Tree

KNOWN = 2
"""The version of the format whose nodes are written here."""
_AT_ONCE = 2**20  # bytes: a model is hundreds of arrays
_SMALL = 1024  # bytes of an array whose like, a number of classes or the like, every tree may have
_quoted = json.encoder.encode_basestring_ascii


def write(file: Path, model: Any) -> set[str]:
    """Gives every class and function that the file names. Raises what skops raises, and OSError."""
    with file.open("wb", buffering=_AT_ONCE) as stream, ZipFile(_Forward(stream), "w") as archive:  # type: ignore[call-overload]
        writer = _Writer(archive)
        schema = writer.text(model)[:-1]
        tail = f', "protocol": {_protocol()}, "_skops_version": "{skops.__version__}"}}'
        archive.writestr(ZipInfo("schema.json"), schema + tail)
    return writer.types


class _Forward:
    """A file that is never sought in: going back to each header takes longer than writing what is behind it."""

    def __init__(self, stream: Any) -> None:
        self.write, self.flush = stream.write, stream.flush


class _Writer:
    """Puts numbers, texts and arrays in words once each: skops takes a node that it has met for the one that it met."""

    def __init__(self, archive: ZipFile) -> None:
        self.archive = archive
        self.met: dict[int, Any] = {}
        """What was written lives on, and so its number stays its own."""
        self.types: set[str] = set()
        self._known: dict[int, str] = {}
        self._small: dict[tuple[bytes, bytes], str] = {}
        self._names: dict[int, str] = {}

    def text(self, value: Any) -> str:
        """The node of an object, as JSON."""
        known = self._known.get(id(value))
        if known is not None:
            return known
        self.met[id(value)] = value
        kind = type(value)
        text = _form(kind)(self, value)  # type: ignore[arg-type]
        if kind in _LEAVES:
            self._known[id(value)] = text
        return text

    def node(self, kind: type, loader: str, content: str, value: Any) -> str:
        self.types.add(f"{kind.__module__}.{kind.__name__}")
        return f'{_head(kind, loader)}{content}, "__id__": {id(value)}}}'

    def texts(self, values: Sequence[Any]) -> str:
        return f"[{', '.join(map(self.text, values))}]"

    def file(self, array: np.ndarray[Any, Any]) -> str:
        """The name of the file that holds this array."""
        header, content = _header(array.dtype, array.shape), array.tobytes()
        name = f"{id(array)}.npy"
        if len(content) <= _SMALL:
            name = self._small.setdefault((header, content), name)
        if name == f"{id(array)}.npy":
            info = ZipInfo(name)
            info.file_size = len(header) + len(content)  # which tells whether its size needs the long form
            with self.archive.open(info, "w") as member:
                member.write(header)
                member.write(content)
        return name

    def names(self, count: int) -> str:
        """The types of a dict's keys, all of them text."""
        if count not in self._names:
            self._names[count] = self.text([str] * count)
        return self._names[count]


Form = Callable[[_Writer, Any], str]
_SCALARS = (NoneType, bool, int, float, str)
_LEAVES = frozenset({*_SCALARS, type, np.ndarray})


def _scalar(writer: _Writer, value: Any) -> str:
    content = f', "content": {_quoted(json.dumps(value))}, "is_json": true'
    return writer.node(str, "JsonNode", content, value)


def _type(writer: _Writer, value: type) -> str:
    return writer.node(value, "TypeNode", "", value)


def _listed(writer: _Writer, value: list[Any]) -> str:
    return writer.node(list, "ListNode", f', "content": {writer.texts(value)}', value)


def _tuple(writer: _Writer, value: tuple[Any, ...]) -> str:
    return writer.node(tuple, "TupleNode", f', "content": {writer.texts(value)}', value)


def _dict(writer: _Writer, value: dict[Any, Any]) -> str:
    if any(type(key) is not str for key in value) or any(isinstance(held, property) for held in value.values()):
        return _asked(writer, value)
    held = ", ".join([f"{_quoted(key)}: {writer.text(one)}" for key, one in value.items()])
    return writer.node(dict, "DictNode", f', "content": {{{held}}}, "key_types": {writer.names(len(value))}', value)


def _array(writer: _Writer, value: np.ndarray[Any, Any]) -> str:
    if value.dtype == object:
        content = f'{writer.texts(value.tolist())}, "type": "json", "shape": {writer.text(value.shape)}'
        return writer.node(np.ndarray, "NdArrayNode", f', "content": {content}', value)
    if value.dtype.hasobject or not value.flags.c_contiguous:
        return _asked(writer, value)
    return writer.node(np.ndarray, "NdArrayNode", f', "type": "numpy", "file": {_quoted(writer.file(value))}', value)


def _number(writer: _Writer, value: np.generic) -> str:
    array = np.asarray(value)
    writer.met[id(array)] = array
    return writer.node(type(value), "NdArrayNode", f', "type": "numpy", "file": {_quoted(writer.file(array))}', value)


def _slice(writer: _Writer, value: slice) -> str:
    parts = {name: getattr(value, name) for name in ("start", "stop", "step")}
    if not all(part is None or type(part) is int for part in parts.values()):
        return _asked(writer, value)
    return writer.node(slice, "SliceNode", f', "content": {json.dumps(parts)}', value)


def _tree(writer: _Writer, value: Tree) -> str:
    _, given, state = value.__reduce__()
    content = f', "__reduce__": {{"args": {writer.text(given)}}}, "content": {writer.text(state)}'
    return writer.node(Tree, "TreeNode", content, value)


def _estimator(writer: _Writer, value: BaseEstimator) -> str:
    return writer.node(type(value), "ObjectNode", f', "content": {writer.text(value.__getstate__())}', value)


def _asked(writer: _Writer, value: Any) -> str:
    """As skops puts it."""
    import skops.io  # noqa: F401  # which tells the next what is written how
    from skops.io._utils import SaveContext, get_state

    state = get_state(value, SaveContext(writer.archive, memo=writer.met))
    writer.types |= types_of(state)
    return json.dumps(state)


_FORMS: dict[type, Form] = {
    **dict.fromkeys(_SCALARS, _scalar),
    type: _type,
    list: _listed,
    tuple: _tuple,
    dict: _dict,
    slice: _slice,
    np.ndarray: _array,
    **dict.fromkeys((np.bool_, np.int32, np.int64, np.uint32, np.uint64, np.float32, np.float64), _number),
    Tree: _tree,
}


@lru_cache(maxsize=1000)
def _form(kind: type) -> Form:
    if _protocol() != KNOWN:
        return _asked
    return _FORMS.get(kind) or (_estimator if _plain_estimator(kind) else _asked)


@lru_cache(maxsize=1)
def _protocol() -> int:
    """The version of the format that skops writes, read without importing what reads and writes it."""
    return int(runpy.run_path(str(Path(skops.__file__).parent / "io" / "_protocol.py"))["PROTOCOL"])


def _plain_estimator(kind: type) -> bool:
    """Whether all there is to an object of this class is its attributes, as skops sees it too."""
    return (
        issubclass(kind, BaseEstimator)
        and kind.__getstate__ is BaseEstimator.__getstate__
        and kind.__reduce__ is object.__reduce__  # type: ignore[comparison-overlap]
        and (is_public(f"{kind.__module__}.{kind.__name__}") or _is_any_object(kind))
    )


def _is_any_object(kind: type) -> bool:
    import skops.io  # noqa: F401  # which tells the next what is written how
    from skops.io._utils import _get_state

    return bool(_get_state.dispatch(kind) is _get_state.dispatch(object))


def is_public(name: str) -> bool:
    """Whether this is an estimator of scikit-learn's that it lists among all of its estimators: skops trusts these."""
    module, _, kind = name.rpartition(".")
    parts = module.split(".")
    outer = next((n for n, part in enumerate(parts) if part.startswith("_")), len(parts))
    public = sys.modules.get(".".join(parts[:outer]))
    found = getattr(public, kind, None)
    return (
        parts[0] == "sklearn"
        and not kind.startswith("_")
        and not {"tests", "externals", "experimental"} & set(parts)
        and isinstance(found, type)
        and found.__module__ == module
        and issubclass(found, BaseEstimator)
        and found is not BaseEstimator
        and not getattr(found, "__abstractmethods__", None)
    )


@lru_cache(maxsize=1000)
def _head(kind: type, loader: str) -> str:
    return json.dumps({"__class__": kind.__name__, "__module__": kind.__module__, "__loader__": loader})[:-1]


@lru_cache(maxsize=1000)
def _header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """What stands before an array's bytes in a .npy file."""
    buffer = io.BytesIO()
    told = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, told)
    return buffer.getvalue()


def types_of(schema: Any) -> set[str]:
    """Every class and function that a schema of skops names."""
    found, waiting = set(), [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            names = (node.get("__module__"), node.get("__class__"), node.get("module_path"), node.get("function"))
            if any(isinstance(name, str) for name in names):
                found.add(".".join(str(name) for name in names))
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return found
