"""Intervals cover what they claim to, for every metric of every task, on rows, on entities and in buckets; metrics equal
scikit-learn's with weights and with many classes."""

from itertools import permutations

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from jupyter_mlops.stats import (
    CLASSIFICATION,
    MULTICLASS,
    RANKING,
    REGRESSION,
    Sums,
    beside,
    bucketed,
    by_unit,
    coverage,
    few,
    first,
    holm,
    interval,
    intervals,
    stratified,
    unlike_pairs,
    wilson,
)
from jupyter_mlops.stats.ranking import average_precision, reciprocal_rank

SIMULATIONS = 400  # `bench_validation.py --coverage` runs a thousand


def _numbers(random, n):
    x = random.normal(size=n)
    return x + random.normal(size=n), x + 0.3 * random.normal(size=n)


def _two(random, n):
    y = (random.random(n) < 0.3).astype(float)
    return y, special.expit(1.5 * (2 * y - 1) - 0.8 + 1.3 * random.normal(size=n))


def _four(random, n):
    y = random.choice(4, n, p=[0.4, 0.3, 0.2, 0.1]).astype(float)
    z = random.normal(size=(n, 4))
    z[np.arange(n), y.astype(int)] += 1.3
    return y, special.softmax(z, axis=1)


def _lists(random, n, each=15):
    y = (random.random(n * each) < 0.2).astype(float)
    return y, y + random.normal(size=n * each) * 1.2, np.repeat(np.arange(n), each)


FAMILIES = {"numbers": (REGRESSION, _numbers), "two": (CLASSIFICATION, _two), "four": (MULTICLASS, _four)}
FAMILIES["lists"] = (RANKING, _lists)


def _parts(metric, drawn):
    parts = metric.parts(*drawn)
    return parts[parts[:, 1] > 0] if metric in RANKING else parts


def covered(family: str) -> dict[str, int]:
    """For each metric, how many of the simulations had the truth in their interval."""
    metrics, draw = FAMILIES[family]
    random = np.random.default_rng(7)
    large = draw(random, 60_000 if family == "lists" else 400_000)
    known = {m.name: float(m.combine(_parts(m, large).sum(axis=0))) for m in metrics}
    found = dict.fromkeys(known, 0)
    for _ in range(SIMULATIONS):
        drawn = draw(random, 300)
        sums = [bucketed(_parts(m, drawn)) for m in metrics]
        asked = [(s, m.combine) for s, m in zip(sums, metrics, strict=True)]
        for m, s, i in zip(metrics, sums, intervals(asked), strict=True):
            low, high = i.low, i.high
            over = float(s.per[:, list(m.share)].sum())
            if m.share and few(i.value * over, over):
                low, high = wilson(i.value, over)
            found[m.name] += int(low <= known[m.name] <= high)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_intervals_of_every_metric_cover(family: str):
    low, high = 0.923 * SIMULATIONS, 0.98 * SIMULATIONS
    assert {name: count for name, count in covered(family).items() if not low <= count <= high} == {}


def test_rows_of_an_entity_are_not_independent():
    """As rows, an interval would cover half of the time; as entities, it covers."""
    random = np.random.default_rng(3)
    mae = REGRESSION[0]
    covered = {"rows": 0, "entities": 0}
    for _ in range(400):
        level = np.repeat(np.abs(random.normal(size=60)), 12)
        parts = mae.parts(np.zeros(720), level)
        found = {"rows": interval(parts, mae.combine)}
        found["entities"] = interval(by_unit(parts, np.repeat(np.arange(60), 12)), mae.combine)
        for name, i in found.items():
            covered[name] += i.low <= np.sqrt(2 / np.pi) <= i.high
    assert covered["rows"] < 250
    assert 368 <= covered["entities"] <= 394


