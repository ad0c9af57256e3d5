"""A client of an endpoint, for notebooks and scripts."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pandas as pd

from jupyter_mlops.errors import BadInput, Conflict, MlopsError, NotFound, Refused, Unavailable

_KINDS: dict[int, type[MlopsError]] = {401: Refused, 403: Refused, 404: NotFound, 409: Conflict, 410: NotFound}


def endpoint(url: str, model: str | None = None, api_key: str | None = None) -> Endpoint:
    """`endpoint(url).predict(df)`; `model` where a server has several, `api_key` where it wants one."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"{url!r} is no address of an endpoint", "give it as http://127.0.0.1:8090")
    return Endpoint(url.rstrip("/"), model, api_key)


class Endpoint:
    """Keeps its connection open between calls; threads may share it, and then take turns."""

    def __init__(self, url: str, model: str | None, api_key: str | None = None) -> None:
        self._url, self._model = url, model
        self._prefix = f"{urlsplit(url).path}/models/{quote(model)}" if model else urlsplit(url).path
        self._headers = {"content-type": "application/json"} | (
            {"authorization": f"Bearer {api_key}"} if api_key else {}
        )
        self._connection: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()

    def predict(self, rows: Any, timeout: float = 30.0) -> pd.DataFrame:
        """inference_id, prediction and version for each row, and `probability_` of each of several classes.

        A model that answers with a table has its columns, their names after `prediction_`. The server's refusals come as errors.

        `rows`: a DataFrame (pandas, polars, Arrow), records, columns, or an array of the model's columns in their order.
        """
        said = self._ask(f"{self._prefix}/invocations", _body(rows), timeout)
        return pd.DataFrame(
            {
                "inference_id": said["inference_ids"],
                **_answers(said["predictions"]),
                "version": said.get("versions") or said["version"],
                **_probabilities(said.get("probabilities")),
            }
        )

    def explain(self, rows: Any, timeout: float = 30.0) -> list[dict[str, Any]]:
        """For each row its prediction, what a usual row would get, and the columns that move it most."""
        reasons: list[dict[str, Any]] = self._ask(f"{self._prefix}/explain", _body(rows), timeout)["explanations"]
        return reasons

    def truth(self, outcomes: pd.DataFrame, timeout: float = 30.0) -> dict[str, Any]:
        """Send what came true: inference_id, truth, and observed_at if known. What the server made of it comes back."""
        rows = json.loads(outcomes.to_json(orient="records", date_format="iso"))
        return self._ask(f"{urlsplit(self._url).path}/ground-truth", {"model": self._model, "truth": rows}, timeout)

    def _ask(self, path: str, content: dict[str, Any], timeout: float) -> dict[str, Any]:
        body = json.dumps(content, default=str).encode()
        with self._lock:
            try:
                status, answer = self._send(path, body, timeout)
            except OSError as error:
                raise Unavailable(
                    f"the endpoint {self._url} does not answer: {error}", "start it: jupyter mlops serve"
                ) from error
        if status != 200:
            raise _refusal(status, answer)
        said: dict[str, Any] = json.loads(answer)
        return said

    def _send(self, path: str, body: bytes, timeout: float) -> tuple[int, bytes]:
        """A connection the server has closed in the meantime is opened again, once; only one that was used before can be."""
        used = self._connection is not None
        try:
            return self._once(path, body, timeout)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if not used:
                raise
            return self._once(path, body, timeout)

    def _once(self, path: str, body: bytes, timeout: float) -> tuple[int, bytes]:
        if self._connection is None:
            parts = urlsplit(self._url)
            kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        try:
            self._connection.timeout = timeout
            self._connection.request("POST", path, body, self._headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._connection = None
            if isinstance(error, OSError):
                raise
            raise ConnectionError(f"the answer broke off: {error}") from error


def _answers(predictions: list[Any]) -> dict[str, list[Any]]:
    first = predictions[0]
    if not isinstance(first, dict | list):
        return {"prediction": predictions}
    names = list(first) if isinstance(first, dict) else list(range(len(first)))
    return {f"prediction_{name}": [row[name] for row in predictions] for name in names}


def _probabilities(rows: list[dict[str, float]] | None) -> dict[str, list[float | None]]:
    names = dict.fromkeys(name for row in rows or [] for name in row)
    return {f"probability_{name}": [row.get(name) for row in rows or []] for name in names}


def _body(rows: Any) -> dict[str, Any]:
    """Numbers to their last digit, missing values as null."""
    if isinstance(rows, np.ndarray):
        return {"instances": rows.tolist()}
    table = rows.to_pandas() if hasattr(rows, "to_pandas") else pd.DataFrame(rows)
    columns = [_values(table.iloc[:, place]) for place in range(table.shape[1])]
    names = [str(name) for name in table.columns]
    return {"dataframe_split": {"columns": names, "data": [list(row) for row in zip(*columns, strict=True)]}}


def _values(column: pd.Series) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if value is pd.NaT else value.isoformat() for value in column]
    missing = column.isna()
    return [None if gone else value for value, gone in zip(column.tolist(), missing, strict=True)]


def _refusal(status: int, answer: bytes) -> MlopsError:
    try:
        said = json.loads(answer)["error"]
        message, fix, details = said["message"], said["fix"], said.get("details", {})
    except (ValueError, KeyError, TypeError):
        message, fix, details = f"the endpoint answered {status}", "", {}
    kind = _KINDS.get(status, BadInput if status < 500 else Unavailable)
    return kind(message, fix, **details)
