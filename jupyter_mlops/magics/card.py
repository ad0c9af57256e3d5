"""The run card: what was captured, and what a person should know of it; rich in JupyterLab, plain elsewhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from jupyter_mlops.tracking import Cell

_STYLE = """
.mlops-card{border:1px solid var(--jp-border-color2,#8884);border-radius:6px;padding:10px 14px;margin:4px 0;max-width:760px;
font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;color:var(--jp-ui-font-color1,inherit);
background:var(--jp-layout-color1,transparent);line-height:1.5}
.mlops-card header{display:flex;gap:8px;align-items:baseline;flex-wrap:wrap}
.mlops-card .mlops-name{font-weight:600;font-size:14px}
.mlops-card .mlops-chip{border-radius:9px;padding:0 8px;font-size:11px;border:1px solid currentColor}
.mlops-card .mlops-FINISHED{color:var(--jp-success-color1,#1a7f37)}
.mlops-card .mlops-FAILED,.mlops-card .mlops-KILLED{color:var(--jp-error-color1,#c62828)}
.mlops-card .mlops-quiet{color:var(--jp-ui-font-color2,#777);font-size:12px}
.mlops-card .mlops-figures{display:flex;gap:22px;flex-wrap:wrap;margin:6px 0}
.mlops-card .mlops-figures b{display:block;font-size:19px;font-weight:600;font-variant-numeric:tabular-nums}
.mlops-card .mlops-warn span{color:var(--jp-warn-color1,#a15c00)}
.mlops-card dl{display:grid;grid-template-columns:max-content 1fr;gap:1px 12px;margin:4px 0}
.mlops-card dt{color:var(--jp-ui-font-color2,#777);white-space:nowrap}
.mlops-card dd{margin:0;overflow-wrap:anywhere}
.mlops-card .mlops-do{display:none;gap:6px;flex-wrap:wrap;margin-top:8px}
.jp-NotebookPanel .mlops-card .mlops-do{display:flex}
.mlops-card .mlops-do button{font:inherit;font-size:12px;padding:2px 10px;border-radius:4px;cursor:pointer;
border:1px solid var(--jp-border-color1,#8888);background:var(--jp-layout-color2,transparent);color:inherit}
.mlops-card .mlops-do button:focus-visible{outline:2px solid var(--jp-brand-color1,#1976d2);outline-offset:1px}
"""

# JupyterLab runs these commands of our extension; anywhere else nothing would, so the buttons are not shown: an exported page
# and Voila's have a `.jp-Notebook` too, and no `.jp-NotebookPanel` around it.
_DO = {
    "open-run": "Open run",
    "compare-run": "Compare",
    "replay-run": "Replay",
    "register-run": "Register…",
    "name-run": "Name it…",
}


class Card:
    """Shown by IPython: HTML with what it needs inside, and the same as text."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def text(self) -> str:
        cell = self.cell
        lines = [
            f"{cell.name}{_attempt(cell)} {cell.status} in {cell.seconds:.2f} s"
            + (f": {cell.error}" if cell.error else "")
        ]
        lines += [
            f"  {name} {value:.6g}{_change(cell, name)}, from {cell.origins.get(name, 'the cell')}"
            for name, value in cell.metrics.items()
        ]
        lines += [f"  {what}: {value}" for what, value in _facts(cell)]
        lines += [f"  warning: {warning}" for warning in cell.warnings]
        return "\n".join(lines)

    def html(self) -> str:
        cell = self.cell
        figures = "".join(
            f"<div title='from {escape(cell.origins.get(name, 'the cell'), quote=True)}'>"
            f"<span class='mlops-quiet'>{escape(name)}</span><b>{value:.4g}</b>"
            f"<span class='mlops-quiet'>{escape(_change(cell, name))}</span></div>"
            for name, value in cell.metrics.items()
        )
        facts = "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in _facts(cell))
        warnings = "".join(f"<div class='mlops-warn'><span>⚠</span> {escape(w)}</div>" for w in cell.warnings)
        error = f"<div class='mlops-FAILED'>{escape(cell.error)}</div>" if cell.error else ""
        return (
            f"<style>{_STYLE}</style><section class='mlops-card' aria-label='Tracked run {escape(cell.name)}'>"
            f"<header><span class='mlops-name'>{escape(cell.name + _attempt(cell))}</span>"
            f"<span class='mlops-chip mlops-{escape(cell.status)}'>{escape(cell.status.lower())}</span>"
            f"<span class='mlops-quiet'>{cell.seconds:.2f} s · record {escape(cell.key[:8])}</span></header>"
            f"{error}<div class='mlops-figures'>{figures or _no_metrics(cell)}</div><dl>{facts}</dl>{warnings}"
            f"{_buttons(cell)}</section>"
        )


def _buttons(cell: Cell) -> str:
    words = escape(json.dumps({"run": cell.key}), quote=True)
    return (
        "<div class='mlops-do'>"
        + "".join(
            f"<button type='button' data-commandlinker-command='mlops:{command}' data-commandlinker-args='{words}'>"
            f"{escape(label)}</button>"
            for command, label in _DO.items()
            if command != "register-run" or cell.model
        )
        + "</div>"
    )


def _no_metrics(cell: Cell) -> str:
    if cell.status != "FINISHED":
        return ""
    return "<span class='mlops-quiet'>no metric was found; name one with --metric NAME=EXPR</span>"


def _attempt(cell: Cell) -> str:
    return f", attempt {cell.attempt}" if cell.attempt > 1 else ""


def _change(cell: Cell, name: str) -> str:
    said = []
    before, best = cell.previous.get(name), cell.best.get(name)
    if before is not None and best is not None:
        known = "" if best == before else f", best so far {best:.4g}"
        said.append(f"{cell.metrics[name] - before:+.3g} against the attempt before{known}")
    champion = cell.champion.get("metrics", {}).get(name)
    if champion is not None:
        who = f"{cell.champion['model']} v{cell.champion['version']}"
        said.append(f"{cell.metrics[name] - champion:+.3g} against champion {who}")
    return f" ({'; '.join(said)})" if said else ""


def _chance(cell: Cell) -> str:
    which = ", ".join("this one" if n == cell.executed else f"execution {n}" for n in cell.unseeded)
    return f", but for the random numbers that {which} drew without a seed" if which else ""


def _facts(cell: Cell) -> list[tuple[str, str]]:
    facts = [("model", cell.model)] if cell.model else []
    facts += [
        (
            d["context"],
            f"{d['name']}: {d['rows']:,} rows of {d['columns']} columns, digest {d['digest'][:10]}, from {d['source']}",
        )
        for d in cell.datasets
    ]
    if cell.parameters:
        shown = list(cell.parameters.items())
        more = f", and {len(shown) - 8} more" if len(shown) > 8 else ""
        facts.append(("parameters", ", ".join(f"{k}={v}" for k, v in shown[:8]) + more))
    facts.append(("reproducible from", f"{len(cell.slice) + 1} of {cell.executed} executed cells{_chance(cell)}"))
    return facts
