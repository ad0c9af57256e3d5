"""The model card: made from what is known, with what only a person can say, and what nobody has said named as missing.

As Markdown it is a Hugging Face card (YAML front matter with a model-index), so hubs and their tools read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import yaml

from jupyter_mlops.governance.approvals import APPROVED, GLASS
from jupyter_mlops.governance.card_evidence import finding_sections, findings
from jupyter_mlops.governance.dossier import Dossier

MISSING = "not provided"
# What a person is asked for, by the risk of the model.
ASKED = {
    "low": ("purpose", "owner"),
    "medium": ("purpose", "owner", "intended_use", "limitations", "contact"),
    "high": (
        "purpose",
        "owner",
        "intended_use",
        "users",
        "out_of_scope",
        "limitations",
        "risks",
        "affected_groups",
        "human_oversight",
        "data_origin",
        "contact",
    ),
}
_TASKS = {"regression": "tabular-regression", "classification": "tabular-classification", "ranking": "other"}


def card_of(d: Dossier) -> dict[str, Any]:
    """The card's facts. The same dossier gives the same card."""
    asked = {name: d.asked.get(name, MISSING) for name in ASKED.get(d.risk or "high", ASKED["high"])}
    more = {name: text for name, text in d.asked.items() if name not in asked}
    e = d.evidence
    return {
        "model": d.version.model,
        "version": d.version.version,
        "project": d.project,
        "business_unit": d.business_unit,
        "task": d.target.spec.task if d.target else MISSING,
        "risk": d.risk or MISSING,
        "status": _status(d),
        "created": d.version.created.isoformat(),
        "digest": d.version.digest or MISSING,
        "run": d.version.run_id or MISSING,
        "library": d.library or MISSING,
        "said_by_people": asked | more,
        "missing": [name for name, text in asked.items() if text == MISSING],
        "training": {
            "by": d.run.tags.get("mlflow.user", MISSING) if d.run else MISSING,
            "parameters": d.run.parameters if d.run else {},
            "datasets": [x.model_dump() for x in d.run.datasets] if d.run else [],
            "code_lines": len(d.code.splitlines()),
            "python": d.environment.get("python", MISSING),
            "packages": len(d.requirements),
        },
        "evaluation": {
            "verdict": e.verdict if e else "not run",
            "evidence": e.digest if e else MISSING,
            "data": e.data.model_dump() if e else None,
            "metrics": [x.model_dump() for x in e.estimates] if e else [],
            "gates": [x.model_dump() for x in e.gates] if e else [],
            "against_champion": [x.model_dump() for x in e.comparisons] if e else [],
        },
        "findings": findings(e),
        "fairness": [x.model_dump() for x in e.gates if " by " in x.gate or "fair" in x.gate] if e else [],
        "approvals": {"state": d.standing.get("state", "unknown"), "policies": d.standing.get("policies", [])},
        "monitoring": [p.model_dump(mode="json") for p in d.points[-20:]],
        "incidents": [a.model_dump(mode="json") for a in d.alerts],
        "comments": d.standing.get("comments", []),
    }


def _status(d: Dossier) -> str:
    """SageMaker's four words."""
    if "champion" in d.version.aliases:
        return "Approved"
    actions = {e.action for e in d.of_version}
    held = any(
        e.action == "set alias" and str((e.after or {}).get("version")) == str(d.version.version) for e in d.history
    )
    if held:
        return "Archived"
    return "PendingReview" if actions & {"approval requested", APPROVED, GLASS} else "Draft"


def as_markdown(c: dict[str, Any]) -> str:
    """Front matter and sections. Text of people is kept from being read as markup."""
    front = {
        **({"library_name": c["library"]} if c["library"] != MISSING else {}),
        "pipeline_tag": _TASKS.get(c["task"], "other"),
        "tags": ["jupyter-mlops", c["task"], f"risk:{c['risk']}"],
        "model-index": [{"name": c["model"], "results": _results(c)}],
    }
    text = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    parts = [f"---\n{text}---\n", f"# {_plain(c['model'])} version {c['version']}\n"]
    for title, rows in sections(c):
        parts.append(f"## {title}\n")
        parts.append(_markdown_table(rows) if len(rows) > 1 else "Nothing is recorded.\n")
    return "\n".join(parts)


def _results(c: dict[str, Any]) -> list[dict[str, Any]]:
    e = c["evaluation"]
    whole = [m for m in e["metrics"] if not m["slice"]]
    if not whole:
        return []
    metrics = [
        {"type": m["metric"], "value": m["value"], "name": f"{m['metric']} (95% {m['low']:.4g} to {m['high']:.4g})"}
        for m in whole
    ]
    return [
        {
            "task": {"type": _TASKS.get(c["task"], "other")},
            "dataset": {"name": e["data"]["name"], "type": e["data"]["source"], "revision": e["data"]["digest"]},
            "metrics": metrics,
        }
    ]


