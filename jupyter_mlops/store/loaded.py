"""A model that was read and found to be what was registered; the registry gives it, serving holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jupyter_mlops.records import ModelVersion


@dataclass(frozen=True)
class LoadedModel:
    """`model` is the fitted scikit-learn object, `features` the columns it was fitted on, in order."""

    version: ModelVersion
    model: Any
    features: list[str]
    input_example: Any
