"""Boosters of XGBoost's and LightGBM's own training functions, asked like any other model: frames or arrays in, answers out."""

from __future__ import annotations

from typing import Any


class Answering:
    """`model` is the booster. Of two classes it answers with the probability of the second, as its library does."""

    def __init__(self, model: Any, names: list[str] | None) -> None:
        self.model = model
        if names:
            self.feature_names_in_ = names

    def predict(self, rows: Any) -> Any:
        ask = getattr(self.model, "inplace_predict", self.model.predict)  # XGBoost's own `predict` takes no frame
        return ask(rows)


def answering(model: Any) -> Any:
    """The model itself, unless it is a booster that cannot be asked as scikit-learn's models are."""
    match f"{type(model).__module__}.{type(model).__name__}":
        case "xgboost.core.Booster":
            return Answering(model, model.feature_names)
        case "lightgbm.basic.Booster":
            return Answering(model, model.feature_name())
    return model
