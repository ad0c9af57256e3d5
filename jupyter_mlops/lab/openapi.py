"""The OpenAPI document of the routes, made from the records; `python -m jupyter_mlops.lab.openapi` prints it."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from jupyter_mlops.lab.route import Route
from jupyter_mlops.lab.routes import ROUTES


def document() -> dict[str, Any]:
    """OpenAPI 3.1, its schemas those of the records."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(f"/jupyter-mlops/{route.path}", {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter_mlops", "version": "1"},
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    given = TypeAdapter(route.gives).json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    schemas.update(given.pop("$defs", {}))
    if "title" in given and given.get("type") == "object":
        schemas[given["title"]] = given
        given = {"$ref": f"#/components/schemas/{given['title']}"}
    envelope = {"type": "object", "required": ["ok", "data"], "properties": {"ok": {"const": True}, "data": given}}
    answer = {"description": route.summary, "content": {"application/json": {"schema": envelope}}}
    operation: dict[str, Any] = {"summary": route.summary, "responses": {"200": answer}}
    fields = route.fields()
    operation["parameters"] = [
        {"name": n, "in": "path" if in_path else "query", "required": needed, "schema": _schema(kind)}
        for n, (kind, needed, in_path) in fields.items()
        if in_path or route.method == "GET"
    ]
    if route.method == "POST":
        own = {n: f for n, f in fields.items() if not f[2]}
        needed = [n for n, f in own.items() if f[1]]
        properties = {n: _schema(f[0]) for n, f in own.items()}
        body = {"type": "object", "required": needed, "properties": properties}
        operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return operation


def _schema(kind: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": {"type": "string"}} if kind == "object" else {"type": kind}


if __name__ == "__main__":
    import sys

    sys.stdout.write(json.dumps(document(), indent=1, sort_keys=True))
