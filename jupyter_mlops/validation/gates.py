"""Gates: what must hold before a version may be promoted. An answer rests on an interval, never on a point.

An absolute limit passes when the pessimistic end of the interval clears it, fails when even the optimistic end does not,
and is inconclusive between: more rows would settle it. Inconclusive never promotes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.project import Gate
from jupyter_mlops.records import Comparison, Estimate, GateResult, Verdict
from jupyter_mlops.stats import at_k
from jupyter_mlops.validation.case import Case
from jupyter_mlops.validation.extremes import extreme_gate
from jupyter_mlops.validation.fairness import fairness_gate
from jupyter_mlops.validation.preparing import FEWEST
from jupyter_mlops.validation.provenance import freshness_gate, leakage_gate, quality_gate
from jupyter_mlops.validation.trials import latency_gate, robustness_gate, size_gate

_WORDS = {"worse": "worse than", "inconclusive": "not told apart from", "better": "better than"}


def judge(gates: list[Gate], case: Case) -> list[GateResult]:
    """One result for each condition of each gate, in the file's order."""
    return [result for gate in gates for result in _judge(gate, case)]


def _judge(gate: Gate, case: Case) -> list[GateResult]:
    if gate.metric:
        return _metric(gate, gate.metric, case)
    if gate.fairness:
        return [fairness_gate(gate.fairness, case.judged, case.fairness, case.scores, case.seed)]
    if gate.calibration:
        return _calibration(gate.calibration.max, case)
    for spec, answer in _others(gate):
        if spec is not None:
            return answer(spec, case)
    raise AssertionError("a gate names one condition")


def _others(gate: Gate) -> list[tuple[object, Callable[..., list[GateResult]]]]:
    return [
        (gate.robustness, robustness_gate),
        (gate.latency, latency_gate),
        (gate.size, size_gate),
        (gate.quality, quality_gate),
        (gate.leakage, leakage_gate),
        (gate.freshness, freshness_gate),
    ]


def _metric(gate: Gate, metric: str, case: Case) -> list[GateResult]:
    results: list[GateResult] = []
    worst = next((m for m in case.judged.metrics if m.name == metric and m.extreme), None)
    if worst is not None:
        return extreme_gate(gate, worst, case)
    missing = [c for c in gate.slices if c not in case.judged.rows.columns]
    wanted = [e for e in case.estimates if e.metric == metric and _in_scope(e.slice, gate.slices)]
    results += [limit for e in wanted for limit in _limits(gate, e)]
    if not any(not e.slice for e in wanted):
        results.append(_not_run(metric, _why_no_value(metric, case)))
    if gate.min is not None or gate.max is not None:
        results += _without_value(gate, wanted, case)
    results += [_not_run(f"{metric} by {c}", f"the rows have no column {c!r}") for c in missing]
    if gate.versus_champion:
        results += _versus(gate, case)
    return results


def _in_scope(name: str, columns: list[str]) -> bool:
    return not name or name.partition("=")[0] in columns


def _why_no_value(metric: str, case: Case) -> str:
    known = [m.name for m in case.judged.metrics]
    if metric not in known and (case.judged.task != "ranking" or at_k(metric) is None):
        return f"it is no metric of this {case.judged.task}; those are {', '.join(known)}"
    return "it has no value on these rows"


def _without_value(gate: Gate, wanted: list[Estimate], case: Case) -> list[GateResult]:
    """Slices that are there, and in which the metric has no value: too few rows, or one class only."""
    valued = {e.slice for e in wanted}
    silent = [(name, where) for name, where in case.groups if _in_scope(name, gate.slices) and name not in valued]
    return [
        GateResult(
            gate=f"{gate.metric} for {name}",
            verdict="inconclusive",
            sentence=f"{gate.metric} for {name} cannot be told from {_rows_of(case, where)}",
            figures={"n": int(where.sum()), "slice": name},
        )
        for name, where in silent
    ]


def _rows_of(case: Case, where: NDArray[np.bool_]) -> str:
    n, outcomes = int(where.sum()), case.judged.truth[where]
    alike = case.judged.task == "classification" and n > 1 and not np.ptp(outcomes)
    return f"{n} row{'s' * (n != 1)}" + (f", all of class {case.judged.classes[int(outcomes[0])]}" if alike else "")


def _limits(gate: Gate, e: Estimate) -> list[GateResult]:
    results = []
    if gate.min is not None:
        results.append(limit(e, gate.min, clears=e.low >= gate.min, misses=e.high < gate.min, word="at least"))
    if gate.max is not None:
        results.append(limit(e, gate.max, clears=e.high <= gate.max, misses=e.low > gate.max, word="at most"))
    return results


