"""The OpenAPI document of the routes, made from the records; `python -m jupyter_mlops.lab.openapi` prints it."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from jupyter_mlops.lab.routes import ROUTES, Route


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
    in_path = [n for n in route.takes if f"{{{n}}}" in route.path]
    operation["parameters"] = [
        {"name": n, "in": "path", "required": True, "schema": {"type": route.takes[n]}} for n in in_path
    ] + [
        {"name": n, "in": "query", "schema": {"type": kind}}
        for n, kind in route.takes.items()
        if n not in in_path and route.method == "GET"
    ]
    if route.method == "POST":
        fields = {n: {"type": kind} for n, kind in route.takes.items() if n not in in_path}
        body = {"type": "object", "required": list(fields), "properties": fields}
        operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return operation


if __name__ == "__main__":
    import sys

    sys.stdout.write(json.dumps(document(), indent=1, sort_keys=True))
