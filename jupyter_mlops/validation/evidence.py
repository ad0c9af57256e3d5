"""Evidence: everything a decision rests on, with a digest. The same inputs give the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd
import rfc8785
from numpy.typing import NDArray

from jupyter_mlops.errors import BadInput, unknown
from jupyter_mlops.project import Gate, Target
from jupyter_mlops.records import Comparison, Dataset, Estimate, Evidence, Explanation, GateResult
from jupyter_mlops.stats import at_k, gated_metrics, higher_is_better, is_extreme
from jupyter_mlops.validation.answering import Answers
from jupyter_mlops.validation.case import Case, Judge
from jupyter_mlops.validation.catalogue import Shelf, shelf_of
from jupyter_mlops.validation.comparing import compare
from jupyter_mlops.validation.drawing import drawings
from jupyter_mlops.validation.explaining import explain
from jupyter_mlops.validation.fairness import fairness_of
from jupyter_mlops.validation.finding import find, losses
from jupyter_mlops.validation.gates import judge
from jupyter_mlops.validation.judged import Judged
from jupyter_mlops.validation.measure import measure_all
from jupyter_mlops.validation.noting import notes
from jupyter_mlops.validation.preparing import GATED, named_metrics, prepare
from jupyter_mlops.validation.slicing import Slicing, slicings

Floats = NDArray[np.float64]
_MADE_WITH = ("jupyter_mlops", "numpy", "pandas", "scikit-learn", "shap")
_DIGITS = 12
_LARGEST_SEED = 2**53 - 1  # the largest whole number that canonical JSON writes exactly
_SLICE_MARGIN = 0.05
"""Two models are never alike everywhere: slices nobody named are held to the largest margin that is declared, at least this."""


def validate(
    target: Target,
    number: int,
    model: Any,
    rows: pd.DataFrame,
    dataset: Dataset,
    *,
    champion: tuple[int, Any] | None = None,
    training: pd.DataFrame | None = None,
    demanded: Sequence[tuple[str, Gate]] = (),
    explained: bool = True,
    seed: int = 0,
) -> Evidence:
    """Judge a version on rows it never saw, paired with the champion on the same rows if there is one.

    `demanded` are gates of policies beside the model's own, each with the stamp its answers bear.

    `model` and the champion's may each be a fitted model or a Judge. Raises BadInput when the rows or the model's answers
    cannot be judged at all.
    """
    if not 0 <= seed <= _LARGEST_SEED:
        raise BadInput(f"the seed {seed} is not from 0 to {_LARGEST_SEED}", "give a seed such as 0", field="seed")
    own, target = target.spec.gates, _with_gates(target, demanded)
    mine = model if isinstance(model, Judge) else Judge(model, target)
    rival = None if champion is None else champion[1] if isinstance(champion[1], Judge) else Judge(champion[1], target)
    _known_metrics(target)
    if not len(rows):
        prepare(target, rows)
    answers = _answers(target, mine, rows)
    old = None if rival is None or champion is None else _rival_answers(rival, champion[0], rows)
    judged = prepare(target, rows, _classes(answers, old))
    shelf = shelf_of(judged, target.spec.data, training)
    scores = answers.on(judged.classes)
    standing = None if old is None else old.on(judged.classes)
    many = _slicings(target, judged)
    groups = [group for slicing in many for group in slicing.groups()]
    case = Case(
        judge=mine,
        judged=judged,
        scores=scores,
        estimates=_estimates(target, judged, scores, answers.probabilities, many, shelf, seed),
        comparisons=_comparisons(target, judged, scores, standing, champion, groups, shelf, seed),
        fairness=fairness_of(judged, scores, target.spec.data.sensitive, seed),
        found=[],
        looked=0,
        training=training,
        seed=seed,
        rivalled=rival is not None,
        groups=groups,
    )
    _find(case, standing)
    told = notes(target, judged, answers, scores, groups)
    explanation = _explanation(case, rival, standing, told) if explained else None
    evidence = Evidence(
        model=target.name,
        version=number,
        task=target.spec.task,
        data=dataset,
        seed=seed,
        estimates=case.estimates,
        comparisons=case.comparisons,
        gates=[*judge(own, case), *(_stamped(stamp, r) for stamp, gate in demanded for r in judge([gate], case))],
        classes=judged.classes,
        design=judged.design,
        notes=told,
        found=case.found,
        fairness=case.fairness,
        explanation=explanation,
        model_digest=mine.digest,
        champion_digest=rival.digest if rival else "",
        made_with=_made_with(),
    )
    return _sealed(evidence, case.timings)


def _with_gates(target: Target, demanded: Sequence[tuple[str, Gate]]) -> Target:
    gates = [*target.spec.gates, *(gate for _, gate in demanded)]
    return Target(target.model, target.segment, target.spec.model_copy(update={"gates": gates}))


def _stamped(stamp: str, result: GateResult) -> GateResult:
    name = stamp.partition(" ")[0]
    return result.model_copy(update={"policy": stamp, "sentence": f"{result.sentence} (policy {name})"})


def digest(evidence: Evidence) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of everything but the digest itself."""
    return hashlib.sha256(rfc8785.dumps(evidence.model_dump(mode="json", exclude={"digest"}))).hexdigest()


