"""Over windows without end, few of the alarms are false; a change is still found."""

import numpy as np

from jupyter_mlops.stats import benjamini_hochberg, online_level, simes


def _alarms(p_values: np.ndarray, rate: float = 0.05) -> np.ndarray:
    return np.array([p <= online_level(p_values[:i], rate) for i, p in enumerate(p_values)])


def test_without_a_change_few_histories_ever_raise_an_alarm():
    random = np.random.default_rng(0)
    raised = [_alarms(random.random(60)).any() for _ in range(150)]
    assert np.mean(raised) < 0.1  # at 5 % for each window, 95 of 100 would


def test_changes_are_found_and_few_alarms_are_false():
    random = np.random.default_rng(1)
    shares = []
    for _ in range(60):
        changed = random.random(60) < 0.3
        found = _alarms(np.where(changed, random.random(60) * 1e-5, random.random(60)))
        assert found[changed].mean() > 0.8
        shares.append((found & ~changed).sum() / max(1, found.sum()))
    assert np.mean(shares) < 0.05


def test_simes_is_below_the_level_exactly_when_benjamini_hochberg_rejects():
    random = np.random.default_rng(2)
    for _ in range(200):
        p_values = random.random(8) ** 3
        assert (simes(p_values) <= 0.05) == benjamini_hochberg(p_values, 0.05).any()
    assert simes(np.array([])) == 1.0
