"""Gates: what must hold before a version may be promoted. An answer rests on an interval, never on a point.

An absolute limit passes when the pessimistic end of the interval clears it, fails when even the optimistic end does not,
and is inconclusive between: more rows would settle it. Inconclusive never promotes.
"""

from __future__ import annotations

import numpy as np

from jupyter_mlops.errors import unknown
from jupyter_mlops.project import Gate
from jupyter_mlops.records import Comparison, Estimate, GateResult, Verdict
from jupyter_mlops.stats import HIGHER_IS_BETTER
from jupyter_mlops.validation.fairness import fairness_gate
from jupyter_mlops.validation.measure import FEWEST, Judged


def judge(
    gates: list[Gate],
    judged: Judged,
    prediction: np.ndarray[tuple[int], np.dtype[np.float64]],
    estimates: list[Estimate],
    comparisons: list[Comparison],
    seed: int,
) -> list[GateResult]:
    """One result for each condition of each gate, in the file's order."""
    results: list[GateResult] = []
    for gate in gates:
        if gate.fairness:
            results.append(fairness_gate(gate.fairness, judged, prediction, seed))
            continue
        assert gate.metric
        if gate.metric not in HIGHER_IS_BETTER:
            raise unknown("metric of a gate", gate.metric, HIGHER_IS_BETTER)
        wanted = [e for e in estimates if e.metric == gate.metric and _in_scope(e.slice, gate.slices)]
        results += [limit for e in wanted for limit in _limits(gate, e)]
        if not any(not e.slice for e in wanted):
            results.append(_not_run(gate.metric, "it has no value on these rows"))
        if gate.versus_champion:
            results.append(_versus(gate, comparisons))
    return results


def _in_scope(name: str, columns: list[str]) -> bool:
    return not name or name.partition("=")[0] in columns


def _limits(gate: Gate, e: Estimate) -> list[GateResult]:
    results = []
    if gate.min is not None:
        results.append(_limit(e, gate.min, clears=e.low >= gate.min, misses=e.high < gate.min, word="at least"))
    if gate.max is not None:
        results.append(_limit(e, gate.max, clears=e.high <= gate.max, misses=e.low > gate.max, word="at most"))
    return results


def _limit(e: Estimate, limit: float, *, clears: bool, misses: bool, word: str) -> GateResult:
    few = e.n < FEWEST
    verdict: Verdict = "inconclusive" if few or not (clears or misses) else "pass" if clears else "fail"
    where = f" for {e.slice}" if e.slice else ""
    said = f"{e.metric}{where} is {e.value:.3g} ({e.low:.3g} to {e.high:.3g}), {word} {limit:g} is asked"
    if few:
        said += f"; {e.n} cases are too few to tell"
    elif verdict == "inconclusive":
        said += "; the interval spans the limit"
    figures = {"value": e.value, "low": e.low, "high": e.high, "n": e.n, "limit": limit, "slice": e.slice}
    return GateResult(gate=f"{e.metric} {word} {limit:g}{where}", verdict=verdict, sentence=said, figures=figures)


def _versus(gate: Gate, comparisons: list[Comparison]) -> GateResult:
    assert gate.versus_champion
    name = f"{gate.metric} versus champion"
    found = next((c for c in comparisons if c.metric == gate.metric), None)
    if found is None:
        return GateResult(gate=name, verdict="pass", sentence="there is no other champion to be held against yet")
    verdicts: dict[str, Verdict] = {
        "better": "pass",
        "not worse": "pass",
        "worse": "fail",
        "inconclusive": "inconclusive",
    }
    words = {
        "better": "better than",
        "not worse": f"not worse by more than {gate.versus_champion.not_worse_by:.0%} than",
        "worse": "worse than",
        "inconclusive": "not told apart from",
    }
    said = (
        f"{gate.metric} is {words[found.verdict]} champion version {found.champion_version} on the same {found.n} cases: "
        f"{found.difference:+.3g} ({found.low:+.3g} to {found.high:+.3g})"
    )
    if found.rows_needed:
        said += f"; about {found.rows_needed:,} cases would settle it"
    figures = {"difference": found.difference, "low": found.low, "high": found.high, "n": found.n}
    return GateResult(gate=name, verdict=verdicts[found.verdict], sentence=said, figures=figures)


def _not_run(metric: str, why: str) -> GateResult:
    return GateResult(gate=metric, verdict="not run", sentence=f"{metric} was not judged: {why}")
