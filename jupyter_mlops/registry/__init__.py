"""Versions of models: registered from runs, named by aliases, loaded only when their files are what was registered."""

from jupyter_mlops.registry.loading import load, load_version
from jupyter_mlops.registry.versions import models, point_alias, register, resolve, tag_version, version, versions

__all__ = [
    "load",
    "load_version",
    "models",
    "point_alias",
    "register",
    "resolve",
    "tag_version",
    "version",
    "versions",
]
