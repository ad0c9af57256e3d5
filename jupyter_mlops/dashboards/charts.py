"""Small pictures as inline SVG. Lengths are percentages, so a picture fits its place and its text keeps its size.

Each has a title and, where it says more than its title, a description; the same figures stand as text beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from jupyter_mlops.dashboards import words
from jupyter_mlops.dashboards.html import badge, html, joined


@dataclass(frozen=True)
class Mark:
    """A value with its interval, if it has one."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def reach(self) -> tuple[float, float]:
        return (self.value if self.low is None else self.low, self.value if self.high is None else self.high)


@dataclass(frozen=True)
class Scale:
    """From the least to the most that is shown, with a little air, onto 0 to 100 percent."""

    least: float
    most: float

    @classmethod
    def around(cls, marks: Iterable[Mark | None]) -> Scale:
        ends = [end for mark in marks if mark for end in (*mark.reach, mark.value) if math.isfinite(end)]
        if not ends:
            return cls(0.0, 1.0)
        least, most = min(ends), max(ends)
        air = (most - least) * 0.06 or abs(most) * 0.1 or 1.0
        return cls(least - air, most + air)

    def at(self, value: float) -> float:
        return round(100 * min(1.0, max(0.0, (value - self.least) / (self.most - self.least))), 2)


def whisker(scale: Scale, now: Mark | None, before: Mark | None, title: str) -> Markup:
    """Two estimates on one scale: hollow what was promised, solid what was seen."""
    body = joined(
        _mark(scale, mark, y, kind)
        for mark, y, kind in ((before, 7, "promised"), (now, 17, "seen"))
        if mark is not None and math.isfinite(mark.value)
    )
    return html("<svg class='mx-whisker' role='img' height='24'><title>{}</title>{}</svg>", title, body)


def _mark(scale: Scale, mark: Mark, y: int, kind: str) -> Markup:
    low, high = mark.reach
    return html(
        "<g class='mx-mark-{}'><line x1='{}%' x2='{}%' y1='{}' y2='{}'/><circle cx='{}%' cy='{}' r='4'/></g>",
        kind,
        scale.at(low),
        scale.at(high),
        y,
        y,
        scale.at(mark.value),
        y,
    )


@dataclass(frozen=True)
class Bar:
    label: str
    length: float
    text: str
    tone: str = "brand"


def bars(items: Sequence[Bar], title: str, limit: float | None = None, limit_text: str = "") -> Markup:
    """Horizontal bars from nought on one scale; `limit` is a line across all of them."""
    most = max([item.length for item in items] + [limit or 0.0]) or 1.0
    rows = joined(_bar(item, _ROW * i, _WIDTH * max(0.0, item.length) / most) for i, item in enumerate(items))
    height = _ROW * len(items)
    line = Markup("")
    if limit is not None:
        place = round(_LEFT + _WIDTH * limit / most, 2)
        line = html("<line class='mx-limit' x1='{}%' x2='{}%' y1='0' y2='{}'/>", place, place, height) + html(
            "<text class='mx-limit-text' x='{}%' y='{}' text-anchor='middle'>{}</text>", place, height + 14, limit_text
        )
    return html(
        "<svg class='mx-bars' role='img' height='{}'><title>{}</title><desc>{}</desc>{}{}</svg>",
        height + (20 if limit is not None else 0),
        title,
        "; ".join(f"{item.label}: {item.text}" for item in items),
        rows,
        line,
    )


_ROW, _LEFT, _WIDTH = 28, 30, 38  # pixels; percent: where bars begin, and the longest


def _bar(item: Bar, top: int, length: float) -> Markup:
    return html(
        "<g><title>{}: {}</title><svg class='mx-clip' x='0' y='{}' width='{}%' height='{}'><text x='0' y='18'>{}</text></svg>"
        "<rect class='mx-fill-{}' x='{}%' y='{}' width='{}%' height='16' rx='3'/>"
        "<text class='mx-strong' x='100%' y='{}' text-anchor='end'>{}</text></g>",
        item.label,
        item.text,
        top,
        _LEFT - 1,
        _ROW,
        item.label,
        item.tone,
        _LEFT,
        top + 5,
        round(max(length, 0.3), 2),
        top + 18,
        item.text,
    )


