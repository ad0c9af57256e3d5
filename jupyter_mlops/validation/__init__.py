"""A model and rows it never saw become evidence: estimates with intervals, a paired comparison, gates that may say no."""

from jupyter_mlops.validation.evidence import validate
from jupyter_mlops.validation.measure import estimates_of

__all__ = ["estimates_of", "validate"]
