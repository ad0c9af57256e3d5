"""Every metric equals scikit-learn's; every distance equals scipy's; intervals cover."""

from itertools import permutations

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

from jupyter_mlops.stats import (
    CLASSIFICATION,
    REGRESSION,
    benjamini_hochberg,
    chi_square,
    higher_is_better,
    interval,
    jensen_shannon,
    kolmogorov_smirnov,
    paired_interval,
    ranking_at,
    wasserstein,
)
from jupyter_mlops.stats.distances import _upper_gamma
from jupyter_mlops.stats.ranking import average_precision, hit, ndcg, precision, recall

SKLEARN = {
    "mae": sk.mean_absolute_error,
    "rmse": sk.root_mean_squared_error,
    "r2": sk.r2_score,
    "accuracy": lambda y, s: sk.accuracy_score(y, s > 0.5),
    "auc": sk.roc_auc_score,
    "f1": lambda y, s: sk.f1_score(y, s > 0.5),
    "log_loss": sk.log_loss,
    "brier": sk.brier_score_loss,
    "balanced_accuracy": lambda y, s: sk.balanced_accuracy_score(y, s > 0.5),
    "precision": lambda y, s: sk.precision_score(y, s > 0.5, zero_division=np.nan),
    "recall": lambda y, s: sk.recall_score(y, s > 0.5),
    "specificity": lambda y, s: sk.recall_score(y, s > 0.5, pos_label=0),
    "mcc": lambda y, s: sk.matthews_corrcoef(y, s > 0.5),
    "average_precision": sk.average_precision_score,
}


def _value(metric, truth, predicted):
    return float(metric.combine(metric.parts(truth, predicted).sum(axis=0)))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(3, 200), offset=st.sampled_from([0, 1e6, -50]))
def test_regression_metrics_are_scikit_learns(seed, rows, offset):
    random = np.random.default_rng(seed)
    truth, predicted = random.normal(offset, 2, rows), random.normal(offset, 3, rows)
    for metric in REGRESSION[:3]:
        assert _value(metric, truth, predicted) == pytest.approx(SKLEARN[metric.name](truth, predicted), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(4, 200), levels=st.sampled_from([3, 10, 10_000]))
def test_classification_metrics_are_scikit_learns(seed, rows, levels):
    random = np.random.default_rng(seed)
    truth = random.permutation(np.r_[0.0, 1.0, random.integers(0, 2, rows)])
    score = random.integers(0, levels, len(truth)) / levels
    for metric in (m for m in CLASSIFICATION if m.name in SKLEARN):
        expected = SKLEARN[metric.name](truth, score)
        assert _value(metric, truth, score) == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([2, 5, 1000]))
def test_ranking_metrics_are_scikit_learns_ties_and_all(seed, levels):
    random = np.random.default_rng(seed)
    entity = random.integers(0, 6, 120)
    truth = random.integers(0, 2, 120).astype(float)
    score = random.integers(0, levels, 120) / levels
    found = ndcg(truth, score, entity.astype(np.int64))
    for one in range(6):
        rows = entity == one
        if truth[rows].any() and rows.sum() > 1:
            assert found[one] == pytest.approx(sk.ndcg_score([truth[rows]], [score[rows]], k=10), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([2, 5, 1000]), k=st.sampled_from([1, 3, 5, 20, 500]))
def test_graded_gains_are_scikit_learns_at_any_k(seed, levels, k):
    random = np.random.default_rng(seed)
    entity = np.arange(120) % 6
    truth = random.choice([0, 0, 0, 0.5, 1, 2, 4], 120)
    score = random.integers(0, levels, 120) / levels
    found = ndcg(truth, score, entity, k)
    for one in range(6):
        rows = entity == one
        if truth[rows].any():
            assert found[one] == pytest.approx(sk.ndcg_score([truth[rows]], [score[rows]], k=k), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    truth=st.lists(st.sampled_from([0.0, 0.0, 1.0, 3.0]), min_size=2, max_size=6), data=st.data(), k=st.integers(1, 7)
)
def test_the_first_k_are_the_mean_over_every_order_of_a_tie(truth, data, k):
    score = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(truth), max_size=len(truth))), dtype=float)
    yes = np.array(truth) > 0
    found = [
        float(m(np.array(truth), score, np.zeros(len(truth), dtype=np.int64), k)[0]) for m in (precision, recall, hit)
    ]
    if not yes.any():
        assert np.isnan(found).all()
        return
    orders = [o for o in map(list, permutations(range(len(truth)))) if (np.diff(score[o]) <= 0).all()]
    hits = np.array([yes[o[:k]].sum() for o in orders])
    assert found == pytest.approx([hits.mean() / k, hits.mean() / yes.sum(), (hits > 0).mean()], abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([3, 1000]))
