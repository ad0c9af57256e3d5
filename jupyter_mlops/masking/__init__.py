"""Secrets are masked before anything is written: by the shape of a value, by the name it goes under, and by where it stands.

Not caught, and known: a secret put together from two variables, encoded, or drawn in an image.
"""

from __future__ import annotations

from jupyter_mlops.masking.texts import MASK, held, is_secret_name, mask, mask_all, mask_told, mask_value

__all__ = ["MASK", "held", "is_secret_name", "mask", "mask_all", "mask_code", "mask_told", "mask_value"]


def mask_code(text: str) -> str:
    """The text of a cell, a module or a difference with every secret it holds masked; what holds none comes back as it was."""
    from jupyter_mlops.masking import (
        code,
    )  # what it looks for takes a while to put together, and a kernel is to start at once

    return code.mask_code(text)
