"""The figures that NannyML 0.13.1 prints in its documentation for its synthetic car loan data (Apache License 2.0), met.

Of two chunks of 5,000 loans each only what the metrics depend on is kept: how many loans were not repaid, and were, at each
hundredth of the predicted probability; and the four counts of what the model, at its own threshold, answered.
"""

import numpy as np
import pytest
import sklearn.metrics as sk

from jupyter_mlops.stats import CLASSIFICATION

CHUNKS = {
    0: (
        "354 378 283 250 170 122 100 86 75 63 36 39 23 21 24 25 14 16 15 6 7 7 11 9 12 5 5 1 5 5 7 8 9 5 8 3 1 8 8 2 4 "
        "5 3 7 2 5 4 6 3 0 1 2 1 2 0 4 3 6 0 2 4 2 5 3 5 3 1 0 2 3 3 2 2 3 3 0 2 4 2 2 1 3 2 2 0 0 0 3 2 3 1 1 6 2 3 4 "
        "9 8 7 13 7",
        "9 9 5 9 2 6 3 0 2 0 3 0 2 4 1 0 1 0 2 1 0 0 2 2 1 1 1 4 0 2 2 2 2 3 1 3 4 2 3 0 4 2 0 2 7 0 1 1 3 6 1 3 3 6 3 "
        "9 2 7 6 3 3 0 5 3 6 2 4 8 3 5 9 7 11 9 11 9 15 13 13 10 12 12 12 18 22 32 25 33 31 43 50 62 82 101 129 150 209 "
        "272 291 372 319",
        [2305, 109, 180, 2406],
        {
            "auc": 0.970962,
            "f1": 0.943344,
            "precision": 0.95666,
            "recall": 0.930394,
            "specificity": 0.954847,
            "accuracy": 0.9422,
            "average_precision": 0.963617,
        },
    ),
    9: (
        "161 199 188 170 146 123 101 81 84 86 55 68 43 51 41 35 34 39 28 30 19 24 26 19 23 16 5 20 19 13 8 15 19 11 17 "
        "10 7 7 12 11 7 12 7 14 5 6 6 12 12 7 6 9 9 7 8 9 4 5 7 6 5 4 6 2 4 5 6 1 8 7 4 3 3 3 6 5 5 4 6 7 8 4 7 5 5 5 4 "
        "7 6 5 9 6 9 5 6 6 11 6 5 5 1",
        "2 6 3 4 4 2 5 4 6 3 2 4 2 5 2 2 2 1 3 3 1 3 1 2 2 4 2 1 2 0 3 4 2 3 1 6 1 2 2 4 5 4 2 5 3 4 8 3 3 4 2 1 5 6 3 "
        "7 9 8 4 3 5 13 6 10 7 10 17 13 12 12 15 12 19 14 19 21 19 23 26 29 34 22 43 41 48 43 47 57 63 75 69 95 90 124 "
        "139 124 162 180 236 226 139",
        [2243, 198, 241, 2318],
        {
            "auc": 0.957556,
            "f1": 0.913498,
            "precision": 0.921304,
            "recall": 0.905823,
            "specificity": 0.918886,
            "accuracy": 0.9122,
            "average_precision": 0.95196,
        },
    ),
}


def _loans(chunk: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, float]]:
    """Outcomes with probabilities, and outcomes with answers: each loan once in either, in no order."""
    kept, repaid, answered, printed = CHUNKS[chunk]
    counts = [np.array(text.split(), dtype=int) for text in (kept, repaid)]
    truth = np.repeat([0.0, 1.0], [each.sum() for each in counts])
    chance = np.concatenate([np.repeat(np.arange(101) / 100, each) for each in counts])
    return truth, chance, np.repeat([0.0, 0.0, 1.0, 1.0], answered), np.repeat([0.0, 1.0, 0.0, 1.0], answered), printed


@pytest.mark.parametrize("chunk", CHUNKS)
def test_published_figures_are_met(chunk: int):
    truth, chance, outcome, answer, printed = _loans(chunk)
    assert len(truth) == len(outcome) == 5000
    for metric in (m for m in CLASSIFICATION if m.name in printed):
        ranked = metric.name in ("auc", "average_precision")
        parts = metric.parts(truth, chance) if ranked else metric.parts(outcome, answer)
        assert float(metric.combine(parts.sum(axis=0))) == pytest.approx(printed[metric.name], abs=5e-7), metric.name


@pytest.mark.parametrize("chunk", CHUNKS)
def test_calibration_and_probabilities_of_them_are_scikit_learns(chunk: int):
    truth, chance, *_ = _loans(chunk)
    found = {m.name: float(m.combine(m.parts(truth, chance).sum(axis=0))) for m in CLASSIFICATION}
    expected = {
        "auc": sk.roc_auc_score(truth, chance),
        "average_precision": sk.average_precision_score(truth, chance),
        "brier": sk.brier_score_loss(truth, chance),
        "log_loss": sk.log_loss(truth, chance),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-9), name
