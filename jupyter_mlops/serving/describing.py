"""What a server says of itself: OpenAPI for programs, a page for people."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from jupyter_mlops.serving.models import Held

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:860px;margin:40px auto;padding:0 16px;color-scheme:light dark}"
    "pre{overflow:auto;padding:12px;border:1px solid #8885;border-radius:6px}"
)


def openapi(held: list[Held]) -> dict[str, Any]:
    """OpenAPI 3.1 of the endpoints, with each model's columns."""
    paths: dict[str, Any] = {
        "/health/live": {"get": {"summary": "alive", "responses": {"200": {"description": "yes"}}}},
        "/metrics": {"get": {"summary": "Prometheus counters", "responses": {"200": {"description": "text"}}}},
        "/ground-truth": {"post": {"summary": "outcomes", "responses": {"200": {"description": "received"}}}},
    }
    for one in held:
        row = {"type": "object", "required": one.loaded.features, "properties": {f: {} for f in one.loaded.features}}
        schema = {"type": "object", "properties": {"dataframe_records": {"type": "array", "items": row}}}
        call = {
            "summary": f"predict with {one.name} version {one.loaded.version.version}",
            "requestBody": {"content": {"application/json": {"schema": schema}, "text/csv": {}}},
            "responses": {
                "200": {"description": "predictions, inference_ids, version"},
                "400": {"description": "error"},
            },
        }
        paths[f"/models/{one.name}/invocations"] = {"post": call}
        protocol = {**call, "summary": f"{call['summary']} (Open Inference Protocol)"}
        paths[f"/v2/models/{one.name}/infer"] = {"post": protocol}
    return {"openapi": "3.1.0", "info": {"title": "jupyter mlops serve", "version": "1"}, "paths": paths}


def landing_page(held: list[Held]) -> str:
    parts = "".join(_model(one) for one in held)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Models served here</title><style>{_STYLE}</style>"
        f"<h1>Models served here</h1>{parts}<p><a href=/openapi.json>OpenAPI</a> · <a href=/metrics>metrics</a></p></html>"
    )


def _model(one: Held) -> str:
    example = one.loaded.input_example
    blank = [dict.fromkeys(one.loaded.features, 0)]
    row = json.loads(example.head(1).to_json(orient="records")) if example is not None else blank
    body = json.dumps({"dataframe_records": row})
    command = f"curl -H 'content-type: application/json' -d '{body}' http://HOST:PORT/models/{one.name}/invocations"
    return (
        f"<h2>{escape(one.name)} <small>version {one.loaded.version.version}</small></h2><pre>{escape(command)}</pre>"
    )
