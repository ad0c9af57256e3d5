"""A model and rows it never saw become evidence: estimates with intervals, a paired comparison, gates that may say no."""

from jupyter_mlops.validation.case import Judge
from jupyter_mlops.validation.door import judge_rows
from jupyter_mlops.validation.drawing import drawings
from jupyter_mlops.validation.evidence import digest, validate
from jupyter_mlops.validation.explaining import reasons
from jupyter_mlops.validation.fairness import fairness_of
from jupyter_mlops.validation.measure import estimates_of
from jupyter_mlops.validation.preparing import prepare

__all__ = ["Judge", "digest", "drawings", "estimates_of", "fairness_of", "judge_rows", "prepare", "reasons", "validate"]
