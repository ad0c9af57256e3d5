"""One measure of one model, period by period: drawn where there are several periods, and as lines of a table."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from jupyter_mlops.dashboards import charts, words
from jupyter_mlops.dashboards import html as h
from jupyter_mlops.dashboards.points import Promised, latest, name, promised, troubled
from jupyter_mlops.dashboards.reading import Documents
from jupyter_mlops.dashboards.view import MOST, View, left_out
from jupyter_mlops.records import MetricPoint

_LINES = 12


def quality(documents: Documents, model: str, metric: str, view: View) -> Markup:
    figures = documents.monitoring
    assert figures is not None
    mine = [
        p for p in figures.points if (p.model, p.metric) == (model, metric) and view.finds(p.model, p.segment or "")
    ]
    whole, groups = [p for p in mine if not p.slice], [p for p in mine if p.slice]
    title = f"{words.measure(metric).name if metric else 'Quality'}, by period"
    if not whole:
        return h.section(title, h.html("<p class='mx-empty'>{}</p>", h.spoken(_MISSED if view.find else _NOTHING)))
    promises, worried = promised(documents, metric), troubled(figures)
    last = sorted(latest(whole).values(), key=lambda p: ((p.model, p.segment) not in worried, name(p)))
    better = words.measure(metric).better
    return h.section(
        title,
        h.joined(
            [
                _lines(whole, last, promises),
                _points(last[:MOST], promises, "The last period of each model"),
                h.soft(left_out(MOST, len(last))),
                _folded_points("Every period", whole, promises) if len(whole) > len(last) else Markup(""),
                _folded_points("By group", groups, {}) if groups else Markup(""),
            ]
        ),
        f"{better.capitalize()} is better. {_RANGES}" if better else _RANGES,
    )


_MISSED = "No model fits what is asked for."
_NOTHING = "No outcome has arrived yet: `jupyter mlops monitor MODEL --current FILE --labels FILE` takes them in."
_RANGES = "Ranges hold the true value with 95% confidence. ○ and dashed: promised when the version was approved."


def _lines(points: Sequence[MetricPoint], last: Sequence[MetricPoint], promises: Promised) -> Markup:
    """A small chart for each model that was watched for more than one period."""
    drawn: list[Markup] = []
    for end in last:
        own = sorted((p for p in points if p.segment == end.segment), key=lambda p: p.end)
        if len(own) > 1 and len(drawn) < _LINES:
            series = [charts.Point(p.end, charts.Mark(p.value, p.low, p.high)) for p in own]
            title = f"{words.measure(end.metric).name} of {end.segment or end.model}, {len(own)} periods"
            chart = charts.line(series, promises.get((name(end), end.version)), title)
            drawn.append(h.html("<figure><figcaption>{}</figcaption>{}</figure>", end.segment or end.model, chart))
    return h.html("<div class='mx-multiples'>{}</div>", h.joined(drawn)) if drawn else Markup("")


def _points(points: Sequence[MetricPoint], promises: Promised, caption: str) -> Markup:
    marks = [charts.Mark(p.value, p.low, p.high) for p in points]
    then = [promises.get((name(p), p.version)) for p in points]
    scale = charts.Scale.around([*marks, *then])
    columns = (
        h.Column("Model"),
        h.Column("Period"),
        h.Column("Promised ○ and seen ●", picture=True),
        h.Column("Seen"),
        h.Column("Cases", numeric=True),
        h.Column("Outcome known", numeric=True),
    )
    rows: list[list[str | Markup]] = []
    for p, now, before in zip(points, marks, then, strict=True):
        told = f"seen {charts.said(now)}" + (f", promised {charts.said(before)}" if before else "")
        rows.append(
            [
                h.model(p.model, p.segment, p.slice.replace("=", " ")),
                h.html("{}{}", words.period(p.start, p.end), h.soft(f"version {p.version}" if p.version else "")),
                charts.whisker(scale, now, before, told),
                h.estimate(p.value, p.low, p.high),
                f"{p.n:,}",
                words.share(p.coverage) if p.coverage is not None else "needs none",
            ]
        )
    return h.table(columns, rows, caption, "Nothing yet.")


def _folded_points(title: str, points: Sequence[MetricPoint], promises: Promised) -> Markup:
    recent = sorted(points, key=lambda p: (name(p), p.slice, p.end))
    summary = h.html("{} <span class='mx-quiet'>{}</span>", title, words.count(len(points), "line"))
    return h.folded(summary, _points(recent[:MOST], promises, title) + h.soft(left_out(MOST, len(points))))
