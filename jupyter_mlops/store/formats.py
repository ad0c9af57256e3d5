"""Ways in which a model's files run code when they are read. Found by reading alone: nothing of the model is imported.

A scan of a pickle is a second line, never the defence: that is a signature by somebody whom policy trusts.
"""

from __future__ import annotations

import pickle
import pickletools
from pathlib import Path
from typing import Any

import yaml

from jupyter_mlops.errors import BadInput

PICKLE, LOADER, MODEL_CODE, CODE_PATHS = "pickle", "loader-module", "model-code", "code-paths"
KINDS = (PICKLE, LOADER, MODEL_CODE, CODE_PATHS)
_PICKLES = {".pkl", ".pickle", ".joblib", ".pth", ".pt", ".dill", ".cloudpickle"}
# MLflow's own loaders of models; any other module is code that came with the model.
_LOADERS = ("mlflow.",)
# What numbers and fitted estimators are made of. Parts of these packages that run what they are given are not.
_HARMLESS = (
    "numpy",
    "scipy",
    "sklearn",
    "pandas",
    "xgboost",
    "lightgbm",
    "collections",
    "copyreg",
    "copy_reg",  # its name in old protocols
    "_codecs",
    "datetime",
)
_HARMFUL = ("testing", "f2py", "distutils", "ctypeslib", "eval", "io", "externals", "datasets", "utils._testing")
_BUILTINS = {
    "set",
    "bytes",
    "frozenset",
    "bytearray",
    "slice",
    "range",
    "complex",
    "object",
    "list",
    "dict",
    "tuple",
    "int",
    "float",
}
_UNKNOWN = "unknown"
_STRINGS = {"SHORT_BINUNICODE", "BINUNICODE", "UNICODE", "BINUNICODE8"}


def running(folder: Path) -> list[str]:
    """The kinds of code that reading this model's files would run, in the order of KINDS; none for a skops model."""
    flavors = _flavors(folder)
    pyfunc = flavors.get("python_function") or {}
    found = {PICKLE} if _pickles(folder) else set()
    if any("pickle" in str(spec.get("serialization_format", "")) for spec in flavors.values()):
        found.add(PICKLE)
    if not str(pyfunc.get("loader_module", "mlflow.")).startswith(_LOADERS):
        found.add(LOADER)
    if any(spec.get("model_code_path") for spec in flavors.values()):
        found.add(MODEL_CODE)
    if any(spec.get("code") for spec in flavors.values()) or (folder / "code").exists():
        found.add(CODE_PATHS)
    return [kind for kind in KINDS if kind in found]


def library_of(folder: Path) -> str:
    """MLflow's name of the flavour that the model is of: `sklearn`, `pytorch`; empty where it says none."""
    return next((name for name in _flavors(folder) if name != "python_function"), "")


def _pickles(folder: Path) -> list[Path]:
    """What is a pickle by its name, or by how it begins: some flavours give theirs a name of their own."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return [p for p in files if p.suffix in _PICKLES or _begins_as_pickle(p)]


def _begins_as_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(2)
    return len(start) == 2 and start[0] == 0x80 and 2 <= start[1] <= pickle.HIGHEST_PROTOCOL


def _flavors(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        content = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
        flavors = content["flavors"]
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise BadInput(f"the model's MLmodel file cannot be read: {error}", "log the model again") from error
    return {name: spec for name, spec in flavors.items() if isinstance(spec, dict)}


def scan(folder: Path) -> list[str]:
    """Every name that the model's pickles would import. BadInput names those that are not known to be harmless."""
    found: set[str] = set()
    for path in _pickles(folder):
        found |= imported(path.read_bytes(), path.name)
    foreign = sorted(name for name in found if not _harmless(name))
    if foreign:
        raise BadInput(
            f"the model's pickle imports what could run anything: {', '.join(foreign[:8])}",
            "save the model as skops, or without functions and classes of your own",
            imports=foreign,
        )
    return sorted(found)


def imported(data: bytes, name: str) -> set[str]:
    """The `module.name` of each import in a pickle; BadInput when it cannot be read to its end."""
    names = _Names()
    try:
        for opcode, argument, _ in pickletools.genops(data):
            names.take(opcode.name, argument)
    except (ValueError, IndexError, KeyError, AttributeError, EOFError) as error:
        raise BadInput(f"{name} cannot be scanned to its end: {error}", "save the model as skops") from error
    return names.found


class _Names:
    """The imports of a pickle, opcode by opcode. Where a name does not lie plainly before its use it is `unknown`."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self._pushed: list[str] = []  # strings pushed by the opcodes just before, with nothing else between
        self._memo: dict[int, str] = {}

    def take(self, code: str, argument: Any) -> None:
        if code in ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"):
            place = len(self._memo) if argument is None else int(argument)
            self._memo[place] = self._pushed[-1] if self._pushed else _UNKNOWN
        elif code in _STRINGS:
            self._pushed.append(str(argument))
        elif code in ("BINGET", "LONG_BINGET", "GET"):
            self._pushed.append(self._memo.get(int(argument), _UNKNOWN))
        elif code != "FRAME":
            self._import(code, argument)
            self._pushed = []

    def _import(self, code: str, argument: Any) -> None:
        if code in ("GLOBAL", "INST"):
            self.found.add(str(argument).replace(" ", "."))
        elif code == "STACK_GLOBAL":
            self.found.add(".".join(self._pushed[-2:]) if len(self._pushed) > 1 else _UNKNOWN)
        elif code.startswith("EXT"):
            self.found.add(_UNKNOWN)


def _harmless(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    if module in ("builtins", "__builtin__"):
        return attribute in _BUILTINS
    parts = name.split(".")
    return parts[0] in _HARMLESS and not any(part.strip("_") in _HARMFUL for part in parts)
