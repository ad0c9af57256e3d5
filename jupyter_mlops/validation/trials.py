"""Gates that try the model out: on rows that were disturbed, against a clock, and on the scales."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.errors import BadInput, unknown
from jupyter_mlops.project import LatencyGate, RobustnessGate, SizeGate
from jupyter_mlops.records import GateResult, Verdict
from jupyter_mlops.stats import Metric, difference_of, intervals, wilson
from jupyter_mlops.validation.case import Case
from jupyter_mlops.validation.judged import Judged
from jupyter_mlops.validation.preparing import FEWEST

Floats = NDArray[np.float64]
MOST_ROWS = 20_000
_CALLS = 100
_SECONDS = 5.0
_MAIN = {"regression": "mae", "ranking": "ndcg@10"}
NEVER_SEEN = "(never seen)"


def robustness_gate(gate: RobustnessGate, case: Case) -> list[GateResult]:
    """What the metric loses on disturbed rows, as a share of its value on the rows as they are, paired."""
    metric = _metric_of(gate, case.judged)
    judged, rows, scores = _some(case)
    results = []
    for name, disturbed in _disturbed(gate, rows, case.judge.features(rows), case.seed):
        title = f"robustness of {metric.name} to {name}"
        try:
            changed = case.judge.ask(disturbed).on(judged.classes)
        except BadInput as refusal:
            said = f"with {name} the model gives no usable answer: {refusal.message}"
            results.append(GateResult(gate=title, verdict="fail", sentence=said))
            continue
        results.append(_loss(title, name, gate.loses, metric, judged, scores, changed, case.seed))
    missing = [c for c in [*gate.permuted, *gate.out_of_range] if c not in rows.columns]
    return results + [
        GateResult(gate=f"robustness to {c}", verdict="not run", sentence=f"the rows have no column {c!r}")
        for c in missing
    ]


def _metric_of(gate: RobustnessGate, judged: Judged) -> Metric:
    main = "auc" if len(judged.classes) == 2 else "accuracy"
    name = gate.metric or _MAIN.get(judged.task, main)
    found = {m.name: m for m in judged.metrics if m.higher is not None}
    if name not in found:
        raise unknown("metric of a robustness gate", name, found)
    return found[name]


def _some(case: Case) -> tuple[Judged, pd.DataFrame, Floats]:
    """At most so many rows, whole entities first: a trial answers each row again."""
    count = len(case.judged.truth)
    if count <= MOST_ROWS:
        return case.judged, case.judged.rows, case.scores
    random = np.random.default_rng(case.seed)
    if case.judged.units is None:
        where = random.permutation(count) < MOST_ROWS
    else:
        wanted = case.judged.count * MOST_ROWS // count
        where = (random.permutation(case.judged.count) < max(FEWEST, wanted))[case.judged.units]
    return case.judged.take(where), case.judged.rows[where], case.scores[where]


def _disturbed(
    gate: RobustnessGate, rows: pd.DataFrame, features: list[str], seed: int
) -> Iterator[tuple[str, pd.DataFrame]]:
    random = np.random.default_rng(seed)
    numbers = [c for c in features if c in rows and rows[c].dtype.kind in "iuf"]
    if gate.noise is not None:
        noisy = {
            c: rows[c].astype(float) + random.normal(0, 1, len(rows)) * gate.noise * rows[c].std() for c in numbers
        }
        yield f"noise of {gate.noise:g} standard deviations", rows.assign(**noisy)
    if gate.missing is not None:
        holes = {c: _with_holes(rows[c], random.random(len(rows)) < gate.missing) for c in features if c in rows}
        yield f"{gate.missing:.0%} of values missing", rows.assign(**holes)
    for column in gate.permuted:
        if column in rows:
            yield (
                f"column {column} shuffled",
                rows.assign(**{column: rows[column].to_numpy()[random.permutation(len(rows))]}),
            )
    for column in gate.out_of_range:
        if column in rows:
            yield f"column {column} out of range", rows.assign(**{column: _outside(rows[column])})


def _with_holes(column: pd.Series[Any], holes: NDArray[np.bool_]) -> Any:
    return (column.astype(float) if column.dtype.kind in "iufb" else column.astype(object)).mask(holes)


def _outside(column: pd.Series[Any]) -> Any:
    """Numbers a whole range beyond the largest and below the smallest, by turns; another value where there are no numbers."""
    if column.dtype.kind not in "iuf":
        return NEVER_SEEN
    width = float(column.max() - column.min()) or 1.0
    above = np.arange(len(column)) % 2 == 0
    return np.where(above, float(column.max()) + width, float(column.min()) - width)


def _loss(
    title: str, name: str, most: float, metric: Metric, judged: Judged, before: Floats, after: Floats, seed: int
) -> GateResult:
    sums = judged.sums(metric, before, after)
    k = sums.per.shape[1] // 2
    value = float(metric.combine(sums.per[:, :k].sum(axis=0)))
    answer = intervals([(sums, difference_of(metric.combine, k))], seed=seed)[0]
    sign = 1.0 if metric.higher else -1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        low, lost, high = np.sort(sign * np.array([answer.low, answer.value, answer.high]) / abs(value))
    verdict: Verdict = "inconclusive"
    if answer.n >= FEWEST:
        verdict = "pass" if high <= most else "fail" if low > most else "inconclusive"
    said = f"with {name} {metric.name} loses {lost:.1%} ({low:.1%} to {high:.1%}) of its value {value:.3g}"
    said += f", at most {most:.1%} is asked"
    if answer.n < FEWEST:
        said += f"; {answer.n} cases are too few to tell"
    figures = {"value": lost, "low": low, "high": high, "n": answer.n, "limit": most}
    known = {k: v if np.isfinite(v) else None for k, v in figures.items()}
    return GateResult(gate=title, verdict=verdict, sentence=said, figures=known)


def latency_gate(gate: LatencyGate, case: Case) -> list[GateResult]:
    """Whether 95 % of calls answer in time, by the share of up to a hundred calls that did. What the clock said is kept
    apart from the sentence, so that the same inputs give the same evidence."""
    rows = case.judged.rows.iloc[np.resize(np.arange(len(case.judged.rows)), gate.rows)]
    most = gate.max.total_seconds()
    case.judge.ask(rows)
    took: list[float] = []
    begun = time.perf_counter()
    while len(took) < _CALLS and (time.perf_counter() - begun < _SECONDS or len(took) < 3):
        start = time.perf_counter()
        case.judge.ask(rows)
        took.append(time.perf_counter() - start)
    low, high = wilson(float(np.mean(np.array(took) <= most)), len(took))
    verdict: Verdict = "pass" if low >= 0.95 else "fail" if high < 0.95 else "inconclusive"
    what = "one row" if gate.rows == 1 else f"{gate.rows:,} rows"
    case.timings[f"seconds for {what}, 95 % of calls within"] = float(np.quantile(took, 0.95))
    words = {"pass": "do", "fail": "do not", "inconclusive": "could not be shown to"}
    said = f"95 % of answers to {what} {words[verdict]} come within {most * 1000:g} ms"
    figures = {"limit": most, "rows": gate.rows}
    return [GateResult(gate=f"latency of {what}", verdict=verdict, sentence=said, figures=figures)]


def size_gate(gate: SizeGate, case: Case) -> list[GateResult]:
    """The model's files, in megabytes."""
    if case.judge.size is None:
        return [GateResult(gate="size", verdict="not run", sentence="size was not judged: the model has no files")]
    size = case.judge.size / 1e6
    said = f"the model's files take {size:.3g} MB, at most {gate.max_mb:g} are asked"
    verdict: Verdict = "pass" if size <= gate.max_mb else "fail"
    return [GateResult(gate="size", verdict=verdict, sentence=said, figures={"value": size, "limit": gate.max_mb})]