def parts(items: Sequence[tuple[str, int]], title: str) -> Markup:
    """One bar of all, in parts by state, with its legend of word, sign and number."""
    items = [(word, n) for word, n in items if n]
    whole = sum(n for _, n in items) or 1
    drawn, start = [], 0.0
    for word, n in items:
        width = 100 * n / whole
        pattern = "<rect class='mx-fill-{}' x='{}%' y='0' width='{}%' height='18'><title>{}: {}</title></rect>"
        drawn.append(html(pattern, words.state(word).tone, round(start, 2), round(max(width - 0.4, 0.3), 2), word, n))
        start += width
    legend = joined(html("<li>{} <b>{}</b></li>", badge(word, words.state(word)), n) for word, n in items)
    return html(
        "<svg class='mx-parts' role='img' height='18'><title>{}</title><desc>{}</desc>{}</svg><ul class='mx-legend'>{}</ul>",
        title,
        ", ".join(f"{n} {word}" for word, n in items),
        joined(drawn),
        legend,
    )


@dataclass(frozen=True)
class Point:
    at: datetime
    mark: Mark


def line(points: Sequence[Point], promised: Mark | None, title: str) -> Markup:
    """A value over time with the band of its interval; dashed, what was promised."""
    scale = Scale.around([*(p.mark for p in points), promised])
    first, last = points[0].at, points[-1].at
    span = (last - first).total_seconds() or 1.0
    across = [round(3 + 94 * (p.at - first).total_seconds() / span, 2) for p in points]
    up = [[round(100 - scale.at(v), 2) for v in (p.mark.value, *p.mark.reach)] for p in points]
    band = " ".join(f"{x},{u[2]}" for x, u in zip(across, up, strict=True))
    band += " " + " ".join(f"{x},{u[1]}" for x, u in reversed(list(zip(across, up, strict=True))))
    path = " ".join(f"{x},{u[0]}" for x, u in zip(across, up, strict=True))
    dots = joined(
        html(
            "<circle cx='{}%' cy='{}%' r='3.5'><title>{}: {}</title></circle>",
            x,
            u[0],
            words.day(p.at),
            said(p.mark),
        )
        for x, u, p in zip(across, up, points, strict=True)
    )
    return html(
        "<div class='mx-line'><div class='mx-line-y'><span>{}</span><span>{}</span></div>"
        "<svg role='img' height='110'><title>{}</title><desc>{}</desc>"
        "<svg viewBox='0 0 100 100' preserveAspectRatio='none' width='100%' height='100%'>"
        "<polygon points='{}'/><polyline points='{}' vector-effect='non-scaling-stroke'/></svg>{}{}</svg>"
        "<div class='mx-line-x'><span>{}</span><span>{}</span></div></div>",
        words.number(scale.most),
        words.number(scale.least),
        title,
        "; ".join(f"{words.day(p.at)}: {said(p.mark)}" for p in points),
        band,
        path,
        _level(scale, promised),
        dots,
        words.day(first),
        words.day(last),
    )


def curve(marks: Sequence[Mark], title: str) -> Markup:
    """A small line from left to right, each value as far from the next, with the band of its interval."""
    scale = Scale.around(marks)
    step = 100 / max(1, len(marks) - 1)
    up = [[round(100 - scale.at(v), 2) for v in (m.value, *m.reach)] for m in marks]
    upper = [f"{round(i * step, 2)},{u[2]}" for i, u in enumerate(up)]
    lower = [f"{round(i * step, 2)},{u[1]}" for i, u in enumerate(up)]
    return html(
        "<svg class='mx-curve' role='img' height='28' viewBox='0 0 100 100' preserveAspectRatio='none'><title>{}</title>"
        "<polygon points='{}'/><polyline points='{}' vector-effect='non-scaling-stroke'/></svg>",
        title,
        " ".join([*upper, *reversed(lower)]),
        " ".join(f"{round(i * step, 2)},{u[0]}" for i, u in enumerate(up)),
    )


def _level(scale: Scale, promised: Mark | None) -> Markup:
    if promised is None:
        return Markup("")
    y = round(100 - scale.at(promised.value), 2)
    return html("<line class='mx-promised' x1='0' x2='100%' y1='{}%' y2='{}%'/>", y, y)


def said(mark: Mark) -> str:
    """`0.53 (0.51 to 0.55)`."""
    between = words.interval(mark.low, mark.high)
    return f"{words.number(mark.value)} ({between})" if between else words.number(mark.value)
