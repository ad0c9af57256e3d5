"""Performance before outcomes are known: as others publish it, and within its interval when outcomes come."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.monitoring import cbpe, dle, estimating, performance

ROOT = Path(__file__).parents[2]
DATA = next((p for p in (ROOT.parent / "shared/data", ROOT.parent.parent / "shared/data") if p.exists()), ROOT / "none")
TABLE = "tutorial_estimating_standard_performance_metrics_binary_classification__cell5.csv"


@pytest.mark.skipif(not (DATA / "reference" / TABLE).exists(), reason="the reference tables are not on this machine")
def test_cbpe_is_what_nannyml_publishes():
    before, now = (pd.read_csv(DATA / f"drift/synthetic_car_loan_{p}.csv.gz") for p in ("reference", "analysis"))
    published = pd.read_csv(DATA / "reference" / TABLE)
    truth, score = before["repaid"].to_numpy(float), before["y_pred_proba"].to_numpy(float)
    for i, line in published.iterrows():
        rows = now.iloc[i * 5000 : (i + 1) * 5000]
        estimates = cbpe(score, truth, rows["y_pred_proba"].to_numpy(float), rows["y_pred"].to_numpy(float))
        found = {e.metric: e.value for e in estimates}
        for ours, theirs in (("auc", "roc_auc"), ("accuracy", "accuracy"), ("f1", "f1")):
            assert found[ours] == pytest.approx(line[f"{theirs}/value"], abs=2e-6)


def _classified(random: np.random.Generator, rows: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores that are not calibrated, and outcomes."""
    x = random.normal(shift, 1.5, rows)
    truth = (random.random(rows) < 1 / (1 + np.exp(-x))).astype(float)
    return 1 / (1 + np.exp(-2.5 * x)), truth


def test_realised_values_lie_in_the_intervals_of_their_estimates_when_only_the_mix_of_cases_changed():
    random = np.random.default_rng(0)
    within = {"auc": 0, "accuracy": 0, "f1": 0}
    reference = _classified(random, 20_000, 0.0)
    for _ in range(30):
        score, truth = _classified(random, 800, 1.5)
        estimates = {e.metric: e for e in cbpe(*reference, score)}
        for name, e in estimates.items():
            if name in within:
                within[name] += e.low <= _realised(name, truth, score) <= e.high
    assert min(within.values()) >= 25


def _realised(name: str, truth: np.ndarray, score: np.ndarray) -> float:
    from sklearn import metrics

    decided = score > 0.5
    return {
        "auc": metrics.roc_auc_score(truth, score),
        "accuracy": metrics.accuracy_score(truth, decided),
        "f1": metrics.f1_score(truth, decided),
    }[name]


def test_dle_follows_the_error_into_cases_where_it_is_larger():
    random = np.random.default_rng(1)

    def drawn(rows: int, low: float) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
        load = random.uniform(low, 1, rows)
        shift = np.where(load > 0.5, "night", "day")
        truth = 10 * load + random.normal(0, 0.2 + 2 * load, rows)
        return pd.DataFrame({"load": load, "shift": shift}), 10 * load, truth

    reference = drawn(8000, 0.0)
    within = []
    for _ in range(8):
        rows, prediction, truth = drawn(1000, 0.6)
        mae, rmse = dle(*reference, rows, prediction)
        within += [mae.low <= np.abs(truth - prediction).mean() <= mae.high]
        within += [rmse.low <= np.sqrt(((truth - prediction) ** 2).mean()) <= rmse.high]
        assert mae.value > 1.2 * np.abs(reference[2] - reference[1]).mean()
    assert np.mean(within) >= 0.85


def test_too_little_to_learn_from_gives_no_estimate():
    few = np.linspace(0, 1, 50)
    assert cbpe(few, (few > 0.5).astype(float), few) == []
    assert cbpe(np.linspace(0, 1, 500), np.zeros(500), few) == []
    assert dle(pd.DataFrame({"x": few}), few, few, pd.DataFrame({"x": few}), few) == []
    assert performance("ranking", [], pd.DataFrame(), few, few, pd.DataFrame({"prediction": few}), []) == []


def test_what_errors_depend_on_is_learned_once_for_all_windows():
    random = np.random.default_rng(4)
    x = random.normal(size=300)
    before, missed = pd.DataFrame({"x": x}), np.abs(x)
    windows = [dle(before, x, x + missed, pd.DataFrame({"x": w}), w) for w in (x[:50], x[50:90], x[:50])]
    assert windows[0] == windows[2] != windows[1]
    fits = estimating._learned.cache_info()
    dle(before.copy(), x.copy(), x + missed, pd.DataFrame({"x": x}), x)
    assert estimating._learned.cache_info().misses == fits.misses
    dle(before, x, x + 2 * missed, pd.DataFrame({"x": x}), x)
    assert estimating._learned.cache_info().misses == fits.misses + 2
