"""Who decided what, with which reason and on which evidence, and whether the record of it holds."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from jupyter_mlops.dashboards import charts, words
from jupyter_mlops.dashboards import html as h
from jupyter_mlops.dashboards.reading import Documents
from jupyter_mlops.dashboards.view import MOST, Options, View, left_out
from jupyter_mlops.dashboards.view_reasons import reasons
from jupyter_mlops.records import Comparison, Estimate, Evidence, GovernanceFigures, LedgerEntry

_KINDS = {"service": "put in or out of service", "refused": "refused", "retraining": "retraining", "alert": "alerts"}
_OURS = "jupyter-mlops "


def shows(documents: Documents) -> Options:
    decisions = documents.governance.decisions if documents.governance else []
    found = [(text, kind, sum(words.act(e.action).kind == kind for e in decisions)) for kind, text in _KINDS.items()]
    return [(f"all {len(decisions)}", ""), *((f"{text} ({n})", kind) for text, kind, n in found if n)]


def top(documents: Documents) -> Markup | None:
    figures = documents.governance
    if figures is None:
        return None
    proof, unit = figures.ledger, documents.portfolio.business_unit if documents.portfolio else ""
    if proof.ok and not proof.unexplained:
        tone, sentence = "good", f"The record holds: all {proof.entries:,} entries verify."
    elif proof.ok:
        tone, sentence = "bad", "The record holds, but something was changed beside it."
    else:
        tone, sentence = "bad", "The record does not hold: it was changed after it was written."
    return h.joined(
        [
            h.heading("Governance", (figures.project, unit), figures.at),
            h.verdict(tone, sentence),
            h.cards(_cards(documents, figures)),
            _record(figures),
        ]
    )


def rest(documents: Documents, view: View) -> Markup:
    figures = documents.governance
    assert figures is not None
    found = [
        e
        for e in figures.decisions
        if view.show in ("", words.act(e.action).kind)
        and view.finds(e.actor, e.subject, e.reason, words.act(e.action).words)
    ]
    places = {(e.model, e.version): f"evidence-{i}" for i, e in enumerate(figures.evidence)}
    columns = (
        h.Column("Decision"),
        h.Column("Model"),
        h.Column("Why"),
        h.Column("Who"),
        h.Column("When"),
        h.Column("Evidence"),
        h.Column("Entry", numeric=True),
    )
    empty = "No decision fits what is asked for." if figures.decisions else "Nothing was decided yet."
    decisions = h.table(columns, [_decision(e, places) for e in found[:MOST]], "Decisions", empty)
    evidence = [_evidence(e, places[e.model, e.version]) for e in figures.evidence if view.finds(e.model, e.verdict)]
    none = h.html("<p class='mx-empty'>No model in service has evidence that fits.</p>")
    return h.section("Decisions", decisions + h.soft(left_out(MOST, len(found)))) + h.section(
        "Evidence of what is in service",
        h.joined(evidence[:MOST]) + h.soft(left_out(MOST, len(evidence))) if evidence else none,
        "What each model was promoted on, measured on data it had never seen.",
    )


def _cards(documents: Documents, figures: GovernanceFigures) -> list[h.Card]:
    kinds = [words.act(e.action).kind for e in figures.decisions]
    placed = sum(e.action == "set alias" for e in figures.decisions)
    passed = sum(e.verdict == "pass" for e in figures.evidence)
    models = documents.portfolio.models if documents.portfolio else []
    serving = sum(m.champion is not None for m in models) or len(figures.evidence)
    good = passed == serving
    return [
        h.Card(
            "The record",
            "holds" if figures.ledger.ok else "BROKEN",
            f"{words.count(figures.ledger.entries, 'entry', 'entries')}, each bound to the one before",
            "good" if figures.ledger.ok else "bad",
        ),
        h.Card("Put in service", str(placed), "by decisions below"),
        h.Card("Refused", str(kinds.count("refused")), "each with its reason"),
        h.Card("On evidence", f"{passed} of {serving}", "in service passed every gate", "good" if good else "warn"),
    ]


def _record(figures: GovernanceFigures) -> Markup:
    proof = figures.ledger
    faults = Markup("")
    if not proof.ok:
        where = f"Entry {proof.first_bad}: " if proof.first_bad is not None else ""
        faults = h.html("<p class='mx-fault' role='alert'>{}{}. {}</p>", where, proof.problem, h.spoken(_ASK))
    elif proof.unexplained:
        items = h.joined(h.html("<li>{}</li>", text) for text in proof.unexplained)
        faults = h.html("<div class='mx-fault' role='alert'>No entry explains this:<ul>{}</ul></div>", items)
    return h.panel(
        "Proof",
        faults
        + h.html("<p>Head at {}:</p><p class='mx-hash'><code>{}</code></p>", words.moment(figures.at), proof.head)
        + h.soft(h.spoken(_KEEP)),
    )


_ASK = "Find out who had access to the database; `jupyter mlops ledger verify` names the entry again."
_KEEP = (
    "Keep or print this head: a record that was cut or written anew later cannot show it again. It proves that something "
    "was changed; it does not prevent it, nor does it prove that what was entered is true. "
    "Check it yourself: `jupyter mlops ledger verify`."
)


def _decision(e: LedgerEntry, places: dict[tuple[str, int], str]) -> list[str | Markup]:
    act, (name, version) = words.act(e.action), _subject(e)
    base, _, segment = name.partition(".")
    place = places.get((name, version)) if version is not None else None
    ours = e.actor.startswith(_OURS)
    return [
        h.badge(act.words, act.state) + h.soft(_change(e)),
        h.model(base, segment or None, f"version {version}" if version is not None else ""),
        e.reason or h.soft("no reason was given"),
        h.html("<span class='mx-when'>by itself</span>{}", h.soft(e.actor.removeprefix(_OURS)))
        if ours
        else h.person(e.actor),
        h.when(e.at),
        h.html("<a href='#{}'>see it</a>", place) if place else "",
        str(e.seq),
    ]


def _subject(e: LedgerEntry) -> tuple[str, int | None]:
    """The registered model's name, and the version the entry is about if it names one."""
    name, _, version = e.subject.partition("/")
    after = e.after if isinstance(e.after, dict) else {}
    named = after.get("version", version)
    return name, int(named) if str(named).isdecimal() else None


