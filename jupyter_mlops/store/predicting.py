"""What a fitted model answers, in one form for judging, serving and watching: one finite number for each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.errors import BadInput


def predict(model: Any, rows: Any, features: list[str]) -> NDArray[np.float64]:
    """The score of the positive class where the model gives probabilities of two classes, else its prediction.

    BadInput names a missing column, a model that raises, a wrong length, or rows whose answer is no finite number.
    """
    missing = [name for name in features if name not in rows.columns]
    if missing:
        raise BadInput(
            f"the rows lack {len(missing)} columns the model was fitted on: {', '.join(missing[:5])}",
            "give rows with the columns of its training data",
            missing=missing,
        )
    asked = rows[features] if features else rows
    try:
        answers = _answers(model, asked)
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(f"the model cannot answer these rows: {str(error)[:200]}", "check their types") from error
    if answers.shape != (len(rows),):
        raise BadInput(
            f"the model gave answers of shape {answers.shape} for {len(rows)} rows", "it must give one for each"
        )
    return finite(answers)


def finite(answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same answers; BadInput when one is no finite number."""
    known = np.isfinite(answers)
    if known.all():
        return answers
    wrong = np.flatnonzero(~known)
    raise BadInput(
        f"the model's answer to {len(wrong)} rows is no finite number, the first is row {int(wrong[0])}",
        "train it on finite targets, or remove those rows",
        rows=[int(i) for i in wrong[:20]],
    )


def _answers(model: Any, rows: Any) -> NDArray[np.float64]:
    if hasattr(model, "predict_proba"):
        probabilities = np.asarray(model.predict_proba(rows), dtype=np.float64)
        if probabilities.ndim == 2 and probabilities.shape[1] == 2:
            return probabilities[:, 1]
    return np.asarray(model.predict(rows), dtype=np.float64)
