"""What the evidence found beside metrics and gates, as a card shows it: nothing here is computed again."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.records import Evidence

Rows = list[tuple[Any, ...]]
_TOP = 10
_HELD = {"error": "all other rows", "versus champion": "the champion"}


def findings(e: Evidence | None) -> dict[str, Any]:
    """The parts of the evidence that a card keeps; empty where a version was never judged."""
    if e is None:
        return {"design": "", "notes": [], "groups": [], "weak_slices": [], "reasons": None}
    return {
        "design": e.design,
        "notes": list(e.notes),
        "groups": [f.model_dump() for f in e.fairness],
        "weak_slices": [f.model_dump() for f in e.found],
        "reasons": e.explanation.model_dump() if e.explanation else None,
    }


def finding_sections(c: dict[str, Any]) -> list[tuple[str, Rows]]:
    """(title, table that begins with its header), those with nothing to say left out."""
    found = c["findings"]
    against = [(x["metric"], x["slice"] or "all", x["verdict"], *_estimate(x, "difference")) for x in _compared(c)]
    made = [
        ("Against the champion on the same rows", ("Metric", "Where", "Verdict", "Gain", "Interval", "Cases"), against),
        ("Fairness between groups", ("By", "Group", "Measure", "Value", "95 % interval", "Rows"), _fairness(found)),
        (
            "Weakest slices found",
            ("Where", "Held against", "Loss there", "Loss of that", "Cases", "P after all looks"),
            [
                (s["slice"], _HELD[s["kind"]], f"{s['value']:.3g}", f"{s['rest']:.3g}", s["n"], f"{s['p_value']:.2g}")
                for s in found["weak_slices"]
            ],
        ),
        ("Why it answers as it does", ("Column", "Loss grows by", "95 % interval", "Champion"), _reasons(found)),
        ("How the answer follows a column", ("Column", "When it is", "Mean answer", "95 % interval"), _curves(found)),
        ("What a reader must know", ("Note",), [(note,) for note in found["notes"]]),
    ]
    return [(title, [head, *rows]) for title, head, rows in made if rows]


def _compared(c: dict[str, Any]) -> list[dict[str, Any]]:
    compared: list[dict[str, Any]] = c["evaluation"]["against_champion"]
    return compared


def _estimate(x: dict[str, Any], value: str = "value") -> tuple[str, str, str]:
    return f"{x[value]:.4g}", f"{x['low']:.4g} to {x['high']:.4g}", str(x["n"])


def _fairness(found: dict[str, Any]) -> Rows:
    rows: Rows = []
    for by in found["groups"]:
        for group in by["groups"]:
            name = group["group"] + ("" if group["judged"] else " (too few)")
            rows += [(by["by"], name, rate["metric"], *_estimate(rate)) for rate in group["rates"]]
        rows += [(by["by"], gap["slice"] or "all groups", gap["metric"], *_estimate(gap)) for gap in by["gaps"]]
    return rows


def _reasons(found: dict[str, Any]) -> Rows:
    told = found["reasons"]
    if told is None:
        return []
    theirs = {i["column"]: f"{i['value']:.3g}" for i in told["champion"]}
    own = [i for i in told["importances"] if not i["slice"]][:_TOP]
    moved = dict.fromkeys(told["moved"], ", not the champion's reason")
    return [
        (i["column"], *_estimate({**i, "n": 0})[:2], theirs.get(i["column"], "") + moved.get(i["column"], ""))
        for i in own
    ]


def _curves(found: dict[str, Any]) -> Rows:
    """Partial dependence; a card of an older make holds none."""
    curves = (found["reasons"] or {}).get("dependence", [])
    return [
        (_score_of(curve), _spelt(at), f"{answer:.4g}", f"{low:.4g} to {high:.4g}")
        for curve in curves
        for at, answer, low, high in zip(curve["at"], curve["answer"], curve["low"], curve["high"], strict=True)
    ]


def _score_of(curve: dict[str, Any]) -> str:
    return f"{curve['column']} (score of {curve['answer_of']})" if curve["answer_of"] else str(curve["column"])


def _spelt(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
