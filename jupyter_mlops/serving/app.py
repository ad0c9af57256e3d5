"""The endpoint as plain ASGI: FastAPI's own validation would cost as much as the prediction."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from jupyter_mlops.errors import BadInput, MlopsError, NotFound, Unavailable
from jupyter_mlops.project import Project
from jupyter_mlops.serving import explaining, protocol, truth
from jupyter_mlops.serving.access import Access
from jupyter_mlops.serving.answering import Answering
from jupyter_mlops.serving.bodies import Gone, Receive, read_body, unpacked, welcome
from jupyter_mlops.serving.callers import Caller, permitted
from jupyter_mlops.serving.counters import Counters, prometheus
from jupyter_mlops.serving.crew import Tally
from jupyter_mlops.serving.describing import landing_page, openapi
from jupyter_mlops.serving.log import InferenceLog
from jupyter_mlops.serving.models import Models
from jupyter_mlops.serving.privacy import Privacy
from jupyter_mlops.serving.requests import Table, read, read_json
from jupyter_mlops.serving.telling import as_invocations
from jupyter_mlops.serving.writer import LOST, LogWriter

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Answer = tuple[int, str, bytes]
_JSON = "application/json"
_HEALTH = frozenset({"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/ping", "/health"})
_HEADERS = (
    "host",
    "origin",
    "authorization",
    "x-api-key",
    "content-type",
    "content-length",
    "content-encoding",
    "expect",
)
_READ = {name.encode(): name for name in _HEADERS}
_INLINE_BYTES = 64 * 1024
_ENCODE = json.JSONEncoder(separators=(",", ":"), default=str).encode
_log = logging.getLogger("jupyter_mlops.serving")


class WrongMethod(BadInput):
    code = "wrong-method"
    http_status = 405


class App:
    """One server's models, its log and its counters."""

    def __init__(
        self, project: Project, models: Models, access: Access | None = None, tally: Tally | None = None
    ) -> None:
        self._project, self.models, self._tally = project, models, tally
        self._limits = project.file.serving.limits
        self._access = access or Access(project)
        self.writer = LogWriter(project, self._tell, Privacy(project))
        self.counters = Counters()
        self._answering = Answering(models, self.writer, self.counters, self._limits.timeout.total_seconds())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        more: list[tuple[bytes, bytes]] = []
        try:
            status, kind, body = await self._answer(scope, receive)
        except Gone:
            return
        except MlopsError as error:
            status, kind, body, more = _refused(error, scope["path"])
        except Exception:  # noqa: BLE001  (no traceback of ours reaches a client)
            _log.exception("a request for %s failed", scope["path"])
            ours = MlopsError("this is our fault", "the server's log says more")
            status, kind, body, more = _refused(ours, scope["path"])
        self.counters.answered(status)
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), *more]
        headers.append((b"x-content-type-options", b"nosniff"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def close(self) -> bool:
        """Whether nothing is left behind: a model that never comes back keeps a thread, and with it the process."""
        self.models.close()
        whole = self._answering.close()
        self.writer.close()
        return whole

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        headers = {_READ[name]: value.decode("latin-1") for name, value in scope["headers"] if name in _READ}
        self._access.same_origin(headers)
        method, path = scope["method"], scope["path"].rstrip("/") or "/"
        if path in _HEALTH and method in ("GET", "HEAD"):
            return self._health(path)
        key = self._access.caller(headers, (scope.get("client") or ("",))[0])
        if method in ("GET", "HEAD"):
            return await self._look(path, key)
        if method != "POST":
            raise WrongMethod(f"{method} is not answered here", "use GET or POST; see /openapi.json")
        act, name, version = _asked(path)
        permitted(key, "truth" if act == "ground-truth" else "predict", name)
        most = int(self._limits.body_mb * 2**20)
        welcome(headers.get("content-length", ""), headers.get("expect", ""), most)
        body = await read_body(receive, most)
        unpacked(headers.get("content-encoding", ""))
        if act == "ground-truth":
            return _ok(await self._answering.run(self._take_truth, body, key))
        if act == "infer":
            return await self._infer(name, version, body)
        name = self._only(name)
        permitted(key, "predict", name)
        table = self._bounded(await self._aside(read, body, headers.get("content-type", "")))
        return await self._predict(name, table) if act == "invocations" else await self._explain(name, table)

    def _only(self, name: str | None) -> str | None:
        """The name of the only model, where none was given; None where the rows' segments decide."""
        held = self.models.held
        if name is not None or len({one.model for one in held.values()}) > 1 or not held:
            return name
        return next(iter(held)) if len(held) == 1 else next(iter(held.values())).model

    async def _aside(self, how: Callable[..., Any], body: bytes, *given: Any) -> Any:
        """In a thread when the body is large, so that others are not kept waiting."""
        return how(body, *given) if len(body) < _INLINE_BYTES else await self._answering.run(how, body, *given)

    def _bounded(self, table: Table) -> Table:
        if len(table) > self._limits.rows:
            raise BadInput(
                f"{len(table)} rows are more than {self._limits.rows}",
                "send fewer at a time, or use `jupyter mlops score`",
            )
        return table

    async def _predict(self, name: str | None, table: Table) -> Answer:
        found = await self._answering.answer(name, table)
        said = {**as_invocations(found.said), "inference_ids": found.ids, "version": found.version}
        return _ok(said if found.versions is None else {**said, "versions": found.versions})

    async def _infer(self, name: str | None, version: str | None, body: bytes) -> Answer:
        own, wanted, table = await self._aside(protocol.read, body)
        self._bounded(table)
        self._has_version(name, version)
        if wanted and name is not None:
            held = self.models.standing_for(name)
            protocol.offered(held.ready or held.asleep, wanted)
        return _ok(protocol.answer(await self._answering.answer(name, table), own, wanted))

    def _has_version(self, name: str | None, version: str | None) -> None:
        if version is not None and str(self.models.get(name).version.version) != version:
            raise NotFound(
                f"version {version} of {name} is not served here", f"ask /v2/models/{name} for the one that is"
            )

    async def _explain(self, name: str | None, table: Table) -> Answer:
        reasons: list[Any] = [None] * len(table)
        versions = [0] * len(table)
        for held, rows in self._answering.routed(name, table):
            places = range(len(table)) if rows is None else rows
            ready = await self._answering.run(self.models.ready, held)
            values = ready.schema.values(table if rows is None else table.take(rows))
            found = await self._answering.run(explaining.explain, ready, values)
            for place, one in zip(places, found, strict=True):
                reasons[place], versions[place] = one, ready.loaded.version.version
        said = {"explanations": reasons, "method": explaining.METHOD, "version": versions[0]}
        return _ok(said if len(set(versions)) == 1 else {**said, "versions": versions})

    def _take_truth(self, body: bytes, key: Caller | None) -> dict[str, Any]:
        """`{"model": NAME, "truth": [{"inference_id", "truth", "observed_at"?}]}`; NAME may stand for all its segments."""
        content = read_json(body)
        named = content.get("model") if isinstance(content, dict) else None
        name = self._only(named if isinstance(named, str) else None)
        segments = [one for one in self.models.held.values() if one.model == name]
        held = segments[0] if segments else self.models.get(name)
        segment = None if segments else held.segment or None
        permitted(key, "truth", held.model if segments else held.name)
        task = held.target.spec.task if held.target else None
        try:
            return truth.take(InferenceLog(self._project), held.model, segment, content, task)
        except Unavailable as error:  # where it is kept is nobody's business outside
            _log.warning("ground truth was refused: %s", error.message)
            raise Unavailable("the log cannot be reached, so not all of it was kept", "send all again later") from error

    def _health(self, path: str) -> Answer:
        """Alive as long as it answers; ready while at least one of its models is in service."""
        ready = any(not held.gone for held in self.models.held.values())
        status = 200 if ready or "ready" not in path else 503
        return status, _JSON, _dump({"live": True, "ready": ready})

    async def _look(self, path: str, key: Caller | None) -> Answer:
        if path == "/metrics":
            permitted(key, "metrics", None)
            others = await self._answering.run(self._tally.others) if self._tally else []
            return 200, "text/plain; version=0.0.4", prometheus([self.counted(), *others]).encode()
        held = [one for one in self.models.held.values() if _may_see(key, one.name)]
        if path == "/openapi.json":
            return _ok(openapi(held))
        if path in ("/", "/docs"):
            return 200, "text/html; charset=utf-8", landing_page(held).encode()
        if path in ("/v2", "/version"):
            return _ok({"name": "jupyter_mlops", "version": version("jupyter_mlops"), "extensions": []})
        if path == "/v2/models":
            return _ok({"models": [{"name": one.name, "version": str(one.version.version)} for one in held]})
        if path.startswith("/v2/models/"):
            return await self._model(path, key)
        if _asked(path, missing_ok=True)[0]:
            raise WrongMethod(f"{path} is asked by POST", "see /openapi.json")
        raise NotFound(f"there is nothing at {path}", "see /openapi.json")

    async def _model(self, path: str, key: Caller | None) -> Answer:
        words = path.split("/")[3:]
        name, version = words[0], words[2] if len(words) > 2 and words[1] == "versions" else None
        permitted(key, "predict", name)
        held = self.models.standing_for(name)
        self._has_version(held.name, version)
        if words[-1] == "ready" and len(words) in (2, 4):
            return _ok({"name": name, "ready": True})
        if len(words) not in (1, 3):
            raise NotFound(f"there is nothing at {path}", "see /openapi.json")
        ready = await self._answering.run(self.models.ready, held)
        return _ok(protocol.metadata(ready, name))

    def counted(self) -> dict[str, float]:
        return self.counters.counted(self._gauges())

    def _gauges(self) -> dict[str, float]:
        return {
            **self.writer.figures(),
            "models_held": len(self.models.held),
            "models_in_memory": self.models.in_memory(),
        }

    def _tell(self, what: str, sentence: str | None) -> None:
        """An alert for each model whose rows are concerned, taken back when rows are kept again."""
        for held in list(self.models.held.values()):
            told = f"predictions are answered and not logged yet, the {what} refuses: {sentence}"
            told = sentence if what == LOST and sentence else told
            self.models.alert(held, f"inference log: {what}", told, over=sentence is None)


def _asked(path: str, missing_ok: bool = False) -> tuple[str, str | None, str | None]:
    """What a path asks for: the act, the model it names, and a version where the protocol names one."""
    words = path.strip("/").split("/")
    if words == ["ground-truth"] or words in (["invocations"], ["explain"]):
        return words[0], None, None
    if len(words) == 3 and words[0] == "models" and words[2] in ("invocations", "explain"):
        return words[2], words[1], None
    if words[:2] == ["v2", "models"] and words[-1] == "infer" and len(words) in (4, 6):
        return "infer", words[2], words[4] if len(words) == 6 else None
    if missing_ok:
        return "", None, None
    raise NotFound(f"POST {path} is not answered here", "see /openapi.json")


def _may_see(key: Caller | None, name: str) -> bool:
    try:
        permitted(key, "predict", name)
    except MlopsError:
        return False
    return True


def _refused(error: MlopsError, path: str) -> tuple[int, str, bytes, list[tuple[bytes, bytes]]]:
    """Under /v2 `error` is the sentence itself, as the Open Inference Protocol has it."""
    said = error.as_dict()
    content = {"error": said["message"], **said} if path.startswith("/v2") else {"error": said}
    more = []
    if error.http_status == 401:
        more.append((b"www-authenticate", b"Bearer"))
    if error.http_status in (429, 503):
        more.append((b"retry-after", str(math.ceil(said["details"].get("retry_after", 1))).encode()))
    return error.http_status, _JSON, _dump(content), more


def _ok(content: Any) -> Answer:
    return 200, _JSON, _dump(content)


def _dump(content: Any) -> bytes:
    return _ENCODE(content).encode()
