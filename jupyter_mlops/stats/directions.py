"""Which way each metric is better, by its name; those of lists for any k."""

from __future__ import annotations

from jupyter_mlops.stats.classification import CLASSIFICATION, MULTICLASS
from jupyter_mlops.stats.metrics import RANKED_AT_K, RANKING, REGRESSION, at_k

_HIGHER = {metric.name: metric.higher for metric in (*REGRESSION, *CLASSIFICATION, *MULTICLASS, *RANKING)}
_SHOWN = {"coverage": True, "diversity": True, "novelty": True, "popularity_bias": False}
_OF_TASK = {
    "regression": [m.name for m in REGRESSION],
    "classification": list(dict.fromkeys(m.name for m in (*CLASSIFICATION, *MULTICLASS))),
}


def higher_is_better(name: str) -> bool | None:
    """None: neither way (bias), or no metric that is known; it cannot be gated."""
    kind, k = at_k(name) or ("", 0)
    if k and kind in _SHOWN:
        return _SHOWN[kind]
    return True if k and kind in RANKED_AT_K else _HIGHER.get(name)


def gated_metrics(task: str, k: int = 10) -> list[str]:
    """The names a gate of that task may hold; those of lists for the first k."""
    ranked = ["map", *(f"{kind}@{k}" for kind in (*RANKED_AT_K, *_SHOWN))]
    return [name for name in _OF_TASK.get(task, ranked) if _HIGHER.get(name) is not None or "@" in name]
