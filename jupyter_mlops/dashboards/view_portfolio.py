"""Which models run the business, what they earn, what is at risk, who owns them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from jupyter_mlops.dashboards import charts, words
from jupyter_mlops.dashboards import html as h
from jupyter_mlops.dashboards.reading import Documents
from jupyter_mlops.dashboards.view import MOST, Options, View, left_out
from jupyter_mlops.records import Alert, Estimate, MetricPoint, ModelFigures, PortfolioFigures

STATES = ("at risk", "unknown", "not in service", "healthy")
ORDERS: Options = (
    ("what needs attention first", "attention"),
    ("value", "value"),
    ("predictions", "predictions"),
    ("name", "name"),
)
_BARS = 8


def shows(documents: Documents) -> Options:
    """Every state that occurs, with how many models are in it."""
    models = documents.portfolio.models if documents.portfolio else []
    found = [(state, sum(m.status == state for m in models)) for state in STATES]
    return [(f"all {len(models)}", ""), *((f"{state} ({n})", state) for state, n in found if n)]


def top(documents: Documents) -> Markup | None:
    figures = documents.portfolio
    if figures is None:
        return None
    tone, sentence = _verdict(figures.models)
    return h.joined(
        [
            h.heading("Portfolio", (figures.project, figures.business_unit), figures.at),
            h.verdict(tone, sentence),
            h.cards(_cards(figures)),
            h.panels(_worth(figures), _health(figures, documents)),
        ]
    )


def rest(documents: Documents, view: View) -> Markup:
    assert documents.portfolio is not None
    models = documents.portfolio.models
    found = [m for m in models if view.show in ("", m.status) and view.finds(m.name, m.owner, m.risk, m.status)]
    found.sort(key=lambda m: _rank(m, view.order or "attention"))
    metrics = {m.metric for m in models}
    one = words.measure(*metrics).name if len(metrics) == 1 and all(metrics) else ""
    scales = {metric: _scale(models, metric) for metric in metrics}
    columns = (
        h.Column("Model"),
        h.Column("State"),
        h.Column(f"{one or 'Quality'} when approved"),
        h.Column("Approved ○, lately ●", picture=True),
        h.Column(f"{one or 'Quality'} lately"),
        h.Column("Predictions", numeric=True),
        h.Column("Value", numeric=True),
        h.Column("In service"),
        h.Column("Owner"),
    )
    lines = h.table(
        columns,
        [_row(m, scales[m.metric], not one) for m in found[:MOST]],
        "Models",
        "No model is declared yet: name one in `mlops.yaml`." if not models else "No model fits what is asked for.",
    )
    note = _better(metrics) + (
        "Ranges hold the true value with 95% confidence. When approved: on data the model had never seen. "
        "Lately: on what it answered in service, where the outcome is known by now."
    )
    return h.section("Models", lines + h.soft(left_out(MOST, len(found))), note)


def _better(metrics: set[str]) -> str:
    """Which way is better, where it is not the way everybody expects."""
    lower = sorted(words.measure(m).name for m in metrics if words.measure(m).better == "lower")
    return f"{words.listed(lower)}: lower is better. " if lower else ""


def _verdict(models: Sequence[ModelFigures]) -> tuple[str, str]:
    serving = [m for m in models if m.champion is not None]
    risky, unknown = [m for m in models if m.status == "at risk"], [m for m in models if m.status == "unknown"]
    if not models:
        return "idle", "No model is declared yet."
    if not serving:
        return "idle", f"{words.count(len(models), 'model')} declared, none in service yet."
    whole = len(serving) == len(models)
    said = f"All {len(models)} models are" if whole else f"{len(serving)} of {len(models)} models are"
    said = "The model is in service" if whole and len(models) == 1 else f"{said} in service"
    if risky:
        names = words.listed(m.segment or m.name for m in risky)
        return "bad", f"{said}. {len(risky)} {'is' if len(risky) == 1 else 'are'} at risk: {names}."
    if unknown:
        return "idle", f"{said}; none is known to be at risk, and {len(unknown)} not watched yet."
    return "good", f"{said}, and none is at risk."


def _cards(figures: PortfolioFigures) -> list[h.Card]:
    models = figures.models
    risky = [m for m in models if m.status == "at risk"]
    valued = [m for m in models if m.value is not None]
    silent = len(models) - len(valued)
    source = f"{figures.value_source or 'none named'}" + (f"; {words.count(silent, 'model')} without" if silent else "")
    return [
        h.Card("In service", f"{sum(m.champion is not None for m in models)} of {len(models)}", "passed their gates"),
        h.Card(
            "At risk",
            str(len(risky)),
            f"worth {_money(risky)} of the value"
            if any(m.value for m in risky)
            else "no open alert asks for an answer"
            if not risky
            else "with an open alert",
            "bad" if risky else "good",
        ),
        h.Card("Predictions", f"{sum(m.predictions for m in models):,}", "answered and logged so far"),
        h.Card(
            "Value",
            _money(valued) if valued else "not declared",
            f"source: {source}" if valued else "declare it under `value` in mlops.yaml",
        ),
    ]


def _money(models: Sequence[ModelFigures]) -> str:
    return words.moneys((m.value, m.currency) for m in models if m.value is not None)


def _worth(figures: PortfolioFigures) -> Markup:
    """What each model brings, in the currency of most; others are said, not drawn to a wrong scale."""
    valued = [m for m in figures.models if m.value is not None]
    if not valued:
        return h.panel("Predictions by model", _bars(figures.models, "predictions"), "No value is declared.")
    currency, _ = Counter(m.currency for m in valued).most_common(1)[0]
    same = [m for m in valued if m.currency == currency]
    other = len(valued) - len(same)
    note = f"{words.count(other, 'model')} in another currency: not drawn." if other else ""
    return h.panel("Value by model", _bars(same, "value"), note)


def _bars(models: Sequence[ModelFigures], what: str) -> Markup:
    def length(m: ModelFigures) -> float:
        return float(m.predictions) if what == "predictions" else m.value or 0.0

    def text(of: Sequence[ModelFigures]) -> str:
        return f"{sum(m.predictions for m in of):,}" if what == "predictions" else _money(of)

    ranked = sorted(models, key=length, reverse=True)
    shown = ranked if len(ranked) <= _BARS + 1 else ranked[:_BARS]
    items = [
        charts.Bar(m.segment or m.name, length(m), text([m]), "bad" if m.status == "at risk" else "brand")
        for m in shown
    ]
    body = charts.bars(items, f"{what.capitalize()} by model, the largest first")
    others = ranked[len(shown) :]
    if not others:
        return body
    return body + h.soft(f"{len(others)} more models bring {text(others)} together.")


def _health(figures: PortfolioFigures, documents: Documents) -> Markup:
    counts = [(state, sum(m.status == state for m in figures.models)) for state in STATES]
    findings = _findings(figures, documents)
    return h.panel("State of the models", charts.parts(counts, "Models by state") + findings)


def _findings(figures: PortfolioFigures, documents: Documents) -> Markup:
    """Why each model at risk is: its worst open alert, in the words in which it was found."""
    risky = [m for m in figures.models if m.status == "at risk"]
    alerts = documents.monitoring.alerts if documents.monitoring else []
    lines = [
        h.html("<li><b>{}</b> {}</li>", m.segment or m.name, alert.sentence)
        for m in risky[:5]
        if (alert := _worst(alerts, m))
    ]
    more = h.soft(f"and {len(risky) - 5} more, in the table below") if len(risky) > 5 else Markup("")
    return h.html("<ul class='mx-findings'>{}</ul>{}", h.joined(lines), more) if lines else Markup("")


def _worst(alerts: Sequence[Alert], m: ModelFigures) -> Alert | None:
    order = ("critical", "warning", "info")
    mine = [a for a in alerts if (a.model, a.segment) == (m.model, m.segment) and a.state in ("open", "acknowledged")]
    return min(mine, key=lambda a: order.index(a.severity), default=None)


def _rank(m: ModelFigures, order: str) -> tuple[object, ...]:
    first: dict[str, float] = {
        "attention": STATES.index(m.status),
        "value": -(m.value or 0.0),
        "predictions": -m.predictions,
        "name": 0,
    }
    return first[order], m.name


def _scale(models: Sequence[ModelFigures], metric: str) -> charts.Scale:
    same = [m for m in models if m.metric == metric]
    return charts.Scale.around([_mark(e) for m in same for e in (m.estimate, m.recent)])


def _mark(e: Estimate | MetricPoint | None) -> charts.Mark | None:
    return charts.Mark(e.value, e.low, e.high) if e else None


def _row(m: ModelFigures, scale: charts.Scale, named: bool) -> list[str | Markup]:
    """`named` says the measure in each row: the models of this project have different ones."""
    name = words.measure(m.metric).name
    then, now = _mark(m.estimate), _mark(m.recent)
    seen = "lately" if m.recent is None or m.recent.version == m.champion else f"lately version {m.recent.version}"
    told = ", ".join(f"{at} {charts.said(mark)}" for at, mark in (("when approved", then), (seen, now)) if mark)
    alerts = words.count(m.open_alerts, "open alert") if m.open_alerts else ""
    return [
        h.model(m.model, m.segment, f"{m.risk} risk"),
        h.status(m.status) + h.soft(alerts or ("not watched yet" if m.status == "unknown" else "")),
        _approved(m, name if named else ""),
        charts.whisker(scale, now, then, f"{name}: {told}") if told else "",
        _lately(m),
        f"{m.predictions:,}",
        words.money(m.value, m.currency) if m.value is not None else h.soft("not declared"),
        _since(m),
        h.person(m.owner) if m.owner else h.soft("nobody named"),
    ]


def _since(m: ModelFigures) -> Markup:
    if m.champion is None:
        return h.soft("no version")
    trained = f"trained {words.day(m.trained)}" if m.trained else ""
    return h.html("<span class='mx-when'>version {}</span>{}", m.champion, h.soft(trained))


def _approved(m: ModelFigures, name: str) -> Markup:
    if m.estimate is None:
        return h.html("{}", words.UNKNOWN)
    e = m.estimate
    cases = words.count(e.n, "case")
    return h.estimate(e.value, e.low, e.high) + h.soft(f"{name}, {cases}" if name else cases)


def _lately(m: ModelFigures) -> Markup:
    """What was seen in service. Figures of an earlier version say so: they are not this one's."""
    r = m.recent
    if r is None:
        return h.html("{}{}", words.UNKNOWN, h.soft("no outcome has arrived"))
    coverage = f", outcome known for {words.share(r.coverage)}" if r.coverage is not None else ""
    older = f"of version {r.version}, before this one" if r.version not in (None, m.champion) else ""
    return h.estimate(r.value, r.low, r.high) + h.soft(f"{words.count(r.n, 'case')}{coverage}") + h.soft(older)
