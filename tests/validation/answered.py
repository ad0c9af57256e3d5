"""Models that answer what a test says, and rows to ask them."""

from __future__ import annotations

import numpy as np
import pandas as pd


class Numbers:
    """Answers the column `said` of the rows, or whatever it was given."""

    def __init__(self, answers: object = None, features: tuple[str, ...] = ("said",)) -> None:
        self.answers = answers
        self.feature_names_in_ = np.array(features, dtype=object)

    def predict(self, rows: pd.DataFrame) -> object:
        return rows["said"].to_numpy() if self.answers is None else self.answers


class Chances(Numbers):
    """The same as chances of class 1, or of many classes when given a table."""

    classes_ = np.array([0, 1])

    def predict_proba(self, rows: pd.DataFrame) -> object:
        said = self.predict(rows)
        return said if np.ndim(said) == 2 else np.stack([1 - said, said], axis=1)


def judged_numbers(seed: int, n: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    y = random.normal(size=n)
    return pd.DataFrame(
        {"said": y + random.normal(size=n), "g": random.choice(list("abcdefghijklmnopqrst"), n), "y": y}
    )
