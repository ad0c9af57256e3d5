"""Models in their library's own file, where reading that runs no code: CatBoost's."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadInput

CATBOOST = ("CatBoost", "CatBoostClassifier", "CatBoostRanker", "CatBoostRegressor")
_TYPE = ".type"


def is_native(model: Any) -> bool:
    """Whether it is of a library whose own file is as safe as skops: of its own classes, not one derived from them."""
    return type(model).__module__ == "catboost.core" and type(model).__name__ in CATBOOST


def write_native(model: Any, file: Path) -> None:
    """Raises what the library raises."""
    model.save_model(str(file), format="cbm")
    file.with_suffix(_TYPE).write_text(json.dumps(type(model).__name__), encoding="utf-8")


def read_native(file: Path, kind: str = "") -> Any:
    """The model in such a file; `kind` is its class, else what stands beside the file says it."""
    kind = kind or json.loads(file.with_suffix(_TYPE).read_text(encoding="utf-8"))
    if kind not in CATBOOST:
        raise BadInput(f"{kind!r} is no model of CatBoost's", f"choose one of: {', '.join(CATBOOST)}")
    try:
        catboost = import_module("catboost")
    except ImportError as error:
        raise BadInput("the model is one of CatBoost's, which is not installed here", "pip install catboost") from error
    model = getattr(catboost, kind)()
    model.load_model(str(file), format="cbm")
    return model
