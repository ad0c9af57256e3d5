"""Which models run the business, what they earn, what is at risk."""

from __future__ import annotations

from html import escape

from jupyter_mlops.dashboards import html
from jupyter_mlops.records import ModelFigures, PortfolioFigures

_PLAIN = {
    "ndcg@10": "Ranking quality",
    "precision@10": "Precision of the ten best",
    "mae": "Average error",
    "rmse": "Typical error",
    "auc": "Separation",
}


def portfolio_html(figures: PortfolioFigures) -> str:
    models = figures.models
    risky = [m for m in models if m.status == "at risk"]
    serving = [m for m in models if m.champion is not None]
    earned = [m for m in models if m.value is not None]
    total = sum(m.value or 0 for m in earned)
    worth = f"{total:,.0f} {earned[0].currency}" if earned else "not declared"
    cards = [
        ("In service", f"{len(serving)} of {len(models)}", "models that passed their gates"),
        ("At risk", str(len(risky)), "need an answer" if risky else "nothing needs an answer"),
        ("Predictions", f"{sum(m.predictions for m in models):,}", "answered and logged"),
        ("Worth", worth, figures.value_source or "no value was declared"),
    ]
    order = ("at risk", "not in service", "unknown", "healthy")
    rows = [_row(m, models) for m in sorted(models, key=lambda m: (order.index(m.status), m.name))]
    unit = f"{figures.project} · {figures.business_unit}" if figures.business_unit else figures.project
    headers = ("Model", "State", "How good it is", "", "Seen lately", "Predictions", "Worth", "Since", "Owner")
    return (
        html.heading("Portfolio", unit, figures.at)
        + html.cards(cards)
        + "<h2>Models</h2>"
        + html.table(headers, rows, numeric=(5, 6), empty="No model is declared in mlops.yaml yet.")
        + "<p class='soft small'>Ranges are 95 % confidence intervals on rows the model never saw.</p>"
    )


def _row(m: ModelFigures, all_models: list[ModelFigures]) -> list[str]:
    e, word = m.estimate, _PLAIN.get(m.metric, m.metric)
    marks = [x for o in all_models if o.estimate and o.metric == m.metric for x in (o.estimate.low, o.estimate.high)]
    quality = (
        f"{escape(word)} {e.value:.2f} <span class='soft'>({e.low:.2f} to {e.high:.2f})</span>" if e else "unknown"
    )
    picture = html.whisker(e.value, e.low, e.high, marks, f"{word} {e.value:.2f}") if e else ""
    r = m.recent
    seen = "not watched yet"
    if r and r.low is not None and r.high is not None:
        seen = f"{r.value:.2f} <span class='soft'>({r.low:.2f} to {r.high:.2f})</span>"
    return [
        f"<b>{escape(m.segment or m.name)}</b><div class='soft small'>{escape(m.model)} · {escape(m.risk)} risk</div>",
        html.state(m.status),
        quality,
        picture,
        seen,
        f"{m.predictions:,}",
        f"{m.value:,.0f} {escape(m.currency)}" if m.value is not None else "-",
        html.day(m.trained) if m.trained else "-",
        escape(m.owner or "nobody named"),
    ]
