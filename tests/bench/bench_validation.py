"""What evidence costs: against predicting the same rows, and against scikit-learn called for each resample.

`python tests/bench/bench_validation.py [ROWS] [--linear]` prints CPU seconds and ratios of the same run; `--coverage` runs
a thousand simulations for each metric, gap between groups and figure of a catalogue, and prints how many intervals held the
truth (`--coverage even` only those whose names hold the word); `--figures` two hundred
pairs of equal models, of a better and a worse one, and of one that is worse in a slice.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn.metrics as sk
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from jupyter_mlops.validation import judge_rows

COLUMNS = 40
RESAMPLES = 2000
SLICES = {"plant": 10, "shift": 3, "line": 4, "kind": 3}


def frame(rows: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, COLUMNS - len(SLICES)))
    found = pd.DataFrame(numbers, columns=[f"x{i}" for i in range(numbers.shape[1])])
    for name, kinds in SLICES.items():
        found[name] = random.integers(0, kinds, rows)
    chance = 1 / (1 + np.exp(-numbers[:, 0] - numbers[:, 1] * numbers[:, 2]))
    return found.assign(y=(random.random(rows) < chance).astype(int))


def spent(call: Callable[[], object]) -> tuple[float, object]:
    begun = time.process_time()
    answer = call()
    return time.process_time() - begun, answer


def one_resample(truth: np.ndarray, score: np.ndarray, groups: list[np.ndarray], seed: int) -> None:
    """What a person writes: draw rows, call scikit-learn for each metric, over all rows and in each slice."""
    random = np.random.default_rng(seed)
    for where in groups:
        drawn = where[random.integers(0, len(where), len(where))]
        y, s = truth[drawn], score[drawn]
        said = s > 0.5
        for metric in (sk.accuracy_score, sk.balanced_accuracy_score, sk.precision_score, sk.recall_score, sk.f1_score):
            metric(y, said)
        for metric in (sk.roc_auc_score, sk.log_loss, sk.brier_score_loss):
            metric(y, s)


def main(rows: int, linear: bool) -> None:
    learnt, judged = frame(20_000, 1), frame(rows, 2)
    features = [c for c in judged.columns if c != "y"]
    trees = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    model = (LogisticRegression(max_iter=500) if linear else trees).fit(learnt[features], learnt["y"])
    gates = [{"metric": "auc", "min": 0.5, "slices": list(SLICES)}]
    judge_rows(model, judged.head(3000), "y", gates=gates)  # imports and the resampling weights, once a process
    predicting, scores = spent(lambda: model.predict_proba(judged[features])[:, 1])
    whole, evidence = spent(lambda: judge_rows(model, judged, "y", gates=gates))
    truth = judged["y"].to_numpy()
    groups = [np.arange(rows)] + [np.flatnonzero(judged[c] == v) for c, n in SLICES.items() for v in range(n)]
    peer, _ = spent(lambda: one_resample(truth, scores, groups, 0))
    slices = len({e.slice for e in evidence.estimates}) - 1
    own = max(1e-9, whole - predicting)
    print(f"{rows:,} rows x {COLUMNS} columns, {slices} slices, {len(evidence.estimates)} intervals")
    print(f"predicting {predicting:.2f} CPU s; evidence, predicting included, {whole:.2f} CPU s")
    print(f"evidence / predicting = {whole / predicting:.2f} (to be under 4)")
    print(f"one resample by scikit-learn {peer:.2f} CPU s, {RESAMPLES} of them {peer * RESAMPLES:,.0f} CPU s (not run)")
    print(f"scikit-learn by resample / evidence without predicting = {peer * RESAMPLES / own:,.0f} (to be over 10)")


def figures() -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "validation"))
    import test_validation_comparing as simulated

    print(f"false promotions of 200 equal pairs: {simulated.falsely_promoted(200)} (at most 10)", flush=True)
    print(f"true improvements found of 200: {simulated.improvements_found(200)} (at least 160)", flush=True)
    for declared in (True, False):
        blocked = simulated.worse_slices_blocked(200, declared)
        print(
            f"worse slices of 200 blocked, {'declared' if declared else 'found'}: {blocked} (at least 190)", flush=True
        )


def coverage(words: list[str]) -> None:
    tests = Path(__file__).parents[1]
    sys.path[:0] = [str(tests / "stats"), str(tests / "validation")]
    import covering
    import test_stats_intervals as simulated

    simulated.SIMULATIONS = 1000
    asked = {family: partial(simulated.covered, family) for family in simulated.FAMILIES}
    asked |= {name: partial(covered, 1000) for name, covered in covering.COVERED.items()}
    for family, covered in asked.items():
        if any(word in family for word in words or [""]):
            for name, count in covered().items():
                print(f"{family:>24} {name:<30} {count / 10:.1f} %", flush=True)


if __name__ == "__main__":
    if "--coverage" in sys.argv:
        coverage([word for word in sys.argv[1:] if not word.startswith("-")])
    elif "--figures" in sys.argv:
        figures()
    else:
        numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
        main(numbers[0] if numbers else 1_000_000, "--linear" in sys.argv)
