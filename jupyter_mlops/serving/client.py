"""A client of an endpoint, for notebooks and scripts."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pandas as pd

from jupyter_mlops.errors import BadInput, MlopsError, NotFound, Unavailable


def endpoint(url: str, model: str | None = None) -> Endpoint:
    """`endpoint(url).predict(df)`; `model` where a server has several."""
    if not url.startswith(("http://", "https://")):
        raise BadInput(f"{url!r} is no address of an endpoint", "give it as http://127.0.0.1:8090")
    return Endpoint(url.rstrip("/"), model)


class Endpoint:
    def __init__(self, url: str, model: str | None) -> None:
        self._url = f"{url}/models/{model}/invocations" if model else f"{url}/invocations"

    def predict(self, rows: pd.DataFrame, timeout: float = 30.0) -> pd.DataFrame:
        """inference_id, prediction and version for each row. The server's refusals come as our own errors."""
        body = json.dumps({"dataframe_records": json.loads(rows.to_json(orient="records", date_format="iso"))}).encode()
        request = urllib.request.Request(self._url, body, {"content-type": "application/json"})  # noqa: S310  (checked above)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
                content: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            raise _refusal(error) from error
        except OSError as error:
            raise Unavailable(
                f"the endpoint {self._url} does not answer: {error}", "start it: jupyter mlops serve"
            ) from error
        return pd.DataFrame(
            {
                "inference_id": content["inference_ids"],
                "prediction": content["predictions"],
                "version": content["version"],
            }
        )


def _refusal(error: urllib.error.HTTPError) -> MlopsError:
    try:
        said = json.loads(error.read())["error"]
    except (ValueError, KeyError):
        said = {"message": f"the endpoint answered {error.code}", "fix": ""}
    kind = {404: NotFound}.get(error.code, BadInput if error.code < 500 else Unavailable)
    return kind(said["message"], said["fix"], **said.get("details", {}))
