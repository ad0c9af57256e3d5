"""Which way each metric is better, by its name; those of lists for any k."""

from __future__ import annotations

from jupyter_mlops.stats.classification import CLASSIFICATION, MULTICLASS
from jupyter_mlops.stats.metrics import RANKED_AT_K, RANKING, REGRESSION, at_k
from jupyter_mlops.stats.named import named_metric

_HIGHER = {metric.name: metric.higher for metric in (*REGRESSION, *CLASSIFICATION, *MULTICLASS, *RANKING)}
_SHOWN = {"coverage": True, "diversity": True, "novelty": True, "popularity_bias": False}
_OF_TASK = {
    "regression": [m.name for m in REGRESSION],
    "classification": list(dict.fromkeys(m.name for m in (*CLASSIFICATION, *MULTICLASS))),
}


def higher_is_better(name: str, task: str = "") -> bool | None:
    """None: neither way (bias), or no metric that is known, scikit-learn's among them (of the `task`, else
    of any); it cannot be gated."""
    kind, k = at_k(name) or ("", 0)
    if k and kind in _SHOWN:
        return _SHOWN[kind]
    if k and kind in RANKED_AT_K:
        return True
    return _HIGHER[name] if name in _HIGHER else _of_scikit_learn(name, task)


def _of_scikit_learn(name: str, task: str) -> bool | None:
    tried = [of for of in (("classification", 2), ("classification", 3), ("regression", 0)) if task in ("", of[0])]
    found = (named_metric(name, *of) for of in tried)
    return next((metric.higher for metric in found if metric is not None), None)


def gated_metrics(task: str, k: int = 10) -> list[str]:
    """The names a gate of that task may hold; those of lists for the first k."""
    ranked = ["map", *(f"{kind}@{k}" for kind in (*RANKED_AT_K, *_SHOWN))]
    return [name for name in _OF_TASK.get(task, ranked) if _HIGHER.get(name) is not None or "@" in name]
