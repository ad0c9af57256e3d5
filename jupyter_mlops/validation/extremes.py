"""Gates on the single worst row. What is rarer than one row in the sample was not seen, so there is no interval; that so many
rows were all within the limit bounds the share of those that are not, which is what such a gate answers with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jupyter_mlops.project import Gate
from jupyter_mlops.records import GateResult, Verdict
from jupyter_mlops.stats import Metric
from jupyter_mlops.validation.case import Case
from jupyter_mlops.validation.preparing import FEWEST

_DOUBT = 0.05


def extreme_gate(gate: Gate, metric: Metric, case: Case) -> list[GateResult]:
    """By what was seen: a limit that was crossed once is crossed."""
    everywhere = np.ones(len(case.scores), dtype=bool)
    groups = [("", everywhere), *((n, w) for n, w in case.groups if n.partition("=")[0] in gate.slices)]
    sides = [("at most", gate.max), ("at least", gate.min)]
    found = [
        _limit(metric, case, name, where, word, asked)
        for name, where in groups
        for word, asked in sides
        if asked is not None
    ]
    missing = [c for c in gate.slices if c not in case.judged.rows.columns]
    found += [_not_run(f"{metric.name} by {c}", f"the rows have no column {c!r}") for c in missing]
    if gate.versus_champion:
        why = "it is that of one row, so no interval tells two models apart"
        found.append(_not_run(f"{metric.name} versus champion", why))
    return found


def _limit(metric: Metric, case: Case, name: str, where: NDArray[np.bool_], word: str, asked: float) -> GateResult:
    part, shown = case.judged.take(where), f" for {name}" if name else ""
    assert metric.whole is not None
    value = metric.whole(part.truth, case.scores[where], part.weight)
    held = value <= asked if word == "at most" else value >= asked
    verdict: Verdict = "fail" if not held else "inconclusive" if part.cases < FEWEST else "pass"
    beyond = 1 - _DOUBT ** (1 / max(1, part.cases))
    cases = f"these {part.cases:,} cases" if part.cases != 1 else "one case"
    said = f"{metric.name}{shown} is {value:.3g} in {cases}, {word} {asked:g} is asked"
    if held:
        said += (
            f"; it has no interval, what is sure (95 %) is that fewer than 1 case in {int(1 / beyond):,} is beyond that"
        )
    if held and verdict == "inconclusive":
        said += ", which is too few to tell"
    figures = {"value": value, "n": part.cases, "limit": asked, "slice": name, "share_beyond": beyond}
    return GateResult(gate=f"{metric.name} {word} {asked:g}{shown}", verdict=verdict, sentence=said, figures=figures)


def _not_run(gate: str, why: str) -> GateResult:
    return GateResult(gate=gate, verdict="not run", sentence=f"{gate} was not judged: {why}")