def test_average_precision_counts_every_grade_above_none(seed, levels):
    random = np.random.default_rng(seed)
    truth, score = random.choice([0.0, 0.0, 1.0, 3.0], 40), random.integers(0, levels, 40) / levels
    [found] = average_precision(truth, score, np.zeros(40, dtype=np.int64))
    if truth.any():
        assert found == pytest.approx(sk.average_precision_score(truth > 0, score), rel=1e-9)


def test_precision_and_recall_of_the_first_ten():
    truth, score, entity = np.r_[np.ones(3), np.zeros(17)], -np.arange(20.0), np.zeros(20, dtype=np.int64)
    assert [float(m(truth, score, entity)[0]) for m in (ndcg, precision, recall, hit)] == [1.0, 0.3, 1.0, 1.0]


def test_an_entity_with_nothing_relevant_has_no_value():
    for metric in (ndcg, precision, recall, hit, average_precision):
        assert np.isnan(metric(np.zeros(5), np.arange(5.0), np.zeros(5, dtype=np.int64))).all()
        assert metric(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64)).shape == (0,)


@pytest.mark.parametrize("name", ["ndcg@5", "map@3", "hit@1", "coverage@7", "mae", "auc"])
def test_a_metric_has_a_direction(name: str):
    assert higher_is_better(name) is (name != "mae")


@pytest.mark.parametrize("name", ["ndcg@0", "ndcg@", "ndcg", "ndcg@-3", "ndcg@ten", "hits@3", "mae@5", "bias", "@5"])
def test_what_is_no_metric_has_none(name: str):
    assert higher_is_better(name) is None
    assert ranking_at(name) is None


def test_a_paired_difference_is_far_sharper_than_two_intervals():
    random = np.random.default_rng(0)
    y = random.normal(size=500)
    old = y + random.normal(size=500)
    new = old * 0.98 + y * 0.02
    mae = REGRESSION[0]
    paired = paired_interval(mae.parts(y, new), mae.parts(y, old), mae.combine)
    alone = interval(mae.parts(y, old), mae.combine)
    assert paired.high < 0
    assert paired.high - paired.low < (alone.high - alone.low) / 5


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), values=st.sampled_from([2, 7, 60]))
def test_distances_of_counted_values_are_scipys(seed, values):
    random = np.random.default_rng(seed)
    a, b = random.integers(0, values, 400), random.integers(0, values, 300) // 2
    p, q = (np.bincount(x, minlength=values).astype(float) for x in (a, b))
    gap, p_value = kolmogorov_smirnov(p, q)
    expected = stats.ks_2samp(a, b, method="asymp")
    assert gap == pytest.approx(expected.statistic, abs=1e-12)
    assert p_value == pytest.approx(stats.kstwobign.sf(gap * np.sqrt(400 * 300 / 700)), abs=1e-9)
    assert wasserstein(p, q, np.arange(values)) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-9)
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)
    held = (p + q) > 0
    if held.sum() > 1:
        statistic, p_chi = chi_square(p, q)
        other = stats.chi2_contingency(np.stack([p, q])[:, held], correction=False)
        assert statistic == pytest.approx(other.statistic, rel=1e-9)
        assert p_chi == pytest.approx(other.pvalue, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("a", [0.5, 1, 4.5, 30, 500])
@pytest.mark.parametrize("x", [1e-6, 0.3, 2, 29, 480, 800])
def test_the_gamma_function_is_scipys(a: float, x: float):
    assert _upper_gamma(a, x) == pytest.approx(special.gammaincc(a, x), rel=1e-8, abs=1e-14)


def test_false_discoveries_are_held_down():
    random = np.random.default_rng(0)
    assert benjamini_hochberg(np.r_[1e-9, 1e-8, random.uniform(0.2, 1, 50)], 0.05).sum() == 2
    assert benjamini_hochberg(np.array([]), 0.05).sum() == 0
    expected = stats.false_discovery_control(np.array([0.001, 0.04, 0.03, 0.2])) <= 0.05
    assert (benjamini_hochberg(np.array([0.001, 0.04, 0.03, 0.2]), 0.05) == expected).all()
