"""One champion served for a moment by a process of its own, asked real rows over HTTP as a stranger would."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from jupyter_mlops.errors import Unavailable
from jupyter_mlops.project import Project, Target
from jupyter_mlops.serving import InferenceLog, endpoint

REQUESTS = 25
_READY_WITHIN = 60.0


@dataclass(frozen=True)
class Trial:
    """`milliseconds` is the median time of one request, seen by the client; `logged` counts rows found in the log."""

    name: str
    requests: int
    answered: int
    logged: int
    milliseconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def run(project: Project, target: Target, rows: pd.DataFrame) -> Trial:
    """Serve, ask one row at a time, stop, and count what the log holds. Raises Unavailable when it does not come up."""
    before = InferenceLog(project).count(target.model, target.segment)
    command = [sys.executable, "-m", "jupyter_mlops.cli", "--project", str(project.root), "serve"]
    server = subprocess.Popen(
        [*command, f"{target.name}@champion", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        client = endpoint(_address(server))
        times, answered = [], 0
        for index in range(len(rows)):
            began = time.perf_counter()
            answered += len(client.predict(rows.iloc[[index]]))
            times.append(time.perf_counter() - began)
    finally:
        server.terminate()
        server.wait(30)
    logged = InferenceLog(project).count(target.model, target.segment) - before
    return Trial(target.name, len(rows), answered, logged, 1000 * sorted(times)[len(times) // 2])


def _address(server: subprocess.Popen[str]) -> str:
    """The URL that the server prints, as one JSON line, when it is ready."""
    assert server.stdout is not None
    assert server.stderr is not None
    line = server.stdout.readline()
    if not line:
        server.wait(_READY_WITHIN)
        last = (server.stderr.read().strip() or "it said nothing").splitlines()[-1]
        raise Unavailable(f"the endpoint did not start: {last}", "run `jupyter mlops doctor`")
    answer = json.loads(line)
    if not answer["ok"]:
        raise Unavailable(f"the endpoint did not start: {answer['error']['message']}", answer["error"]["fix"])
    return str(answer["data"]["url"])
