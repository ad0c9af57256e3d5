"""Resampling that keeps how many rows each stratum has, where rows were drawn so many of each kind.

A resample draws other numbers of each kind, which adds doubt that is not there: the numbers were chosen. So each stratum's
resampled sums are scaled to the rows the stratum has (Efron and Tibshirani, 1993, chapter 8; with Poisson weights this is
post-stratification). Within a stratum units are drawn as ever, so rows of an entity still are drawn as one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def stratified(parts: Floats, unit: Codes | None, stratum: Codes) -> Floats:
    """Sums of rows within each unit (or bucket) and stratum, and how many rows those are; units x strata x (k + 1)."""
    unit = np.arange(len(parts)) if unit is None else unit
    units, strata = (int(codes.max(initial=-1)) + 1 for codes in (unit, stratum))
    cell = unit * strata + stratum
    columns = [*parts.T, np.ones(len(parts))]
    sums = [np.bincount(cell, weights=column, minlength=units * strata) for column in columns]
    return np.asarray(np.stack(sums, axis=1).reshape(units, strata, len(columns)), dtype=np.float64)


def held(drawn: Floats, whole: Floats) -> Floats:
    """Sums over all strata (... x k) from those within each (... x strata x (k + 1)), each scaled to the rows that `whole`
    (strata x (k + 1)) has of it. NaN where a stratum was not drawn at all."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = whole[:, -1] / drawn[..., -1]
        return np.asarray((drawn[..., :-1] * scale[..., None]).sum(axis=-2))
