"""Who decided what, on which evidence, and whether the record of it holds."""

from __future__ import annotations

from html import escape

from jupyter_mlops.dashboards import html
from jupyter_mlops.records import Evidence, GovernanceFigures, LedgerEntry

_WORDS = {
    "set alias": "put in service",
    "delete alias": "taken out of service",
    "promotion refused": "not put in service",
    "set alias refused": "refused: not allowed",
    "retrain fired": "retrained",
    "retrain refused": "not retrained",
    "retrain failed": "retraining failed",
    "alert opened": "alert opened",
}


def governance_html(figures: GovernanceFigures) -> str:
    proof = figures.ledger
    placed = sum(e.action == "set alias" for e in figures.decisions)
    refused = sum("refused" in e.action for e in figures.decisions)
    cards = [
        ("The record", "holds" if proof.ok else "BROKEN", f"{proof.entries:,} entries, each bound to the one before"),
        ("Put in service", str(placed), "decisions on evidence that passed"),
        ("Refused", str(refused), "each with its reason"),
        ("Judged", str(len(figures.evidence)), "models in service with evidence"),
    ]
    broken = (
        ""
        if proof.ok
        else html.message("The record was tampered with", proof.problem, "Run `jupyter mlops ledger verify`.")
    )
    return (
        html.heading("Governance", figures.project, figures.at)
        + html.cards(cards)
        + broken
        + f"<p class='soft small'>Head of the record: <code>{escape(proof.head)}</code>. Keep it: a record that was cut or "
        "written anew later cannot show this head again.</p>"
        + "<h2>Decisions</h2>"
        + html.table(
            ("When", "Who", "What", "Model", "Why", "Entry"),
            [_decision(e) for e in figures.decisions],
            numeric=(5,),
            empty="Nothing was decided yet.",
        )
        + "<h2>Evidence of what is in service</h2>"
        + html.table(
            ("Model", "Verdict", "Gates", "Judged on", "Evidence"),
            [_evidence(e) for e in figures.evidence],
            empty="No model is in service.",
        )
    )


def _decision(e: LedgerEntry) -> list[str]:
    version = f" version {e.after['version']}" if isinstance(e.after, dict) and e.after.get("version") else ""
    what = _WORDS.get(e.action, e.action)
    return [html.moment(e.at), escape(e.actor), escape(what), escape(e.subject + version), escape(e.reason), str(e.seq)]


def _evidence(e: Evidence) -> list[str]:
    gates = "".join(f"<div>{html.state(g.verdict)} {escape(g.sentence)}</div>" for g in e.gates)
    return [
        f"<b>{escape(e.model)}</b><div class='soft small'>version {e.version}</div>",
        html.state(e.verdict),
        gates,
        f"{e.data.rows:,} rows<div class='soft small'>{escape(e.data.source)}</div>",
        f"<code>{escape(e.digest[:16])}</code>",
    ]