def _sealed(evidence: Evidence, timings: dict[str, float]) -> Evidence:
    """Figures to twelve digits, since the thirteenth depends on the order in which a processor adds; drawings; digest."""
    rounded = Evidence.model_validate(_rounded(evidence.model_dump(mode="python")))
    figures = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in drawings(rounded).items()}
    whole = rounded.model_copy(update={"figures": figures, "timings": timings})
    return whole.model_copy(update={"digest": digest(whole)})


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _known_metrics(target: Target) -> None:
    """A word nobody knows is told before anything is computed, with the nearest that this task has."""
    for kind, name in named_metrics(target):
        if higher_is_better(name, target.spec.task) is None:
            _, k = at_k(name) or ("", 10)
            raise unknown(kind, name, gated_metrics(target.spec.task, k))
        if is_extreme(name) and kind != GATED:
            raise BadInput(
                f"the {kind} is {name}, the value of one row, so nobody can tell whether it is worse than before",
                "name another, such as mae; a gate with `max` may be on it",
                field="metric",
                value=name,
            )


def _answers(target: Target, judge: Judge, rows: pd.DataFrame) -> Answers:
    if target.spec.data.target not in rows.columns or rows.columns.has_duplicates or rows.columns.nlevels > 1:
        prepare(target, rows)
    return judge.ask(rows)


def _rival_answers(rival: Judge, number: int, rows: pd.DataFrame) -> Answers:
    try:
        return rival.ask(rows)
    except BadInput as refusal:
        raise BadInput(
            f"champion version {number} cannot be compared on these rows: {refusal.message}",
            "give rows that both versions can answer, or take that champion out of service first",
            **refusal.details,
        ) from refusal


def _classes(mine: Answers, old: Answers | None) -> list[str]:
    """The classes either model knows, in one order."""
    known = list(mine.classes or [])
    return known + [c for c in (old.classes or [] if old else []) if c not in known]


def _slicings(target: Target, judged: Judged) -> list[Slicing]:
    named = [*(c for gate in target.spec.gates for c in gate.slices), *target.spec.data.sensitive]
    return slicings(judged, list(dict.fromkeys(named)))


def _estimates(
    target: Target,
    judged: Judged,
    scores: Floats,
    probabilities: bool,
    many: Sequence[Slicing],
    shelf: Shelf | None,
    seed: int,
) -> list[Estimate]:
    found = measure_all(judged, scores, many, probabilities=probabilities, seed=seed)
    return found if shelf is None else found + _of_shelf(target, shelf, scores, many, seed)


def _of_shelf(target: Target, shelf: Shelf, scores: Floats, many: Sequence[Slicing], seed: int) -> list[Estimate]:
    """What is shown, for each k that somebody named; in slices where a gate on it names them."""
    lengths = {10, *(at[1] for _, name in named_metrics(target) if (at := at_k(name)))}
    found = [estimate for k in sorted(lengths) for estimate in shelf.estimates(scores, k, seed)]
    shown = {estimate.metric for estimate in found}
    for slicing in many:
        gates = [g for g in target.spec.gates if g.metric in shown and slicing.column in g.slices]
        for k in sorted({at[1] for g in gates if (at := at_k(g.metric or ""))}):
            for name, where in slicing.groups():
                found += shelf.take(where).estimates(scores[where], k, seed, name)
    return found


def _comparisons(
    target: Target,
    judged: Judged,
    scores: Floats,
    standing: Floats | None,
    champion: tuple[int, Any] | None,
    groups: Sequence[tuple[str, NDArray[np.bool_]]],
    shelf: Shelf | None,
    seed: int,
) -> list[Comparison]:
    if champion is None or standing is None:
        return []
    return compare(target.spec.gates, judged, scores, standing, champion[0], groups, shelf, seed)


def _find(case: Case, standing: Floats | None) -> None:
    """The worst slices nobody named, of the version itself and against the champion."""
    rules = [g.versus_champion for g in case.judge.target.spec.gates if g.versus_champion]
    columns = [c for c in case.judged.rows.columns if c not in case.judge.not_features]
    name, mine = losses(case.judged, case.scores)
    found, _ = find(case.judged, name, mine, columns)
    if standing is not None and rules:
        margin = max(_SLICE_MARGIN, *(rule.not_worse_by or rule.better_by or 0.0 for rule in rules))
        _, theirs = losses(case.judged, standing)
        worse, case.looked = find(case.judged, name, mine, columns, theirs=theirs, margin=margin)
        found = worse + found
    case.found = found


def _explanation(case: Case, rival: Judge | None, standing: Floats | None, told: list[str]) -> Explanation | None:
    held = (rival, standing) if rival is not None and standing is not None else None
    try:
        return explain(case.judge, case.judged, case.scores, case.groups, held, case.seed)
    except BadInput as refusal:
        told.append(f"the model could not be explained: {refusal.message}")
        return None


def _made_with() -> dict[str, str]:
    found = {}
    for name in _MADE_WITH:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