def _change(e: LedgerEntry) -> str:
    before = e.before.get("version") if isinstance(e.before, dict) else None
    return f"in place of version {before}" if before is not None and e.action == "set alias" else ""


def _evidence(e: Evidence, place: str) -> Markup:
    passed = sum(g.verdict == "pass" for g in e.gates)
    summary = h.html(
        "<b>{}</b> <span class='mx-quiet'>version {}</span> {} <span class='mx-quiet'>{} of {} passed</span>",
        e.model,
        e.version,
        h.status(e.verdict),
        passed,
        words.count(len(e.gates), "gate"),
    )
    gates = h.joined(h.html("<li>{} {}</li>", h.status(g.verdict), g.sentence) for g in e.gates)
    return h.folded(
        summary,
        h.joined(
            [
                h.html("<ul class='mx-gates' id='{}'>{}</ul>", place, gates or h.html("<li>No gate was asked.</li>")),
                h.joined(h.html("<p>{}</p>", _compared(c)) for c in e.comparisons),
                _estimates(e),
                reasons(e),
                _facts(e),
            ]
        ),
    )


def _compared(c: Comparison) -> str:
    name = words.measure(c.metric).name
    between = words.interval(c.low, c.high)
    more = f" About {c.rows_needed:,} cases would settle it." if c.rows_needed else ""
    return (
        f"Against version {c.champion_version} on the same {words.count(c.n, 'case')}: {c.verdict}. {name} differs by "
        f"{words.number(c.difference)} ({between}), where more is better for the newer one.{more}"
    )


def _estimates(e: Evidence) -> Markup:
    """Every measure over all, then the first of them over each group."""
    first = e.estimates[0].metric if e.estimates else ""
    shown = [x for x in e.estimates if not x.slice] + [x for x in e.estimates if x.slice and x.metric == first]
    scale = charts.Scale.around([_mark(x) for x in shown if x.metric == first])
    columns = (
        h.Column("Measure"),
        h.Column("Of"),
        h.Column("Measured"),
        h.Column("On one scale", picture=True),
        h.Column("Cases", numeric=True),
    )
    rows: list[list[str | Markup]] = [
        [
            h.html("{}{}", words.measure(x.metric).name, h.soft(x.metric)),
            x.slice.replace("=", " ") or "all",
            h.estimate(x.value, x.low, x.high),
            charts.whisker(scale, _mark(x), None, charts.said(_mark(x))) if x.metric == first else "",
            f"{x.n:,}",
        ]
        for x in shown[:MOST]
    ]
    return h.table(columns, rows, f"Measures of {e.model}", "Nothing was measured.")


def _mark(x: Estimate) -> charts.Mark:
    return charts.Mark(x.value, x.low, x.high)


def _facts(e: Evidence) -> Markup:
    facts: Sequence[tuple[str, str]] = (
        ("Judged on", f"{words.count(e.data.rows, 'row')} of {e.data.source}"),
        ("Digest of the data", e.data.digest),
        ("Digest of the evidence", e.digest),
        ("Seed", str(e.seed)),
    )
    return h.html(
        "<dl class='mx-facts'>{}</dl>",
        h.joined(h.html("<dt>{}</dt><dd>{}</dd>", name, h.code(value)) for name, value in facts),
    )
