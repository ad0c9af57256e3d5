"""One handler for every route: authenticated, authorised, out of the event loop, and one envelope for answers and refusals."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.auth.identity import IdentityProvider, LegacyIdentityProvider, PasswordIdentityProvider
from jupyter_server.base.handlers import APIHandler
from pydantic import TypeAdapter
from tornado import web  # type: ignore[attr-defined]

from jupyter_mlops import config
from jupyter_mlops.errors import BadInput, MlopsError
from jupyter_mlops.lab.openapi import document
from jupyter_mlops.lab.route import Route
from jupyter_mlops.lab.routes import ROUTES
from jupyter_mlops.store import import_mlflow

# These let in whoever has the server's one token or password, and make up a name for each: they vouch for nobody.
_NAMELESS = (IdentityProvider, LegacyIdentityProvider, PasswordIdentityProvider)


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
            given = self._words(route, words) | self._who()
            run = asyncio.get_running_loop().run_in_executor
            pool = self._app.slow_pool if route.slow else self._app.pool
            answer = await run(pool, _answered, route, self._app.workspace, given)
        except MlopsError as error:
            self.set_status(error.http_status)
            self.finish(json.dumps({"ok": False, "error": error.as_dict()}, default=str))
            return
        self.finish(json.dumps({"ok": True, "data": answer}))

    def _words(self, route: Route, path: dict[str, str]) -> dict[str, Any]:
        """Path, query and body together, checked against what the route takes; what it does not take is left out."""
        given: dict[str, Any] = {k: self.get_query_argument(k) for k in self.request.query_arguments}
        if route.method == "POST":
            given |= self._body()
        given |= path
        words = {}
        for name, (kind, needed, _) in route.fields().items():
            if given.get(name) is not None:
                words[name] = _typed(name, given[name], kind)
            elif needed:
                raise BadInput(f"{name} is missing", f"send {name}", field=name)
        return words

    def _body(self) -> dict[str, Any]:
        try:
            body = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise BadInput(f"the body is not JSON: {error}", "send a JSON object") from error
        if not isinstance(body, dict):
            raise BadInput("the body is not an object", "send a JSON object")
        return body

    def _who(self) -> dict[str, str]:
        """Whom the server knows. One that only asks for its token knows nobody: there it is who runs it, the OS user."""
        if type(self.identity_provider) in _NAMELESS:
            return {"actor": config.actor(), "source": "os"}
        return {"actor": self.current_user.username, "source": "jupyter"}


def _answered(route: Route, workspace: Any, given: dict[str, Any]) -> Any:
    if route.path != "status":  # which is there at once, and needs no MLflow
        import_mlflow()
    return _plain(route, route.answer(workspace, given))


def _typed(name: str, value: Any, kind: str) -> Any:
    return _READ[kind](name, value)


def _integer(name: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    raise BadInput(f"{name}={value!r} is not a whole number", f"send {name} as a number", field=name)


def _string(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f"{name} is empty", f"send {name} as text", field=name)
    return value


def _boolean(name: str, value: Any) -> bool:
    if value in (True, False, "true", "false"):
        return value in (True, "true")
    raise BadInput(f"{name}={value!r} is neither true nor false", f"send {name} as true or false", field=name)


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput(f"{name} is not an object", f"send {name} as texts by name", field=name)
    return value


_READ: dict[str, Callable[[str, Any], Any]] = {
    "integer": _integer,
    "string": _string,
    "boolean": _boolean,
    "object": _object,
}


def _plain(route: Route, answer: Any) -> Any:
    """As JSON has it, and as the route says it is: a flow's plain dictionary is held against its shape here."""
    kind = TypeAdapter(route.gives)
    return kind.dump_python(kind.validate_python(answer), mode="json")


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
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)
        made.append((f"/jupyter-mlops/{pattern}", RouteHandler, {"routes": routes, "app": app}))
    return made
