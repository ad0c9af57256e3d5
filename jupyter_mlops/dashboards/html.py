"""Parts of a page: frame and style, cards, tables, small SVG charts. Everything that came from data is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

STYLE = """
.mx{--ink:#182033;--soft:#5c667d;--line:#e1e5ee;--card:#fff;--page:#f5f7fb;--brand:#2f55d4;--good:#1a7f4b;--bad:#b3261e;
--warn:#9a5b00;font:15px/1.5 "Segoe UI",system-ui,"DejaVu Sans",sans-serif;color:var(--ink);background:var(--page);
padding:28px clamp(16px,4vw,48px);
min-height:100vh;box-sizing:border-box}
@media (prefers-color-scheme:dark){.mx{--ink:#e8ecf5;--soft:#9fa9bf;--line:#2e3646;--card:#1b2130;--page:#12161f;--brand:#8aa4ff;
--good:#5fd394;--bad:#ff8a80;--warn:#f0b45b}}
.mx h1{font-size:26px;line-height:1.2;margin:0 0 2px;font-weight:650;letter-spacing:-.01em}
.mx h2{font-size:17px;margin:30px 0 10px;font-weight:600}
.mx .soft{color:var(--soft)}.mx .small{font-size:13px}
.mx .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px;margin:20px 0}
.mx .card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 18px}
.mx .card b{display:block;font-size:28px;line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums;letter-spacing:-.02em}
.mx .scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:12px}
.mx table{border-collapse:collapse;width:100%;font-size:14px;table-layout:auto;margin:0}
.mx th,.mx td{text-align:left!important;max-width:none!important;
white-space:normal;padding:9px 14px;border-bottom:1px solid var(--line);vertical-align:top;
background:none;color:inherit}
.mx tr:last-child td{border-bottom:0}
.mx th{font-weight:500;color:var(--soft);font-size:13px;white-space:nowrap}
.mx td.num,.mx th.num{text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap}
.mx .state{white-space:nowrap;font-weight:600}.mx .good{color:var(--good)}.mx .bad{color:var(--bad)}.mx .warn{color:var(--warn)}
.mx code{font-size:12px;overflow-wrap:anywhere}
.mx .note{border-left:4px solid var(--brand);background:var(--card);padding:14px 18px;border-radius:0 10px 10px 0;margin:18px 0}
.mx svg{display:block;max-width:100%}.mx svg text{fill:var(--soft);font-size:11px}
@media print{.mx{background:#fff;padding:0}.mx .card,.mx .scroll{break-inside:avoid}}
"""
_STATES = {
    "healthy": ("good", "●"),
    "at risk": ("bad", "▲"),
    "not in service": ("warn", "■"),
    "unknown": ("soft", "?"),
    "pass": ("good", "✓"),
    "fail": ("bad", "✗"),
    "inconclusive": ("warn", "~"),
    "not run": ("soft", "-"),
    "critical": ("bad", "▲"),
    "warning": ("warn", "▲"),
}


def frame(content: str) -> str:
    return f"<style>{STYLE}</style><main class='mx'>{content}</main>"


def heading(title: str, project: str, at: datetime) -> str:
    return f"<h1>{escape(title)}</h1><div class='soft'>{escape(project)} · as of {moment(at)}</div>"


def moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%-d %b %Y %H:%M UTC")


def day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%-d %b %Y")


def message(title: str, what: str, fix: str) -> str:
    return f"<h1>{escape(title)}</h1><div class='note' role='status'>{escape(what)}<div class='soft'>{escape(fix)}</div></div>"


def cards(items: Sequence[tuple[str, str, str]]) -> str:
    """Label, figure, and a line below it."""
    inner = "".join(
        f"<div class='card'><span class='soft small'>{escape(label)}</span><b>{escape(figure)}</b>"
        f"<span class='soft small'>{escape(below)}</span></div>"
        for label, figure, below in items
    )
    return f"<div class='cards'>{inner}</div>"


def state(word: str) -> str:
    """A state by word, sign and colour, never by colour alone."""
    kind, sign = _STATES.get(word, ("soft", ""))
    return f"<span class='state {kind}'><span aria-hidden='true'>{sign}</span> {escape(word)}</span>"


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int] = (), empty: str = "Nothing yet."
) -> str:
    """Cells are HTML already; headers are text; `numeric` columns are set to the right."""
    if not rows:
        return f"<p class='soft'>{escape(empty)}</p>"
    head = "".join(f"<th scope='col'{_num(i, numeric)}>{escape(h)}</th>" for i, h in enumerate(headers))
    body = "".join("<tr>" + "".join(f"<td{_num(i, numeric)}>{c}</td>" for i, c in enumerate(r)) + "</tr>" for r in rows)
    return f"<div class='scroll' tabindex='0'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _num(index: int, numeric: Sequence[int]) -> str:
    return " class='num'" if index in numeric else ""


def number(value: float | None, digits: int = 3) -> str:
    return "unknown" if value is None else f"{value:,.{digits}g}" if abs(value) < 1000 else f"{value:,.0f}"


def whisker(value: float, low: float, high: float, marks: Sequence[float], label: str) -> str:
    """One estimate with its interval on a scale shared by all marks, as a small picture."""
    left, right = min([low, *marks]), max([high, *marks])
    width = (right - left) or 1.0

    def at(x: float) -> float:
        return 6 + 148 * (x - left) / width

    return (
        f"<svg role='img' aria-label='{escape(label)}' width='160' height='18' viewBox='0 0 160 18'>"
        f"<line x1='6' x2='154' y1='9' y2='9' stroke='var(--line)'/>"
        f"<line x1='{at(low):.1f}' x2='{at(high):.1f}' y1='9' y2='9' stroke='var(--brand)' "
        "stroke-width='4' stroke-opacity='.45'/>"
        f"<circle cx='{at(value):.1f}' cy='9' r='4.5' fill='var(--brand)'/></svg>"
    )
