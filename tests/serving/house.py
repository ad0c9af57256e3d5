"""A server in this process with a registry made of a dictionary; what a test changes there, the server sees as MLflow's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from jupyter_mlops.errors import NotFound
from jupyter_mlops.project import Project
from jupyter_mlops.records import ModelVersion
from jupyter_mlops.serving import InferenceLog, Source, models
from jupyter_mlops.serving.app import App
from jupyter_mlops.store import LoadedModel, database

ROWS = pd.DataFrame({"x": np.arange(20.0)})


def slope(factor: float) -> LinearRegression:
    return LinearRegression().fit(ROWS, ROWS["x"] * factor)


class Failing(LinearRegression):
    """Answers its input example (x below 3) and nothing else."""

    def predict(self, X):  # noqa: N803
        if (np.asarray(X) >= 3).any():
            raise RuntimeError("out of memory")
        return super().predict(X)


class Slow(LinearRegression):
    def predict(self, X):  # noqa: N803
        time.sleep(0.05)
        return super().predict(X)


@dataclass
class Registry:
    """`versions` by name and number; `aliases` by name. `loads` counts how often a model was read."""

    project: Project
    versions: dict[tuple[str, int], Any] = field(default_factory=dict)
    aliases: dict[str, dict[str, int]] = field(default_factory=dict)
    loads: int = 0
    wanted: list[str] = field(default_factory=list)
    rolled_back: list[tuple[str, str]] = field(default_factory=list)

    def put(self, name: str, number: int, model: Any, *aliases: str) -> None:
        self.versions[name, number] = model
        for alias in aliases:
            self.point(name, alias, number)

    def point(self, name: str, alias: str, number: int | None) -> None:
        held = self.aliases.setdefault(name, {})
        if number is None:
            held.pop(alias)
        else:
            held[alias] = number
        base = database(self.project)  # a commit by anybody is what a server looks for
        base.open_alert("nobody", None, "test", f"{name} {time.monotonic_ns()}", "", "info")
        base.close()

    def source(self) -> Source:
        return Source(
            self._resolve, self._load, lambda: self.aliases, rollback=self._rollback, wanted=lambda: self.wanted
        )

    def _resolve(self, reference: str) -> ModelVersion:
        name, slash, number = reference.rpartition("/")
        if not slash:
            name, _, alias = reference.partition("@")
            number = str(self.aliases.get(name, {}).get(alias or "champion", ""))
        if not number or (name, int(number)) not in self.versions:
            raise NotFound(f"there is no {reference}")
        return ModelVersion(model=name, version=int(number), run_id="r", digest="", created=datetime.now(UTC))

    def _load(self, version: ModelVersion) -> LoadedModel:
        self.loads += 1
        model = self.versions[version.model, version.version]
        if isinstance(model, Exception):
            raise model
        return LoadedModel(version, model, ["x"], ROWS.head(3))

    def _rollback(self, name: str, number: int, reason: str) -> bool:
        if self.aliases[name]["champion"] != number:
            return False
        self.rolled_back.append((name, reason))
        self.point(name, "champion", number - 1)
        return True


class Client:
    def __init__(self, app: App) -> None:
        self.app = app

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.all([(method, path, more)])[0]

    def all(self, requests: list[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
        """At once, as that many clients would."""

        async def run() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8090") as client:
                return await asyncio.gather(*(client.request(m, p, **more) for m, p, more in requests))

        return asyncio.run(run())

    def predict(self, rows: list[dict[str, Any]], name: str = "", **more: Any) -> dict[str, Any]:
        path = f"/models/{name}/invocations" if name else "/invocations"
        answer = self.ask("POST", path, json={"dataframe_records": rows}, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def metric(self, name: str) -> float:
        lines = self.ask("GET", "/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


@contextmanager
def serving(registry: Registry, *references: str) -> Iterator[Client]:
    app = App(registry.project, models.Models(registry.project, list(references), registry.source()))
    try:
        yield Client(app)
    finally:
        app.close()


def logged(project: Project, model: str, segment: str | None = None, kind: str = "inference") -> pd.DataFrame:
    return InferenceLog(project).rows(model, segment, kind)


def until(true: Callable[[], Any], within: float = 60) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)
