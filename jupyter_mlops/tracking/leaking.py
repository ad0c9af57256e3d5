"""Rows that were both learned from and scored on."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.tracking.seeing import Seen

_MOST_CELLS = 20_000_000  # values hashed to find them; beyond, only whole frames are compared
_WORTH_SAYING = 0.01


def leaks(seen: Seen) -> list[str]:
    """A sentence when a cell scored rows that it, or the model's fit, had learned from; empty when there is none."""
    shares = [_most_shared(seen, score.data) for score in seen.scores if score.data is not None]
    if not shares:
        return []
    unseen = [share for share in shares if share < 1]  # a score on the training rows beside another one is what it is
    worst = max(unseen, default=1.0)
    if worst == 1.0:
        return ["scored on the very rows it was fitted on"]
    return (
        [f"{worst:.0%} of the rows it was scored on are among those it was fitted on"] if worst > _WORTH_SAYING else []
    )


def _most_shared(seen: Seen, scored: Any) -> float:
    fitted = [fit.data for fit in seen.fits if fit.data is not None]
    return max((1.0 if data is scored else _shared(data, scored) for data in fitted), default=0.0)


def _shared(fitted: Any, scored: Any) -> float:
    """The share of the scored rows that were fitted on too, by their values. One column alone repeats by chance: 0."""
    import numpy as np

    if not _comparable(fitted, scored):
        return 0.0
    learned, asked = _hashes(fitted), _hashes(scored)
    # Rows that repeat among themselves (few distinct values) say nothing of where they came from.
    if len(np.unique(asked)) < 0.9 * len(asked):
        return 0.0
    return float(np.isin(asked, learned).mean())


def _comparable(fitted: Any, scored: Any) -> bool:
    if type(fitted) is not type(scored) or getattr(fitted, "ndim", 0) != 2 or scored.ndim != 2:
        return False
    (learned, columns), (asked, others) = fitted.shape, scored.shape
    return bool(columns == others and columns >= 2 and asked > 0 and (learned + asked) * columns <= _MOST_CELLS)


def _hashes(value: Any) -> Any:
    import numpy as np
    from pandas import DataFrame
    from pandas.util import hash_pandas_object

    if isinstance(value, DataFrame):
        return hash_pandas_object(value, index=False).to_numpy()
    if isinstance(value, np.ndarray):
        return hash_pandas_object(DataFrame(value), index=False).to_numpy()
    return np.array([])
