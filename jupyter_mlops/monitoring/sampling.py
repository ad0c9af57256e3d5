"""A few whole rows of any data, drawn evenly, where figures of single columns do not tell enough."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from jupyter_mlops.monitoring.files import Part, read_part, retyped, split
from jupyter_mlops.monitoring.profiles import Profile
from jupyter_mlops.monitoring.reading import is_profile
from jupyter_mlops.monitoring.tables import tables


def sampled(data: Any, columns: list[str], most: int, seed: int) -> pd.DataFrame | None:
    """At most so many rows of these columns; None of a profile, which has none. What cannot be read is left out."""
    if isinstance(data, Profile) or (isinstance(data, str | Path) and is_profile(str(data))):
        return None
    random = np.random.default_rng(seed)
    pieces = _pieces(split(str(data))) if isinstance(data, str | Path) else tables(data)
    rows, drawn = [], []
    for piece in pieces:
        table = piece.select(columns)
        rows.append(table.num_rows)
        drawn.append(table.take(pa.array(random.permutation(table.num_rows)[:most])))
    if not sum(rows):
        return None
    shares = random.multivariate_hypergeometric(rows, min(most, sum(rows)))
    kept: list[pd.DataFrame] = [
        table.slice(0, int(count)).to_pandas() for table, count in zip(drawn, shares, strict=True) if count
    ]
    return pd.concat(kept, ignore_index=True)


def _pieces(parts: list[Part]) -> Iterator[pa.Table]:
    for part in parts:
        try:
            yield from [pa.table(dict(batch)) for batch in read_part(part)]
        except (pa.ArrowException, OSError, ValueError) as error:
            again = retyped(part, error)
            if again:
                yield from _pieces([again])
