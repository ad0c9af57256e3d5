"""A batch or a stream becomes findings: profiles that merge, drift between two of them, broken feeds, decayed performance."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlops.monitoring.arriving import Arrivals
    from jupyter_mlops.monitoring.attributing import AttributionDrift, attribution_drift, attributions
    from jupyter_mlops.monitoring.behaving import shown_and_taken
    from jupyter_mlops.monitoring.causes import weights_of
    from jupyter_mlops.monitoring.comparing import DriftReport, drift
    from jupyter_mlops.monitoring.constraints import Constraints, as_great_expectations, as_pandera, learned, violated
    from jupyter_mlops.monitoring.estimating import cbpe, dle, performance
    from jupyter_mlops.monitoring.exporting import evidently, nannyml
    from jupyter_mlops.monitoring.files import check_width
    from jupyter_mlops.monitoring.judging import FEWEST, monitor
    from jupyter_mlops.monitoring.profiles import Profile
    from jupyter_mlops.monitoring.reading import profile
    from jupyter_mlops.monitoring.streaming import DriftStream

__all__ = [
    "FEWEST",
    "Arrivals",
    "AttributionDrift",
    "Constraints",
    "DriftReport",
    "DriftStream",
    "Profile",
    "as_great_expectations",
    "as_pandera",
    "attribution_drift",
    "attributions",
    "cbpe",
    "check_width",
    "dle",
    "drift",
    "evidently",
    "learned",
    "monitor",
    "nannyml",
    "performance",
    "profile",
    "shown_and_taken",
    "violated",
    "weights_of",
]

_HOME = {
    "Arrivals": "arriving",
    "AttributionDrift": "attributing",
    "attribution_drift": "attributing",
    "attributions": "attributing",
    "Constraints": "constraints",
    "as_great_expectations": "constraints",
    "as_pandera": "constraints",
    "learned": "constraints",
    "violated": "constraints",
    "DriftReport": "comparing",
    "DriftStream": "streaming",
    "FEWEST": "judging",
    "Profile": "profiles",
    "cbpe": "estimating",
    "check_width": "files",
    "dle": "estimating",
    "drift": "comparing",
    "evidently": "exporting",
    "nannyml": "exporting",
    "monitor": "judging",
    "performance": "estimating",
    "profile": "reading",
    "shown_and_taken": "behaving",
    "weights_of": "causes",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"jupyter_mlops.monitoring.{_HOME[name]}"), name)
    raise AttributeError(name)
