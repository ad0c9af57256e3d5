"""`%%track`, `%track` and `%mlops`: what a data scientist types in a notebook."""

from jupyter_mlops.magics.magic import load, unload

__all__ = ["load", "unload"]
