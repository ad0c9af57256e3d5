"""`jupyter mlops serve` against `mlflow models serve`: the same models, the same rows, the same client, one run.

    python tests/bench/bench_serving.py [small forest logging] [--seconds 6]

Prints requests a second, the 99th percentile at equal load, the server's CPU a request, and ratios. Everything is on loopback
and shares the machine's cores with the client, so the ratios are what to read. Install the extra `fast` first, or the forest
is answered as it is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

WIDTH = 20
GOALS = {"small": 10, "forest": 50}
PARTS = [*GOALS, "logging"]
RANDOM = np.random.default_rng(7)
ROWS = pd.DataFrame(RANDOM.normal(size=(2_000, WIDTH)), columns=[f"f{i}" for i in range(WIDTH)])
SCORE = ROWS["f0"] * 2 + np.sin(ROWS["f1"]) + RANDOM.normal(size=len(ROWS)) * 0.1
BODY = json.dumps(
    {"dataframe_split": {"columns": list(ROWS.columns), "data": ROWS.head(1).to_numpy().tolist()}}
).encode()


def _yaml(sample: str) -> str:
    model = (
        "    task: regression\n"
        "    train: {notebook: none.ipynb}\n"
        "    data: {training: rows.parquet, evaluation: rows.parquet, target: y}\n"
        f"    deploy: {{endpoint: bench, log: {{sample: {sample}}}}}\n"
    )
    return f"version: 1\nproject: bench\nmodels:\n  small:\n{model}  forest:\n{model}"


@dataclass
class Load:
    """What a client saw. `cpu` is the server's, in seconds."""

    requests: int
    seconds: float
    times: list[float]
    cpu: float
    failed: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def p99(self) -> float:
        return 1000 * sorted(self.times)[int(0.99 * (len(self.times) - 1))]

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu / max(1, self.requests)


async def _client(port: int, path: str, until: float, load: Load, every: float | None, phase: float) -> None:
    """One connection: request after request, or one `every` so many seconds, whether the one before was quick or not.

    One that had to wait for the answer before is timed from when it was due; else our own timer's lateness is not the server's.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
    message = head.encode() + f"content-length: {len(BODY)}\r\n\r\n".encode() + BODY
    due = time.perf_counter() + phase
    while time.perf_counter() < until:
        waits = every is not None and due <= time.perf_counter()
        if every is not None and not waits:
            await asyncio.sleep(due - time.perf_counter())
        began = due if waits else time.perf_counter()
        due += every or 0.0
        writer.write(message)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length"))[15:])
        await reader.readexactly(length)
        load.times.append(time.perf_counter() - began)
        load.requests += 1
        load.failed += b" 200 " not in answer[:20]
    writer.close()


def ask(server: Server, connections: int, seconds: float, rate: float | None = None) -> Load:
    """As fast as it answers, or at `rate` requests a second in all."""

    async def run() -> Load:
        load = Load(0, 0.0, [], 0.0, 0)
        before, began = server.cpu(), time.perf_counter()
        every = connections / rate if rate else None
        await asyncio.gather(
            *(
                _client(server.port, server.path, began + seconds, load, every, (every or 0) * i / connections)
                for i in range(connections)
            )
        )
        load.seconds, load.cpu = time.perf_counter() - began, server.cpu() - before
        return load

    return asyncio.run(run())


@dataclass
class Server:
    process: psutil.Process
    port: int
    path: str

    def cpu(self) -> float:
        total = 0.0
        for one in [self.process, *self.process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):  # a helper that has ended in the meantime
                total += sum(one.cpu_times()[:2])
        return total


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, path: str, cwd: Path) -> Iterator[Server]:
    # MLflow starts its server by a name that it looks for on the path.
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs, "MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Server(psutil.Process(process.pid), port, path)
    try:
        end = time.monotonic() + 300
        while True:
            try:
                ask(server, 1, 0.1)
                break
            except OSError:
                if time.monotonic() > end or process.poll() is not None:
                    raise SystemExit(f"{command[:4]} did not start") from None
                time.sleep(0.3)
        ask(server, 4, 1.0)
        yield server
    finally:
        with suppress(psutil.NoSuchProcess):
            for child in [*server.process.children(recursive=True), server.process]:
                child.terminate()
        process.wait(30)


@contextmanager
def running(root: Path, reference: str, port: int) -> Iterator[Server]:
    """`jupyter mlops serve` of a project's model, ready."""
    command = [sys.executable, "-m", "jupyter_mlops.cli", "--project", str(root), "serve", reference]
    with _running([*command, "--port", str(port)], port, "/invocations", root) as server:
        yield server


@contextmanager
def _ours(root: Path, name: str) -> Iterator[Server]:
    with running(root, f"{name}/1", port := free_port()) as server:
        print(f"  {name} is answered as: {_settled(port, name)}")
        yield server


def _settled(port: int, name: str) -> str:
    """How the model is answered, once its faster form has been looked for."""
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/models/{name}", timeout=10) as answer:
            proof = json.load(answer)["parameters"]["proof"]
        if "being looked for" not in proof["why"]:
            return f"{proof['way']} {proof['why']}"
        time.sleep(0.5)


@contextmanager
def _theirs(root: Path, name: str) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(root / f"{name}-mlflow")]
    with _running([*command, "--env-manager", "local", "--port", str(port)], port, "/invocations", root) as server:
        yield server


