"""Secrets are masked before anything is written: by the shape of a value, by the name it goes under, and by where it stands.

Not caught, and known: a secret put together from two variables, encoded, or drawn in an image.
"""

from jupyter_mlops.masking.code import mask_code
from jupyter_mlops.masking.texts import MASK, is_secret_name, mask, mask_all, mask_told, mask_value

__all__ = ["MASK", "is_secret_name", "mask", "mask_all", "mask_code", "mask_told", "mask_value"]
