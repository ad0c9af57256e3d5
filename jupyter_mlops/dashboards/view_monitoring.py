"""How the models do now against what they promised, what needs a person, and what was retrained, or not, and why."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from jupyter_mlops.dashboards import charts, words
from jupyter_mlops.dashboards import html as h
from jupyter_mlops.dashboards.points import OPEN, latest, troubled
from jupyter_mlops.dashboards.reading import Documents
from jupyter_mlops.dashboards.view import MOST, Options, View, left_out
from jupyter_mlops.dashboards.view_quality import quality
from jupyter_mlops.records import Alert, MonitoringFigures, RetrainDecision

DRIFT = "drift"
_BARS = 12


def shows(documents: Documents) -> Options:
    """Every measure of every model; what a model is watched by comes first."""
    figures = documents.monitoring
    points = figures.points if figures else []
    found = {(p.model, p.metric) for p in points if p.metric != DRIFT}
    watched = {(m.model, m.metric) for m in documents.portfolio.models} if documents.portfolio else set()
    several = len({model for model, _ in found}) > 1
    ordered = sorted(found, key=lambda mm: (mm not in watched, mm))
    return [(_measure_words(model if several else "", metric), f"{model}\n{metric}") for model, metric in ordered]


def _measure_words(model: str, metric: str) -> str:
    name = words.measure(metric).name
    plain = name if name == metric else f"{name} ({metric})"
    return f"{model}: {plain}" if model else plain


def top(documents: Documents) -> Markup | None:
    figures = documents.monitoring
    if figures is None:
        return None
    waiting = [a for a in figures.alerts if a.state == "open"]
    if waiting:
        names = words.listed(sorted({a.segment or a.model for a in waiting}))
        verb = "waits" if len(waiting) == 1 else "wait"
        tone = "bad" if any(a.severity == "critical" for a in waiting) else "warn"
        sentence = f"{words.count(len(waiting), 'alert')} {verb} for a person: {names}."
    elif figures.points:
        tone, sentence = "good", "No alert waits for a person."
    else:
        tone, sentence = "idle", "Nothing was watched yet."
    unit = documents.portfolio.business_unit if documents.portfolio else ""
    return h.joined(
        [
            h.heading("Monitoring", (figures.project, unit), figures.at),
            h.verdict(tone, sentence),
            h.cards(_cards(documents, figures, waiting)),
            h.section("What needs a person", _alerts(figures.alerts)),
        ]
    )


def rest(documents: Documents, view: View) -> Markup:
    figures = documents.monitoring
    assert figures is not None
    asked = view.show or next((value for _, value in shows(documents)), "\n")
    model, _, metric = asked.partition("\n")
    retrains = [r for r in figures.retrains if view.finds(r.model, r.segment or "", r.reason)]
    return h.joined(
        [
            quality(documents, model, metric, view),
            h.section(
                "How far the world has moved",
                _drift(figures, view),
                "The column that moved furthest from what the model learned from: 0 is no change, 1 nothing in common.",
            ),
            h.section("Retraining", _retrained(retrains), "What was done by itself, or held back, and why."),
        ]
    )


def _cards(documents: Documents, figures: MonitoringFigures, waiting: Sequence[Alert]) -> list[h.Card]:
    last = latest([p for p in figures.points if not p.slice])
    covered = [p.coverage for p in last.values() if p.coverage is not None]
    watched = {whose for whose, _ in last}
    declared = len(documents.portfolio.models) if documents.portfolio else len(watched)
    critical = sum(a.severity == "critical" for a in waiting)
    fired = sum(r.fired for r in figures.retrains)
    tone = "bad" if critical else "warn" if waiting else "good"
    return [
        h.Card("Watched", f"{len(watched)} of {declared}", "models with figures from service"),
        h.Card("Open alerts", str(len(waiting)), f"{critical} critical" if waiting else "nothing waits", tone),
        h.Card(
            "Outcomes known",
            words.share(min(covered)) if covered else words.UNKNOWN,
            "of the last period, in the model where fewest are" if covered else "no outcome has arrived yet",
        ),
        h.Card("Retrained", str(fired), f"{len(figures.retrains) - fired} held back or failed, with the reason"),
    ]


def _alerts(alerts: Sequence[Alert]) -> Markup:
    order = ("critical", "warning", "info")
    found = sorted((a for a in alerts if a.state in OPEN), key=lambda a: (order.index(a.severity), -a.alert_id))
    columns = (
        h.Column("Model"),
        h.Column("How bad"),
        h.Column("What was found"),
        h.Column("Since"),
        h.Column("Answer"),
    )
    rows: list[list[str | Markup]] = [
        [
            h.model(a.model, a.segment),
            h.badge(a.severity, words.state(a.severity)),
            a.sentence,
            h.when(a.opened),
            f"seen by {a.acknowledged_by}"
            if a.state == "acknowledged"
            else h.code(f"jupyter mlops alerts --ack {a.alert_id}"),
        ]
        for a in found
    ]
    lines = h.table(columns, rows[:MOST], "Open alerts", "No alert is open.")
    return lines + h.soft(left_out(MOST, len(rows)))


def _drift(figures: MonitoringFigures, view: View) -> Markup:
    points = [p for p in figures.points if p.metric == DRIFT and not p.slice and view.finds(p.model, p.segment or "")]
    found = sorted(latest(points).values(), key=lambda p: -p.value)
    if not found:
        return h.html("<p class='mx-empty'>Nothing was compared with training data yet.</p>")
    moved = troubled(figures, DRIFT)
    limits = {figures.drift_limits.get(p.model) for p in found}
    limit = limits.pop() if len(limits) == 1 else None
    items = [
        charts.Bar(
            p.segment or p.model,
            p.value,
            words.number(p.value) + (" ▲ alert" if (p.model, p.segment) in moved else ""),
            "warn" if (p.model, p.segment) in moved else "brand",
        )
        for p in found[:_BARS]
    ]
    drawn = charts.bars(
        items, "Distance from the training data", limit, f"limit {limit:g}" if limit is not None else ""
    )
    return h.html(
        "<div class='mx-panel'>{}{}</div>",
        drawn,
        h.soft(f"{len(found) - _BARS} more moved less." if len(found) > _BARS else ""),
    )


def _retrained(retrains: Sequence[RetrainDecision]) -> Markup:
    columns = (h.Column("Model"), h.Column("Done"), h.Column("Why"), h.Column("When"))
    rows: list[list[str | Markup]] = [
        [h.model(r.model, r.segment), _done(r), r.reason, h.when(r.at) if r.at else words.UNKNOWN]
        for r in retrains[:MOST]
    ]
    return h.table(columns, rows, "Retraining decisions", "Nothing has asked for retraining.") + h.soft(
        left_out(MOST, len(retrains))
    )


def _done(r: RetrainDecision) -> Markup:
    """A training that was begun has a run: without a version it failed, without a run it was held back."""
    action = "retrain fired" if r.fired else "retrain failed" if r.run_id else "retrain refused"
    act = words.act(action)
    return h.badge(act.words, act.state) + h.soft(f"version {r.version}" if r.version else "")
