"""The endpoint as plain ASGI: FastAPI's own validation would cost as much as the prediction."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from jupyter_mlops.errors import BadInput, MlopsError, NotFound
from jupyter_mlops.project import Project
from jupyter_mlops.serving.bodies import Gone, Receive, read_body
from jupyter_mlops.serving.counters import Counters
from jupyter_mlops.serving.describing import landing_page, openapi
from jupyter_mlops.serving.log import InferenceLog
from jupyter_mlops.serving.models import Held, Models
from jupyter_mlops.serving.requests import rows_of
from jupyter_mlops.serving.wal import Entry
from jupyter_mlops.serving.writer import LogWriter
from jupyter_mlops.store import database, predict

_LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Answer = tuple[int, str, bytes]


class App:
    """One server's models, its log and its counters."""

    def __init__(self, project: Project, models: Models, hosts: frozenset[str] = frozenset()) -> None:
        self._project, self.models = project, models
        self._hosts = _LOOPBACK | hosts
        self.writer = LogWriter(project, self._tell)
        self.counters = Counters()
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mlops-predict")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            status, kind, body = await self._answer(scope, receive)
        except Gone:
            return
        except MlopsError as error:
            status, kind, body = error.http_status, "application/json", _dump({"error": error.as_dict()})
        self.counters.answered(status)
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        headers.append((b"x-content-type-options", b"nosniff"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def close(self) -> None:
        self.models.close()
        self._pool.shutdown(wait=True)
        self.writer.close()

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self._same_origin(headers)
        method, path = scope["method"], scope["path"].rstrip("/") or "/"
        if method == "GET":
            return self._look(path)
        if method != "POST":
            raise NotFound(f"{method} {path} is not answered here", "see /openapi.json")
        words = path.strip("/").split("/")
        body = await read_body(receive)
        run = asyncio.get_running_loop().run_in_executor
        if words == ["ground-truth"]:
            return await run(self._pool, self._take_truth, body)
        name = words[-2] if words[-1] in ("invocations", "infer") and len(words) >= 3 else None
        if words[-1] == "invocations" and len(words) in (1, 3):
            return await run(self._pool, self._predict, name, body, headers.get("content-type", ""), False)
        if words[-1] == "infer" and words[:2] == ["v2", "models"]:
            return await run(self._pool, self._predict, name, body, headers.get("content-type", ""), True)
        raise NotFound(f"POST {path} is not answered here", "see /openapi.json")

    def _same_origin(self, headers: dict[str, str]) -> None:
        """A page of somebody else's must not reach a loopback endpoint through the browser, by name or by origin."""
        host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
        origin = headers.get("origin")
        if host not in self._hosts or (origin is not None and origin.partition("://")[2] != headers.get("host")):
            raise _Foreign("this host or origin is not allowed here", "name the address with --host")

    def _look(self, path: str) -> Answer:
        if path in ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"):
            return _ok({"live": True, "ready": True})
        if path == "/metrics":
            text = self.counters.prometheus(self.writer.figures())
            return 200, "text/plain; version=0.0.4", text.encode()
        if path == "/openapi.json":
            return _ok(openapi(list(self.models.held.values())))
        if path == "/":
            return 200, "text/html; charset=utf-8", landing_page(list(self.models.held.values())).encode()
        if path.startswith("/v2/models/"):
            held = self.models.get(path.removeprefix("/v2/models/").removesuffix("/ready"))
            inputs = [{"name": n, "datatype": "FP64", "shape": [-1]} for n in held.loaded.features]
            outputs = [{"name": "prediction", "datatype": "FP64", "shape": [-1]}]
            versions = [str(held.loaded.version.version)]
            return _ok(
                {"name": held.name, "versions": versions, "platform": "sklearn", "inputs": inputs, "outputs": outputs}
            )
        raise NotFound(f"there is nothing at {path}", "see /openapi.json")

    def _predict(self, name: str | None, body: bytes, content_type: str, v2: bool) -> Answer:
        began = time.perf_counter()
        held = self.models.get(name)
        loaded = held.loaded
        rows = rows_of(body, content_type, loaded)
        answers = predict(loaded.model, rows, loaded.features).tolist()
        ids = [uuid.uuid4().hex for _ in answers]
        took = time.perf_counter() - began
        self._log(held, loaded.version.version, rows, answers, ids, took)
        self.counters.predicted(held.name, len(answers), took)
        if v2:
            output = {"name": "prediction", "datatype": "FP64", "shape": [len(answers)], "data": answers}
            version = str(loaded.version.version)
            return _ok({"model_name": held.name, "model_version": version, "id": ids[0], "outputs": [output]})
        return _ok({"predictions": answers, "inference_ids": ids, "version": loaded.version.version})

    def _log(
        self, held: Held, version: int, rows: pd.DataFrame, answers: list[float], ids: list[str], took: float
    ) -> None:
        model, _, segment = held.name.partition(".")
        values = json.loads(rows.to_json(orient="values", date_format="iso"))
        columns, at = tuple(str(c) for c in rows.columns), datetime.now(UTC).timestamp()
        self.writer.add(
            Entry(model, segment, version, "champion", at, round(took * 1000, 3), columns, values, ids, answers)
        )

    def _tell(self, what: str, sentence: str | None) -> None:
        """An alert for each model whose rows are concerned, taken back when rows are kept again."""
        base = database(self._project)
        for held in list(self.models.held.values()):
            model, _, segment = held.name.partition(".")
            text = f"predictions are answered and not logged yet, the {what} refuses: {sentence}"
            alert = base.open_alert(model, segment or None, "serving", f"inference log: {what}", text, "critical")
            if sentence is None:
                base.set_alert(alert.alert_id, "resolved", "")

    def _take_truth(self, body: bytes) -> Answer:
        """`{"model": NAME, "truth": [{"inference_id", "truth", "observed_at"?}]}`."""
        try:
            content = json.loads(body)
            held, rows = self.models.get(content.get("model")), pd.DataFrame(content["truth"])
            if not {"inference_id", "truth"} <= set(rows.columns):
                raise KeyError("inference_id and truth")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(
                f"this is no ground truth: {error}", 'send {"truth": [{"inference_id": …, "truth": …}]}'
            ) from error
        model, _, segment = held.name.partition(".")
        InferenceLog(self._project).add_truth(model, segment or None, rows)
        return _ok({"received": len(rows)})


class _Foreign(BadInput):
    code = "foreign-origin"
    http_status = 403


def _ok(content: Any) -> Answer:
    return 200, "application/json", _dump(content)


def _dump(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