Rows = list[tuple[str, ...]]


def sections(c: dict[str, Any]) -> list[tuple[str, Rows]]:
    """(title, table that begins with its header) in the order of reading."""
    e, t = c["evaluation"], c["training"]
    facts = [
        (n.replace("_", " "), str(c[n])) for n in ("status", "risk", "task", "project", "created", "digest", "run")
    ]
    metrics = [
        (m["metric"], m["slice"] or "all", f"{m['value']:.4g}", f"{m['low']:.4g} to {m['high']:.4g}", str(m["n"]))
        for m in e["metrics"]
    ]
    gates = [(g["verdict"], g["sentence"]) for g in e["gates"]]
    data = [
        (x["context"], x["name"], x["source"], str(x["rows"]), x["digest"])
        for x in [*t["datasets"], *([e["data"]] if e["data"] else [])]
    ]
    votes = [
        (p["policy"], p["state"], v["by"], v["state"], v["reason"])
        for p in c["approvals"]["policies"]
        for v in p["votes"]
    ]
    return [
        ("What it is", _table(("Fact", "Value"), facts)),
        (
            "What people say of it",
            _table(("Field", "Text"), [(n.replace("_", " "), x) for n, x in c["said_by_people"].items()]),
        ),
        ("Metrics", _table(("Metric", "Where", "Value", "95 % interval", "Rows"), metrics)),
        ("Gates", _table(("Answer", "Finding"), gates)),
        *((title, _table(head, rows)) for title, (head, *rows) in finding_sections(c)),
        ("Data", _table(("Use", "Name", "Source", "Rows", "SHA-256"), data)),
        ("Parameters", _table(("Name", "Value"), sorted(t["parameters"].items()))),
        ("Approvals", _table(("Policy", "State", "Who", "Counts", "Reason"), votes)),
        (
            "Monitoring",
            _table(
                ("Metric", "Until", "Value", "Rows"),
                [(p["metric"], p["end"], f"{p['value']:.4g}", str(p["n"])) for p in c["monitoring"]],
            ),
        ),
        (
            "Incidents",
            _table(
                ("Opened", "Severity", "State", "What"),
                [(a["opened"], a["severity"], a["state"], a["sentence"]) for a in c["incidents"]],
            ),
        ),
    ]


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Rows:
    return [head, *(tuple(map(str, row)) for row in rows)]


def _markdown_table(rows: Rows) -> str:
    lines = ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]) + "\n"


def _plain(text: object) -> str:
    """Text in a Markdown table: no HTML, no link that runs, no cell that ends early, nothing invisible."""
    shown = "".join(ch if ch.isprintable() else " " for ch in str(text))
    shown = escape(shown, quote=False)
    for mark in "\\`*_[]|":
        shown = shown.replace(mark, f"\\{mark}")
    return shown


_SHORT = 16  # characters: a word that no column need break
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}th,td{border-bottom:1px solid #d0d7de;padding:.35rem .5rem;"
    "text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:#f6f8fa}"
    # Only what is long is broken anywhere: names of things and states stay whole beside it.
    "th,td.short{overflow-wrap:normal}"
    "@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}th{background:#161b22}th,td{border-color:#30363d}}"
)


def as_html(title: str, parts: list[tuple[str, Rows]], lead: str = "") -> str:
    """A page that needs nothing from anywhere and runs nothing."""
    body = "".join(f"<h2>{escape(name)}</h2>{_html_table(rows)}" for name, rows in parts)
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    named = f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    head = f"<!doctype html><html lang='en'><head><meta charset='utf-8'>{policy}{named}</head>"
    return f"{head}<body><h1>{escape(title)}</h1><p>{escape(lead)}</p>{body}</body></html>\n"


def _html_table(rows: Rows) -> str:
    if len(rows) < 2:
        return "<p>Nothing is recorded.</p>"
    head = "".join(f"<th scope='col'>{escape(str(cell))}</th>" for cell in rows[0])
    lines = "".join("<tr>" + "".join(_html_cell(_seen(cell)) for cell in row) + "</tr>" for row in rows[1:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _html_cell(text: str) -> str:
    kind = " class='short'" if max(map(len, text.split()), default=0) <= _SHORT else ""
    return f"<td{kind}>{escape(text)}</td>"


def _seen(text: object) -> str:
    return "".join(ch if ch.isprintable() else "\N{REPLACEMENT CHARACTER}" for ch in str(text))
