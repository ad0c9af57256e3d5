"""How a refusal spells the command that helps."""

from __future__ import annotations

from jupyter_mlops.ledger import placed


def command(verb: str, model: str, version: int | str, *, reason: bool = False) -> str:
    """`jupyter mlops VERB MODEL VERSION`, typed for the MLflow workspace of the model, where it is not in the default one."""
    unit, name = placed(model)
    where = f"MLFLOW_WORKSPACE={unit} " if ":" in model else ""
    return f"`{where}jupyter mlops {verb} {name} {version}{' --reason TEXT' if reason else ''}`"
