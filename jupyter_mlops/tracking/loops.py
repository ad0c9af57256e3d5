"""Networks that a cell trained in a loop of its own: no function is called `fit`, but what was learned has changed.

PyTorch counts how often a tensor was changed in place, so nothing of it is watched while the loop runs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mlops.tracking.seeing import Fit, Seen

_MOST = 5  # tables of one cell


def networks(namespace: Mapping[str, Any]) -> dict[int, int]:
    """Of each network that a variable holds, by its id: how often its weights were changed."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "nn"):
        return {}
    held = [value for name, value in namespace.items() if not name.startswith("_")]
    return {id(value): _changes(value) for value in held if issubclass(type(value), torch.nn.Module)}


def _changes(network: Any) -> int:
    return sum(int(weights._version) for weights in network.parameters())


def trained(seen: Seen, before: Mapping[int, int], namespace: Mapping[str, Any], read: Iterable[str]) -> None:
    """Note the networks whose weights are others now, the largest last, with the tables among the names that the cell read."""
    after = networks(namespace)
    if not after:
        return
    torch = sys.modules["torch"]
    held = {id(value): value for value in namespace.values() if id(value) in after}
    found = [net for key, net in held.items() if _learned(net, key in before, after[key] != before.get(key))]
    if found:
        seen.begun()
    tables = [_table(torch, namespace[name]) for name in sorted(read) if name in namespace]
    rows = [table for table in tables if table is not None][:_MOST]
    for net in sorted(found, key=lambda net: sum(weights.numel() for weights in net.parameters())):
        given = {"estimator": type(net).__name__, **_optimizer(torch, namespace)}
        for table in rows[1:]:
            seen.fitted(Fit(None, table, None))
        seen.fitted(Fit(net, rows[0] if rows else None, None, given))


def _learned(network: Any, known: bool, changed: bool) -> bool:
    return changed if known else any(weights.grad is not None for weights in network.parameters())


def _table(torch: Any, value: Any) -> Any:
    """A tensor of rows that nobody learns, the first one of a loader or a data set."""
    value = getattr(value, "dataset", value) if issubclass(type(value), torch.utils.data.DataLoader) else value
    value = value.tensors[0] if issubclass(type(value), torch.utils.data.TensorDataset) else value
    fits = issubclass(type(value), torch.Tensor) and not value.requires_grad and value.ndim > 1 and value.shape[0] > 1
    return value if fits else None


def _optimizer(torch: Any, namespace: Mapping[str, Any]) -> dict[str, Any]:
    for value in namespace.values():
        if issubclass(type(value), torch.optim.Optimizer):
            return {"optimizer": type(value).__name__, "lr": value.param_groups[0].get("lr")}
    return {}