def test_strata_of_which_so_many_were_drawn_are_held():
    """Three kinds that err very differently: as rows, an interval would be several times as wide as what is not known."""
    random = np.random.default_rng(3)
    mae, kind = REGRESSION[0], np.repeat([0, 1, 2], [100, 100, 50])
    covered, width = {"rows": 0, "strata": 0}, {"rows": 0.0, "strata": 0.0}
    for _ in range(150):
        error = np.array([1, 5, 20])[kind] + random.normal(size=250) * np.array([0.2, 1, 3])[kind]
        parts = mae.parts(np.zeros(250), error)
        for name, strata in (("rows", None), ("strata", stratified(parts, None, kind))):
            [i] = intervals([(Sums(parts, 250, strata), mae.combine)])
            covered[name] += i.low <= 6.4 <= i.high
            width[name] += i.high - i.low
    assert 136 <= covered["strata"] <= 149
    assert covered["rows"] == 150
    assert width["rows"] > 3 * width["strata"]


def test_held_strata_change_no_value_and_take_their_columns_along():
    random = np.random.default_rng(0)
    parts, kind = random.random((90, 3)), random.integers(0, 3, 90)
    sums = Sums(parts, 90, stratified(parts, None, kind))
    both = beside([sums.columns([0, 2]), sums.columns([1, 2])])
    [one, other] = intervals([(sums, lambda s: s[..., 1] / s[..., 2]), (both, lambda s: s[..., 2] / s[..., 3])])
    assert one.value == pytest.approx(parts[:, 1].sum() / parts[:, 2].sum())
    assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=1e-5)


def test_buckets_change_no_value_and_hardly_an_interval():
    random = np.random.default_rng(0)
    mae = REGRESSION[0]
    parts = mae.parts(random.normal(size=50_000), np.zeros(50_000))
    found = interval(parts, mae.combine)
    error = np.sqrt(1 - 2 / np.pi) / np.sqrt(50_000)
    assert found.value == pytest.approx(parts[:, 0].mean(), rel=1e-12)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.06)
    assert found.n == 50_000


def test_large_numbers_keep_their_interval():
    truth = np.random.default_rng(0).normal(1e30, 1e28, 200)
    rmse = REGRESSION[1]
    found = interval(rmse.parts(truth, np.full(200, 1e30)), rmse.combine)
    assert found.low < found.value < found.high


def test_all_right_is_not_certain():
    low, high = wilson(1.0, 100)
    assert (round(low, 3), high) == (0.963, 1.0)
    assert few(95, 100)
    assert not few(50, 100)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), weighted=st.booleans(), ties=st.booleans())
