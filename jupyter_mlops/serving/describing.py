"""What a server says of itself: OpenAPI for programs, a page with a form for people."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from jupyter_mlops.serving.models import Held

_TYPES: dict[str, dict[str, Any]] = {
    "number": {"type": ["number", "null"]},
    "bool": {"type": ["boolean", "null"]},
    "text": {"type": ["string", "null"]},
    "time": {"type": ["string", "null"], "format": "date-time"},
    "any": {},
}
_STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:860px;margin:40px auto;padding:0 16px}"
    "textarea,pre,input{width:100%;box-sizing:border-box;font:13px/1.4 ui-monospace,monospace}textarea{height:9em}"
    "pre{overflow:auto;padding:12px;border:1px solid #8885;border-radius:6px;min-height:2em;white-space:pre-wrap}"
    "button{font:inherit;margin:6px 6px 6px 0;padding:4px 14px}"
)
_SCRIPT = (
    "document.querySelectorAll('.curl').forEach(p=>p.textContent=p.textContent.replace('HOST:PORT',location.host));"
    "document.querySelectorAll('form').forEach(f=>f.addEventListener('submit',async e=>{e.preventDefault();"
    "const out=f.querySelector('pre'),key=document.querySelector('#key').value;out.textContent='…';"
    "try{const r=await fetch(e.submitter.value,{method:'POST',body:f.querySelector('textarea').value,"
    "headers:{'content-type':'application/json',...(key?{authorization:'Bearer '+key}:{})}});"
    "out.textContent=r.status+' '+JSON.stringify(await r.json(),null,1)}catch(x){out.textContent=String(x)}}))"
)


def openapi(held: list[Held]) -> dict[str, Any]:
    """OpenAPI 3.1 of the endpoints, with each model's columns as far as it is in memory."""
    paths: dict[str, Any] = {
        "/health/live": {"get": {"summary": "alive", "responses": {"200": {"description": "yes"}}}},
        "/health/ready": {"get": {"summary": "a model is in service", "responses": {"200": {"description": "yes"}}}},
        "/metrics": {"get": {"summary": "Prometheus counters", "responses": {"200": {"description": "text"}}}},
        "/ground-truth": {"post": _truth()},
    }
    for one in held:
        title = f"{one.name} version {one.version.version}"
        rows = {"dataframe_records": {"type": "array", "items": _row(one)}}
        schema = {"type": "object", "properties": rows}
        paths[f"/models/{one.name}/invocations"] = {
            "post": _call(f"predict with {title}", {"application/json": {"schema": schema}, "text/csv": {}})
        }
        explained = _call(f"reasons for a prediction of {title}", {"application/json": {"schema": schema}})
        paths[f"/models/{one.name}/explain"] = {"post": explained}
        tensors = {"type": "object", "required": ["inputs"], "properties": {"inputs": {"type": "array"}}}
        protocol = _call(f"predict with {title} (Open Inference Protocol)", {"application/json": {"schema": tensors}})
        paths[f"/v2/models/{one.name}/infer"] = {"post": protocol}
        paths[f"/v2/models/{one.name}"] = {
            "get": {"summary": f"columns of {title}", "responses": {"200": {"description": "metadata"}}}
        }
    return {"openapi": "3.1.0", "info": {"title": "jupyter mlops serve", "version": "1"}, "paths": paths}


def _row(one: Held) -> dict[str, Any]:
    known = one.ready or one.asleep
    if known is None:
        return {"type": "object"}
    schema = known.schema
    columns = {name: _TYPES[kind] for name, kind in zip(schema.names, schema.kinds, strict=True)}
    return {"type": "object", "required": schema.names, "properties": columns}


def _call(summary: str, content: dict[str, Any]) -> dict[str, Any]:
    answers = {"200": {"description": "answers"}, "400": {"description": "column, row, expected and got"}}
    return {"summary": summary, "requestBody": {"content": content}, "responses": answers}


def _truth() -> dict[str, Any]:
    fields = {"inference_id": {"type": "string"}, "truth": {}, "observed_at": {"type": "string", "format": "date-time"}}
    row = {"type": "object", "required": ["inference_id", "truth"], "properties": fields}
    body = {"type": "object", "properties": {"model": {"type": "string"}, "truth": {"type": "array", "items": row}}}
    return _call("what came true", {"application/json": {"schema": body}})


def landing_page(held: list[Held]) -> str:
    parts = "".join(_model(one) for one in held)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><link rel=icon href=data:,>"
        f"<title>Models served here</title><style>{_STYLE}</style>"
        f"<h1>Models served here</h1><p><label>API key or token, where one is needed <input id=key type=password></label></p>"
        f"{parts}<p><a href=/openapi.json>OpenAPI</a> · <a href=/metrics>metrics</a></p>"
        f"<script>{_SCRIPT}</script></html>"
    )


def _model(one: Held) -> str:
    known = one.ready or one.asleep
    example = known.loaded.input_example if known else None
    names = known.schema.names if known else []
    row = json.loads(example.head(1).to_json(orient="records")) if example is not None else [dict.fromkeys(names, 0)]
    body, name = json.dumps({"dataframe_records": row}), escape(one.name, quote=True)
    command = f"curl -H 'content-type: application/json' -d '{body}' http://HOST:PORT/models/{one.name}/invocations"
    buttons = "".join(
        f'<button value="/models/{name}/{act}">{word}</button>'
        for act, word in (("invocations", "Predict"), ("explain", "Explain"))
    )
    return (
        f"<h2>{name} <small>version {one.version.version}</small></h2><form><textarea aria-label='request of {name}'>"
        f"{escape(body)}</textarea>{buttons}<pre aria-live=polite></pre></form><pre class=curl>{escape(command)}</pre>"
    )
