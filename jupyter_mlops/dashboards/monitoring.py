"""How the models do now, against what they promised; what needs a person; what was retrained, or not, and why."""

from __future__ import annotations

from html import escape

from jupyter_mlops.dashboards import html
from jupyter_mlops.records import MetricPoint, MonitoringFigures


def monitoring_html(figures: MonitoringFigures) -> str:
    waiting = [a for a in figures.alerts if a.state == "open"]
    fired = [r for r in figures.retrains if r.fired]
    watched = {(p.model, p.segment) for p in figures.points}
    cards = [
        ("Watched", str(len(watched)), "models in the last periods"),
        ("Open alerts", str(len(waiting)), "wait for a person" if waiting else "none"),
        ("Retrained", str(len(fired)), "by themselves, within their brakes"),
        ("Held back", str(len(figures.retrains) - len(fired)), "retrainings refused, with the reason"),
    ]
    performance = [p for p in figures.points if p.metric != "drift" and not p.slice]
    drift = [p for p in figures.points if p.metric == "drift"]
    return (
        html.heading("Monitoring", figures.project, figures.at)
        + html.cards(cards)
        + "<h2>What needs a person</h2>"
        + html.table(
            ("How bad", "Model", "What was found", "State", "Since"),
            [
                [
                    html.state(a.severity),
                    escape(a.segment or a.model),
                    escape(a.sentence),
                    escape(a.state),
                    html.day(a.opened),
                ]
                for a in figures.alerts
                if a.state != "resolved"
            ],
            empty="No alert is open.",
        )
        + "<h2>How good they were, by period</h2>"
        + html.table(
            ("Model", "Period", "Metric", "Value", "", "Cases", "Outcomes known"),
            [_point(p, performance) for p in performance],
            numeric=(5, 6),
            empty="No outcome has arrived yet: run `jupyter mlops monitor MODEL --labels FILE`.",
        )
        + "<h2>How far the world moved</h2>"
        + html.table(
            ("Model", "Period", "Furthest column moved", "Rows"),
            [[escape(p.segment or p.model), _period(p), f"{p.value:.2f} of 1", f"{p.n:,}"] for p in drift],
            numeric=(2, 3),
            empty="Nothing was compared yet.",
        )
        + "<h2>Retraining</h2>"
        + html.table(
            ("Model", "Done", "Why"),
            [
                [escape(r.segment or r.model), f"version {r.version}" if r.fired else "no", escape(r.reason)]
                for r in figures.retrains
            ],
            empty="Nothing asked for retraining.",
        )
    )


def _period(p: MetricPoint) -> str:
    return f"{html.day(p.start)} to {html.day(p.end)}"


def _point(p: MetricPoint, all_points: list[MetricPoint]) -> list[str]:
    low, high = p.low if p.low is not None else p.value, p.high if p.high is not None else p.value
    same = [q for q in all_points if q.metric == p.metric]
    marks = [x for q in same for x in (q.low, q.high) if x is not None]
    return [
        escape(p.segment or p.model),
        _period(p),
        escape(p.metric),
        f"{p.value:.3g} <span class='soft'>({low:.3g} to {high:.3g})</span>",
        html.whisker(p.value, low, high, marks, f"{p.metric} {p.value:.3g}"),
        f"{p.n:,}",
        f"{p.coverage:.0%}" if p.coverage is not None else "-",
    ]
