"""One handler for every route: authenticated, authorised, out of the event loop, and one envelope for answers and refusals."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from pydantic import TypeAdapter
from tornado import web  # type: ignore[attr-defined]

from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.lab.openapi import document
from jupyter_mlops.lab.routes import ROUTES, Route


class RouteHandler(APIHandler):  # type: ignore[misc]  # jupyter_server's types are not followed
    """Given all routes of one path, by method."""

    auth_resource = "mlops"

    def initialize(self, routes: dict[str, Route], app: Any) -> None:
        self._routes, self._app = routes, app

    @web.authenticated
    @authorized
    async def get(self, **words: str) -> None:
        await self._answer(words)

    @web.authenticated
    @authorized
    async def post(self, **words: str) -> None:
        await self._answer(words)

    async def _answer(self, words: dict[str, str]) -> None:
        try:
            route = self._routes.get(self.request.method or "")
            if route is None:
                raise web.HTTPError(405)
            given = self._words(route, words)
            run = asyncio.get_running_loop().run_in_executor
            answer = await run(self._app.pool, lambda: _plain(route, route.answer(self._app.workspace, given)))
        except MlopsError as error:
            self.set_status(error.http_status)
            self.finish(json.dumps({"ok": False, "error": error.as_dict()}, default=str))
            return
        self.finish(json.dumps({"ok": True, "data": answer}))

    def _words(self, route: Route, path: dict[str, str]) -> dict[str, Any]:
        """Path, query and body together, checked against what the route takes; the actor is whom the server knows."""
        given: dict[str, Any] = {**{k: self.get_query_argument(k) for k in self.request.arguments}, **path}
        if route.method == "POST":
            body = self.get_json_body() or {}
            if not isinstance(body, dict):
                raise BadInput("the body is not an object", "send a JSON object")
            given |= {k: v for k, v in body.items() if k != "actor"}
        for name, kind in route.takes.items():
            if name not in given and name != "limit":
                raise BadInput(f"{name} is missing", f"send {name}", field=name)
            if name in given:
                given[name] = _typed(name, given[name], kind)
        return given | {"actor": self.current_user.username}


def _typed(name: str, value: Any, kind: str) -> Any:
    if kind == "integer":
        try:
            return int(value)
        except (TypeError, ValueError):
            raise BadInput(f"{name}={value!r} is not a whole number", f"send {name} as a number", field=name) from None
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f"{name} is empty", f"send {name} as text", field=name)
    return value


def _plain(route: Route, answer: Any) -> Any:
    return TypeAdapter(route.gives).dump_python(answer, mode="json")


class OpenApiHandler(APIHandler):  # type: ignore[misc]
    auth_resource = "mlops"

    @web.authenticated
    @authorized
    def get(self) -> None:
        self.finish(json.dumps(document()))


def handlers(app: Any) -> list[tuple[str, type, dict[str, Any]]]:
    """Tornado's table: one line for each path."""
    paths: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = route
    made: list[tuple[str, type, dict[str, Any]]] = [(r"/jupyter-mlops/openapi\.json", OpenApiHandler, {})]
    for path, routes in paths.items():
        pattern = path.replace("{name}", "(?P<name>[^/]+)").replace("{id}", "(?P<id>[^/]+)")
        made.append((f"/jupyter-mlops/{pattern}", RouteHandler, {"routes": routes, "app": app}))
    return made
