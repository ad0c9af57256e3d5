"""The sidebar's server side: REST under `/jupyter-mlops/`, events when anything changed, and the reason when it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlops.lab.extension import MlopsExtension

__all__ = ["MlopsExtension"]


def __getattr__(name: str) -> object:
    # Late, so that printing the OpenAPI document starts no server machinery.
    if name == "MlopsExtension":
        from jupyter_mlops.lab.extension import MlopsExtension

        return MlopsExtension
    raise AttributeError(name)
