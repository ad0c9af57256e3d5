"""A comparison is not fooled by luck, finds what it says it would find, and lets no slice get worse under a better average."""

import numpy as np
import pytest
from answered import Numbers, judged_numbers
from sklearn.ensemble import RandomForestRegressor

from jupyter_mlops.errors import BadInput
from jupyter_mlops.validation import judge_rows

GAIN = {"metric": "mae", "versus_champion": {"better_by": "2%"}}
KEEP = {"metric": "mae", "versus_champion": {"not_worse_by": "5%"}}


def _held(rows, new, old, gate):
    """The champion's own answers are no column of the rows: where those are extreme, a champion errs most by construction."""
    shown = rows.drop(columns="said").assign(x=np.random.default_rng(99).normal(size=len(rows)))
    models = [Numbers(np.asarray(answers), features=("x",)) for answers in (new, old)]
    return judge_rows(models[0], shown, "y", champion=models[1], gates=[gate], explained=False)


def falsely_promoted(pairs: int) -> int:
    """Of pairs of one model trained with two seeds, how many times one was promoted over the other."""
    promoted = 0
    for i in range(pairs):
        random = np.random.default_rng(i)
        x, z = random.normal(size=(2, 1200, 4))
        y, w = (v[:, 0] * 2 + np.sin(v[:, 1] * 2) + v[:, 2] * v[:, 3] + random.normal(size=1200) for v in (x, z))
        a, b = (RandomForestRegressor(5, max_depth=6, random_state=s + 2 * i).fit(x, y).predict(z) for s in (0, 1))
        promoted += _held(judged_numbers(i, 1200).assign(y=w), a, b, GAIN).verdict == "pass"
    return promoted


def test_of_two_equal_models_trained_with_other_seeds_the_luckier_is_not_promoted():
    assert falsely_promoted(50) <= 3


def improvements_found(times: int) -> int:
    """How often a gain of the size the gate names is found, at the rows that evidence on 2,000 rows stated for it."""

    def challenged(seed: int, n: int):
        rows = judged_numbers(seed, n)
        noise = np.random.default_rng(seed + 10_000).normal(size=n)
        better = rows["y"] + (rows["said"] - rows["y"]) * 0.9 + noise * np.sqrt(0.98**2 - 0.81)
        return _held(rows, better.to_numpy(), rows["said"].to_numpy(), GAIN)

    stated = challenged(0, 2000).comparisons[0].rows_for_size
    assert 4000 < stated < 12_000
    return sum(challenged(seed, stated).verdict == "pass" for seed in range(1, times + 1))


def test_an_improvement_of_the_named_size_is_found_at_the_stated_rows():
    assert improvements_found(100) >= 80


def test_a_loss_beyond_the_margin_is_not_let_through():
    passed = 0
    for seed in range(60):
        rows = judged_numbers(seed, 800)
        noise = np.random.default_rng(seed + 10_000).normal(size=800)
        worse = rows["y"] + (rows["said"] - rows["y"]) * 0.9 + noise * np.sqrt(1.05**2 - 0.81)
        passed += _held(rows, worse.to_numpy(), rows["said"].to_numpy(), KEEP).verdict == "pass"
    assert passed <= 3


def worse_slices_blocked(times: int, declared: bool) -> int:
    """How often a slice of a twentieth of the rows that got worse, under a better average, was failed by name."""
    blocked = 0
    for seed in range(times):
        rows = judged_numbers(seed, 6000)
        inside = (rows["g"] == "c").to_numpy()
        noise = np.random.default_rng(seed + 10_000).normal(size=6000)
        new = np.where(inside, rows["said"] + noise, rows["y"] + (rows["said"] - rows["y"]) * 0.9)
        evidence = _held(rows, new, rows["said"].to_numpy(), {**KEEP, "slices": ["g"] if declared else []})
        assert evidence.comparisons[0].verdict == "better"
        blocked += any(g.figures["slice"] == "g=c" for g in evidence.gates if g.verdict == "fail")
    return blocked


@pytest.mark.parametrize("declared", [True, False])
def test_a_small_slice_that_got_worse_under_a_better_average_blocks(declared: bool):
    assert worse_slices_blocked(12, declared) == 12


def test_a_gain_that_is_ruled_out_fails():
    rows = judged_numbers(0, 5000)
    gate = {"metric": "mae", "versus_champion": {"better_by": "9%"}}
    evidence = _held(rows, rows["said"].to_numpy() * 0.9999, rows["said"].to_numpy(), gate)
    assert evidence.comparisons[0].verdict == "better"
    assert evidence.gates[0].verdict == "fail"
    assert "a gain of 9% is ruled out" in evidence.gates[0].sentence


def test_what_is_not_told_apart_says_how_many_more_rows():
    rows = judged_numbers(0, 200)
    noise = np.random.default_rng(1).normal(size=200) * 0.4
    comparison = _held(
        rows, rows["y"] + (rows["said"] - rows["y"]) * 0.9 + noise, rows["said"].to_numpy(), KEEP
    ).comparisons[0]
    assert comparison.verdict == "inconclusive"
    assert comparison.rows_more == comparison.rows_needed - 200 > 0


def test_the_very_same_answers_are_not_worse_and_no_better():
    rows = judged_numbers(0, 500)
    same = rows["said"].to_numpy()
    assert _held(rows, same, same, KEEP).comparisons[0].verdict == "not worse"
    assert _held(rows, same, same, GAIN).verdict != "pass"


def test_a_rule_names_one_margin():
    rows = judged_numbers(0, 50)
    with pytest.raises(BadInput, match="either `not_worse_by` or `better_by`"):
        _held(rows, rows["said"], rows["said"], {"metric": "mae", "versus_champion": {}})