def test_metrics_of_many_classes_are_scikit_learns(seed, weighted, ties):
    random = np.random.default_rng(seed)
    n, k = 80, 4
    y = np.r_[np.arange(k), random.integers(0, k, n - k)].astype(float)
    p = special.softmax(random.integers(0, 3, (n, k)) if ties else random.normal(size=(n, k)), axis=1)
    w = random.random(n) + 0.1 if weighted else np.ones(n)
    said = p.argmax(axis=1)
    expected = {
        "accuracy": sk.accuracy_score(y, said, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(y, said, sample_weight=w),
        "precision_macro": sk.precision_score(y, said, average="macro", sample_weight=w, zero_division=0),
        "recall_macro": sk.recall_score(y, said, average="macro", sample_weight=w, zero_division=0),
        "f1_macro": sk.f1_score(y, said, average="macro", sample_weight=w, zero_division=0),
        "auc_ovr": sk.roc_auc_score(y, p, multi_class="ovr", sample_weight=w),
        "log_loss": sk.log_loss(y, p, sample_weight=w),
        "brier": sk.brier_score_loss(y, p, sample_weight=w),
    }
    for metric in MULTICLASS:
        if metric.name in expected:
            parts = metric.parts(y, p, weight=w) if metric.weighted else metric.parts(y, p) * w[:, None]
            assert float(metric.combine(parts.sum(axis=0))) == pytest.approx(expected[metric.name], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([3, 1000]))
def test_weighted_area_is_scikit_learns(seed, levels):
    random = np.random.default_rng(seed)
    y, s, w = np.r_[0.0, 1.0, random.integers(0, 2, 60)], random.integers(0, levels, 62) / levels, random.random(62)
    auc = next(m for m in CLASSIFICATION if m.name == "auc")
    value = float(auc.combine(auc.parts(y, s, weight=w).sum(axis=0)))
    assert value == pytest.approx(sk.roc_auc_score(y, s, sample_weight=w), abs=1e-9)
    precise = next(m for m in CLASSIFICATION if m.name == "average_precision")
    value = float(precise.combine(precise.parts(y, s, weight=w).sum(axis=0)))
    assert value == pytest.approx(sk.average_precision_score(y, s, sample_weight=w), abs=1e-9)


def test_influence_is_what_a_row_of_more_weight_changes():
    random = np.random.default_rng(1)
    y, s, w = np.r_[1.0, random.integers(0, 2, 39)], random.integers(0, 8, 40) / 8, random.random(40) + 0.1
    precise = next(m for m in CLASSIFICATION if m.name == "average_precision")
    influence = precise.parts(y, s, weight=w)[:, 0] / w.sum() / w
    for j in range(40):
        more = w + 1e-6 * (np.arange(40) == j)
        changed = sk.average_precision_score(y, s, sample_weight=more) - sk.average_precision_score(
            y, s, sample_weight=w
        )
        assert influence[j] == pytest.approx(changed / 1e-6, abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([2, 5, 1000]))
def test_average_precision_is_scikit_learns_ties_and_all(seed, levels):
    random = np.random.default_rng(seed)
    entity, truth = random.integers(0, 6, 120), random.integers(0, 2, 120).astype(float)
    score = random.integers(0, levels, 120) / levels
    found = average_precision(truth, score, entity)
    for one in range(6):
        rows = entity == one
        if truth[rows].any():
            expected = sk.average_precision_score(truth[rows], score[rows])
            assert found[one] == pytest.approx(expected, rel=1e-9)
            assert found[one] == pytest.approx(
                sk.label_ranking_average_precision_score([truth[rows]], [score[rows]]), rel=1e-9
            )


def test_average_precision_of_the_first_ten_by_hand():
    """Relevant at places 1, 3 and 12 of twenty: (1 + 2/3) / 3."""
    truth = np.zeros(20)
    truth[[0, 2, 11]] = 1
    [early] = average_precision(truth, -np.arange(20.0), np.zeros(20, dtype=np.int64), 10)
    assert early == pytest.approx((1 + 2 / 3) / 3)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([1, 2, 3, 1000]), k=st.integers(1, 6))
def test_the_first_relevant_place_is_the_mean_over_the_orders_of_ties(seed, levels, k):
    random = np.random.default_rng(seed)
    truth, score = random.integers(0, 2, 5), random.integers(0, levels, 5)
    [found] = reciprocal_rank(truth.astype(float), score / levels, np.zeros(5, dtype=np.int64), k)
    orders = [o for o in permutations(range(5)) if (np.diff(score[list(o)]) <= 0).all()]
    places = [next((i for i, row in enumerate(o) if truth[row]), None) for o in orders]
    expected = np.mean([1 / (p + 1) if p is not None and p < k else 0.0 for p in places]) if truth.any() else np.nan
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_what_is_shown_first_covers_and_mixes():
    entity = np.repeat([0, 1], 3)
    shown = first(np.array([1, 3, 2, 1, 1, 2.0]), entity, k=2)
    assert shown.tolist() == [False, True, True, True, False, True]
    item = np.array([0, 1, 2, 1, 0, 2])
    value, low, high = coverage(item[shown], entity[shown], 4, 1.96)
    assert (value, low, high) == (0.5, 0.5, 0.5)
    unlike, pairs = unlike_pairs(np.array([0, 1, 1, 2, 2, 2]), entity)
    assert (unlike.tolist(), pairs.tolist()) == ([2.0, 0.0], [3.0, 3.0])


def test_looking_more_often_corrects_more():
    p = np.array([0.01, 0.001])
    assert holm(p).tolist() == [0.01, 0.002]
    assert holm(p, looked=100).tolist() == pytest.approx([0.99, 0.1])


def test_few_rows_have_wide_intervals():
    sums = Sums(np.array([[1.0, 1.0], [3.0, 1.0]]), 2)
    [found] = intervals([(sums, lambda s: s[..., 0] / s[..., 1])])
    assert (found.low, found.high) == (1.0, 3.0)
