"""A drift report as text and as a page in the notebook: the columns that matter first, each with its two histograms."""

from __future__ import annotations

from html import escape
from typing import Any

# A DriftReport and its columns; the report imports this module to show itself, so they cannot be named here.
DriftReport = Any
ColumnDrift = Any

_SHOWN = 60
_STYLE = (
    "<style>.mlops-drift{border-collapse:collapse;font-size:13px;color:var(--jp-ui-font-color1,inherit)}"
    ".mlops-drift th,.mlops-drift td{padding:3px 10px;text-align:left;vertical-align:middle}"
    ".mlops-drift td.num{text-align:right;font-variant-numeric:tabular-nums}"
    ".mlops-drift tr.yes td:first-child{font-weight:600;color:var(--jp-error-color1,#c62828)}"
    ".mlops-drift svg .ref{fill:var(--jp-ui-font-color2,#888)}.mlops-drift svg .cur{fill:var(--jp-brand-color1,#1976d2)}"
    "</style>"
)


def as_text(report: DriftReport) -> str:
    lines = [f"{report.rows_reference:,} reference rows, {report.rows_current:,} current rows"]
    for column in _ordered(report):
        mark = "BROKEN" if column.name in report.broken else "DRIFT" if column.drifted else ""
        lines.append(f"{mark:6} {column.name[:40]:40} {column.effect:6.3f}  {column.why}")
    lines += [f"MISSING {name}" for name in report.missing] + [f"EXTRA   {name}" for name in report.extra]
    lines += [f"RENAMED {old} seems to be called {new} now" for old, new in report.renamed.items()]
    lines += [f"BROKEN  {sentence}" for sentence in report.broken.values()]
    lines += [f"{'DRIFT' if pair.drifted else '     '} {pair}" for pair in report.pairs]
    lines += [_together(report)] if report.multivariate else []
    lines += [f"LOST    {what}" for what in report.lost]
    lines.append(f"{len(report.drifted_columns)} of {len(report.columns)} columns drifted")
    return "\n".join(lines)


def as_html(report: DriftReport) -> str:
    ordered = _ordered(report)
    rows = "".join(_row(column, report.pictures.get(column.name)) for column in ordered[:_SHOWN])
    more = f"<p>and {len(ordered) - _SHOWN} more columns, none further moved</p>" if len(ordered) > _SHOWN else ""
    gone = f"<p>missing now: {escape(', '.join(report.missing))}</p>" if report.missing else ""
    new = f"<p>not there before: {escape(', '.join(report.extra))}</p>" if report.extra else ""
    notes = [f"{old} seems to be called {name} now" for old, name in report.renamed.items()]
    notes += [f"broken rather than drifted: {sentence}" for sentence in report.broken.values()]
    notes += [str(pair) for pair in report.pairs]
    notes += [_together(report)] if report.multivariate else []
    notes += [f"could not be read: {what}" for what in report.lost]
    told = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return (
        f"{_STYLE}<p><b>{len(report.drifted_columns)} of {len(report.columns)} columns drifted</b>; "
        f"{report.rows_reference:,} reference rows, {report.rows_current:,} current rows</p>"
        "<table class='mlops-drift'><thead><tr><th scope='col'>column</th><th scope='col'>moved</th>"
        "<th scope='col'>reference, current</th><th scope='col'>why</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>{more}{gone}{new}{told}"
    )


def _together(report: DriftReport) -> str:
    both = report.multivariate
    answer = "the columns together moved" if both.drifted else "the columns together did not move beyond chance"
    return (
        f"{answer}: rows can be told apart with an AUC of {both.auc:.2f} ({both.low:.2f} to {both.high:.2f}), "
        f"reconstruction error {both.reconstruction:.2f} times the usual"
    )


def _ordered(report: DriftReport) -> list[ColumnDrift]:
    return sorted(report.columns, key=lambda c: (not c.drifted, -c.effect, c.name))


def _row(column: ColumnDrift, picture: tuple[list[float], list[float]] | None) -> str:
    chart = f"{_bars(picture[0], 'ref')} {_bars(picture[1], 'cur')}" if picture else ""
    kind = "yes" if column.drifted else "no"
    return (
        f"<tr class='{kind}'><td>{escape(column.name)}</td><td class='num'>{column.effect:.3f}</td>"
        f"<td>{chart}</td><td>{escape(column.why)}</td></tr>"
    )


def _bars(counts: list[float], kind: str) -> str:
    top = max(counts, default=0) or 1
    width = 120 / max(1, len(counts))
    bars = "".join(
        f"<rect x='{i * width:.1f}' y='{26 - 26 * c / top:.1f}' width='{max(1, width - 0.5):.1f}' height='{26 * c / top:.1f}'/>"
        for i, c in enumerate(counts)
    )
    label = "reference" if kind == "ref" else "current"
    return (
        f"<svg role='img' aria-label='{label} distribution' width='120' height='26'><g class='{kind}'>{bars}</g></svg>"
    )