def limit(e: Estimate, asked: float, *, clears: bool, misses: bool, word: str) -> GateResult:
    few = e.n < FEWEST
    verdict: Verdict = "inconclusive" if few or not (clears or misses) else "pass" if clears else "fail"
    where = f" for {e.slice}" if e.slice else ""
    said = f"{e.metric}{where} is {e.value:.3g} ({e.low:.3g} to {e.high:.3g}), {word} {asked:g} is asked"
    if few:
        said += f"; {e.n} case{'s are' if e.n != 1 else ' is'} too few to tell"
    elif verdict == "inconclusive":
        said += "; the interval spans the limit"
    figures = {"value": e.value, "low": e.low, "high": e.high, "n": e.n, "limit": asked, "slice": e.slice}
    return GateResult(gate=f"{e.metric} {word} {asked:g}{where}", verdict=verdict, sentence=said, figures=figures)


def _calibration(most: float, case: Case) -> list[GateResult]:
    e = next((e for e in case.estimates if e.metric == "ece" and not e.slice), None)
    if e is None:
        return [_not_run("calibration", "the model gives no probabilities")]
    return [limit(e, most, clears=e.high <= most, misses=e.low > most, word="at most")]


def _versus(gate: Gate, case: Case) -> list[GateResult]:
    found = [c for c in case.comparisons if c.metric == gate.metric and _in_scope(c.slice, gate.slices)]
    if not found and case.rivalled:
        return [_not_run(f"{gate.metric} versus champion", "it cannot be held against a champion's on these rows")]
    if not found:
        said = "there is no other champion to be held against yet"
        return [GateResult(gate=f"{gate.metric} versus champion", verdict="pass", sentence=said)]
    return [*(_held_against(gate, c) for c in found), *_unnamed(gate, case)]


def _held_against(gate: Gate, c: Comparison) -> GateResult:
    rule = gate.versus_champion
    assert rule
    verdict = _passes(rule.better_by, c)
    words = _WORDS.get(c.verdict, f"not worse by more than {rule.not_worse_by or 0:.0%} than")
    where = f" for {c.slice}" if c.slice else ""
    said = (
        f"{c.metric}{where} is {words} champion version {c.champion_version} on the same {c.n} cases: "
        f"{c.difference:+.3g} ({c.low:+.3g} to {c.high:+.3g})"
    )
    if c.n < FEWEST:
        said += f"; {c.n} cases are too few to tell"
    elif c.rows_needed:
        said += f"; about {c.rows_needed:,} cases would settle it, {c.rows_more:,} more"
    elif verdict == "fail" and c.verdict != "worse":
        said += f"; a gain of {rule.better_by:.0%} is ruled out"
    figures = {
        "difference": c.difference,
        "low": c.low,
        "high": c.high,
        "n": c.n,
        "slice": c.slice,
        "rows_needed": c.rows_needed,
        "rows_more": c.rows_more,
        "detectable": c.detectable,
    }
    return GateResult(gate=f"{c.metric} versus champion{where}", verdict=verdict, sentence=said, figures=figures)


def _passes(better_by: float | None, c: Comparison) -> Verdict:
    """What was asked decides: not to lose, or to gain."""
    if better_by is None:
        answers: dict[str, Verdict] = {"better": "pass", "not worse": "pass", "worse": "fail"}
        return answers.get(c.verdict, "inconclusive")
    hopeless = c.n >= FEWEST and c.champion is not None and c.high < better_by * abs(c.champion)
    if c.verdict == "worse" or hopeless:
        return "fail"
    return "pass" if c.verdict == "better" else "inconclusive"


def _unnamed(gate: Gate, case: Case) -> list[GateResult]:
    """Slices nobody declared in which the challenger errs more than the champion, by more than chance and the margin."""
    name = f"{gate.metric} versus champion in slices nobody named"
    if not case.looked:
        return []
    worse = [f for f in case.found if f.kind == "versus champion"]
    if not worse:
        said = f"in none of the {case.looked} slices looked at was the challenger found worse than the champion"
        return [GateResult(gate=name, verdict="pass", sentence=said, figures={"looked": case.looked})]
    worst = worse[0]
    said = (
        f"the challenger is worse than the champion where {worst.slice}: {worst.loss} {worst.value:.3g} against "
        f"{worst.rest:.3g} ({worst.n} cases, p {worst.p_value:.2g} after {worst.looked} looks)"
    )
    figures = {"value": worst.value, "champion": worst.rest, "low": worst.low, "high": worst.high, "n": worst.n}
    return [GateResult(gate=name, verdict="fail", sentence=said, figures={**figures, "slice": worst.slice})]


def _not_run(metric: str, why: str) -> GateResult:
    return GateResult(gate=metric, verdict="not run", sentence=f"{metric} was not judged: {why}")
