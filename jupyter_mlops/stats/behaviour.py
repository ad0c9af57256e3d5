"""How people answer what a recommender shows them. Rows are items shown; `answered` is 1 where one was taken, else 0.

Each figure comes as sums over units (entities x k) and the function that turns summed parts into its value, so that intervals are
those of entities, which are independent where their rows are not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.stats.bootstrap import Combine, by_unit
from jupyter_mlops.stats.classification import ratio
from jupyter_mlops.stats.ranking import places

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def behaviour(answered: Floats, score: Floats, entity: Codes, k: int = 10) -> dict[str, tuple[Floats, Combine]]:
    """- `ctr@k`: the share of the first k shown that were taken (click-through rate).
    - `conversion`: the share of entities that took anything at all.
    - `position_bias@k`: how many times as often the first place is taken as the later ones of the first k; 1 is no bias.
    - `session_length`: how many items an entity was shown.
    """
    place = places(score, entity)
    shown, first = (place < k).astype(np.float64), (place == 0).astype(np.float64)
    later = shown - first
    parts = by_unit(
        np.stack([answered * shown, shown, answered * first, first, answered * later, later], axis=1), entity
    )
    size = np.bincount(entity).astype(np.float64)
    one = np.ones_like(size)
    took = (by_unit(answered[:, None], entity)[:, 0] > 0).astype(np.float64)
    return {
        f"ctr@{k}": (parts[:, :2], _share),
        "conversion": (np.stack([took, one], axis=1), _share),
        f"position_bias@{k}": (parts[:, 2:], _bias),
        "session_length": (np.stack([size, one], axis=1), _share),
    }


def popularity(item: Codes, relevant: Floats, items: int) -> Floats:
    """Each item's share of all relevant rows, one added to each item."""
    counts = np.bincount(item, weights=relevant, minlength=items) + 1
    return np.asarray(counts / counts.sum(), dtype=np.float64)


def leaning(
    popular: Floats, shown: Floats, relevant: Floats, entity: Codes, k: int = 10
) -> dict[str, tuple[Floats, Combine]]:
    """By the popularity of each row's item, whether it is among the first k shown and whether it was relevant:

    - `novelty@k`: the mean of -log2 of the popularity of what is shown (Zhou et al., 2010).
    - `popularity_bias@k`: how much more popular what is shown is than what was relevant, 0.2 being a fifth more
      (Abdollahpouri et al., 2019).
    """
    parts = by_unit(
        np.stack([-np.log2(popular) * shown, popular * shown, shown, popular * relevant, relevant], 1), entity
    )
    return {f"novelty@{k}": (parts[:, [0, 2]], _share), f"popularity_bias@{k}": (parts[:, 1:], _lift)}


def _lift(sums: Floats) -> Floats:
    return _bias(sums) - 1


def _share(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 1])


def _bias(sums: Floats) -> Floats:
    return ratio(ratio(sums[..., 0], sums[..., 1]), ratio(sums[..., 2], sums[..., 3]))
