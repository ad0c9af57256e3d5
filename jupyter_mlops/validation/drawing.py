"""Explanations as drawings: small SVG texts, the same figures giving the same bytes."""

from __future__ import annotations

from html import escape

from jupyter_mlops.records import Dependence, Evidence, Importance

_WIDTH, _LINE, _LEFT = 640, 22, 200
_MOST_BARS = 20


def drawings(evidence: Evidence) -> dict[str, str]:
    """Name to SVG: the importances, and one curve for each column whose dependence is known."""
    if evidence.explanation is None:
        return {}
    whole = [i for i in evidence.explanation.importances if not i.slice][:_MOST_BARS]
    drawn = {"importance.svg": _bars(f"What {evidence.explanation.loss} grows by without each column", whole)}
    for i, curve in enumerate(evidence.explanation.dependence):
        drawn[f"dependence-{i + 1}.svg"] = _curve(curve)
    return drawn


def _bars(title: str, items: list[Importance]) -> str:
    most = max([i.high for i in items] + [0.0]) or 1.0
    room = _WIDTH - _LEFT - 20
    lines = []
    for row, item in enumerate(items):
        y = 40 + row * _LINE
        value, low, high = (_LEFT + room * max(0.0, v) / most for v in (item.value, item.low, item.high))
        lines += [
            f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(item.column[:28])}</text>',
            f'<rect x="{_LEFT}" y="{y}" width="{value - _LEFT:.1f}" height="14" fill="#4c78a8"/>',
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y + 7}" y2="{y + 7}" stroke="#222"/>',
            f"<title>{escape(item.column)}: {item.value:.4g} ({item.low:.4g} to {item.high:.4g})</title>",
        ]
    return _svg(title, lines, 60 + len(items) * _LINE)


def _curve(curve: Dependence) -> str:
    bottom, top = min(curve.low), max(curve.high)
    tall = (top - bottom) or 1.0
    step = (_WIDTH - 120) / max(1, len(curve.at) - 1)
    xs = [80 + i * step for i in range(len(curve.at))]

    def heights(values: list[float]) -> list[float]:
        return [240 - 190 * (v - bottom) / tall for v in values]

    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, heights(curve.answer), strict=True))
    band = [*zip(xs, heights(curve.low), strict=True), *reversed([*zip(xs, heights(curve.high), strict=True)])]
    area = " ".join(f"{x:.1f},{y:.1f}" for x, y in band)
    lines = [
        f'<polygon points="{area}" fill="#4c78a8" fill-opacity="0.2"/>',
        f'<polyline points="{line}" fill="none" stroke="#4c78a8" stroke-width="2"/>',
        f'<text x="70" y="54" text-anchor="end">{top:.3g}</text><text x="70" y="244" text-anchor="end">{bottom:.3g}</text>',
    ]
    for x, at in zip(xs, curve.at, strict=True):
        shown = f"{at:.3g}" if isinstance(at, float) else escape(at[:8])
        lines.append(f'<text x="{x:.1f}" y="264" text-anchor="middle" font-size="10">{shown}</text>')
    of = f" (score of {curve.answer_of})" if curve.answer_of else ""
    return _svg(f"The mean answer{of} when everyone has this {curve.column}", lines, 280)


def _svg(title: str, lines: list[str], height: int) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12">'
    return "\n".join([head, f'<text x="10" y="20" font-size="14">{escape(title)}</text>', *lines, "</svg>", ""])