def _prepare(root: Path, sample: str, models: dict[str, Any], theirs: list[str]) -> None:
    from jupyter_mlops.project import load
    from jupyter_mlops.registry import register
    from jupyter_mlops.store import open_store

    root.mkdir(exist_ok=True)
    (root / "mlops.yaml").write_text(_yaml(sample))
    ROWS.assign(y=SCORE).to_parquet(root / "rows.parquet")
    store = open_store(load(root))
    for name, model in models.items():
        run = store.create_run("bench", name, key=name)
        store.log_model(run, model, input_example=ROWS.head(5), requirements=["scikit-learn"])
        store.end_run(run, "FINISHED")
        register(store, run, name)
        if name in theirs:
            import mlflow.sklearn

            path = str(root / f"{name}-mlflow")
            mlflow.sklearn.save_model(
                model,
                path,
                input_example=ROWS.head(5),
                pip_requirements=["scikit-learn"],
                serialization_format="pickle",
            )


def _bare(model: Any) -> float:
    """CPU milliseconds of one `predict` of one row in a loop."""
    row, call = ROWS.head(1), getattr(model, "predict_proba", model.predict)
    began, count = time.process_time(), 0
    while time.process_time() - began < 1.0:
        call(row)
        count += 1
    return 1000 * (time.process_time() - began) / count


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=PARTS, default=PARTS, help="which of them (default: all)")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    args = parser.parse_args()
    seconds = args.seconds
    models: dict[str, Any] = {
        "small": make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, SCORE > 0),
        "forest": RandomForestRegressor(100, n_jobs=1, random_state=7).fit(ROWS, SCORE),
    }
    with tempfile.TemporaryDirectory() as folder:
        root, silent = Path(folder) / "logging", Path(folder) / "silent"
        compared = [name for name in GOALS if name in args.parts]
        asked = {name: models[name] for name in models if name in compared or name == "small"}
        _prepare(root, "100%", asked, theirs=compared)
        for name in compared:
            _compare(root, name, GOALS[name], models[name], seconds)
        if "logging" in args.parts:
            _prepare(silent, "0%", {"small": models["small"]}, theirs=[])
            _logging(root, silent, seconds)


def _compare(root: Path, name: str, goal: float, model: Any, seconds: float) -> None:
    print(f"\n{name}: one row a request, {WIDTH} columns")
    with _theirs(root, name) as them, _ours(root, name) as us:
        theirs = {n: ask(them, n, seconds) for n in (1, 8)}
        ours = {n: ask(us, n, seconds) for n in (1, 8, 64)}
        equal = 0.5 * theirs[8].rate
        their_p99, our_p99 = _in_turns(them, us, equal, seconds)
    _line("mlflow models serve", theirs, their_p99, equal)
    _line("jupyter mlops serve", ours, our_p99, equal)
    bare = _bare(model)
    for n in (1, 8):
        print(
            f"  ratio of throughput at {n} connections: {ours[n].rate / theirs[n].rate:.1f} (goal {goal}), "
            f"of server CPU a request 1/{theirs[n].cpu_ms / ours[n].cpu_ms:.1f}"
        )
    print(f"  ratio of p99 at {equal:.0f} requests/s: 1/{their_p99.p99 / our_p99.p99:.1f} (goal 1/10)")
    print(
        f"  CPU a request at 64 connections: {ours[64].cpu_ms:.3f} ms, bare predict {bare:.3f} ms, "
        f"ratio {ours[64].cpu_ms / bare:.2f} (goal below 1.5)"
    )


def _in_turns(them: Server, us: Server, rate: float, seconds: float) -> tuple[Load, Load]:
    """Both at the same rate, which is half of what MLflow can do; in turns, since the machine's speed changes meanwhile."""
    turns = [[ask(server, 8, seconds, rate) for server in (them, us)] for _ in range(6)]
    return _all([one for one, _ in turns]), _all([one for _, one in turns])


def _all(loads: list[Load]) -> Load:
    return Load(
        sum(load.requests for load in loads),
        sum(load.seconds for load in loads),
        [seconds for load in loads for seconds in load.times],
        sum(load.cpu for load in loads),
        sum(load.failed for load in loads),
    )


def _line(who: str, loads: dict[int, Load], equal: Load, rate: float) -> None:
    for connections, load in loads.items():
        print(
            f"  {who:20} {connections:3} connections: {load.rate:7.0f} requests/s, p99 {load.p99:7.2f} ms, "
            f"server CPU {load.cpu_ms:6.3f} ms, {load.failed} failed"
        )
    print(f"  {who:20} at {rate:.0f} requests/s: p99 {equal.p99:.2f} ms")


def _logging(root: Path, silent: Path, seconds: float) -> None:
    """In turns, since the machine's speed changes from minute to minute."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    cpus: dict[bool, list[float]] = {True: [], False: []}
    with _ours(root, "small") as on, _ours(silent, "small") as off:
        for _ in range(6):
            for server, logging in ((on, True), (off, False)):
                load = ask(server, 8, seconds / 2)
                rates[logging].append(load.rate)
                cpus[logging].append(load.cpu_ms)
    cost = 1 - float(np.median(rates[True]) / np.median(rates[False]))
    cpu = float(np.median(cpus[True]) / np.median(cpus[False])) - 1
    print(f"\nlogging costs {cost:.1%} of throughput at 8 connections, {cpu:.1%} of CPU (goal below 10 %)")


if __name__ == "__main__":
    main()
