"""A server under steady load while its champion changes: promotions and rollbacks through the registry, as people do them.

    python tests/bench/bench_serving_soak.py [--minutes 10] [--promotions 20] [--rollbacks 5] [--rate 150]

Prints requests failed (goal 0), how long after each change its version answered first (goal below 2 s), the server's memory over
time (goal: flat), and whether the log holds every answered row once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from bench_serving import BODY, ROWS, SCORE, Server, free_port, running
from sklearn.linear_model import Ridge

YAML = """version: 1
project: soak
models:
  small:
    task: regression
    train: {notebook: none.ipynb}
    data: {training: rows.parquet, evaluation: rows.parquet, target: y}
    gates: [{metric: mae, max: 100}]
    deploy: {endpoint: soak, rollback: {window: 1m}}
"""


@dataclass
class Seen:
    """What the clients saw; `live` has the seconds from each change until an answer of the new version."""

    requests: int = 0
    failed: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    version: int = 0
    live: list[float] = field(default_factory=list)


async def _client(server: Server, seen: Seen, until: float, every: float, phase: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"POST {server.path} HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\ncontent-type: application/json\r\n"
    message = head.encode() + f"content-length: {len(BODY)}\r\n\r\n".encode() + BODY
    due = time.perf_counter() + phase
    while time.perf_counter() < until:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        began, due = time.perf_counter(), max(due + every, time.perf_counter())
        writer.write(message)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length"))[15:])
        body = await reader.readexactly(length)
        seen.times.append(time.perf_counter() - began)
        seen.requests += 1
        if b" 200 " in answer[:20]:
            said = json.loads(body)
            seen.version = said["version"]
            seen.ids += said["inference_ids"]
        else:
            seen.failed.append(body[:200].decode())
    writer.close()


async def _load(server: Server, seen: Seen, until: float, rate: float, connections: int = 8) -> None:
    every = connections / rate
    asked = [_client(server, seen, until, every, every * i / connections) for i in range(connections)]
    watch = asyncio.create_task(_memory(server, seen))
    try:
        await asyncio.gather(*asked)
    finally:
        watch.cancel()


async def _memory(server: Server, seen: Seen) -> None:
    while True:
        seen.memory.append(server.process.memory_info().rss / 2**20)
        await asyncio.sleep(1.0)


def _prepare(root: Path) -> tuple[Any, Callable[[int], int], Callable[[], int]]:
    """A project with three versions; what promotes one of them, and what rolls back, each giving the champion's number."""
    from jupyter_mlops.flows import promote, rollback
    from jupyter_mlops.project import load
    from jupyter_mlops.registry import register
    from jupyter_mlops.store import open_store

    root.mkdir(exist_ok=True)
    (root / "mlops.yaml").write_text(YAML)
    ROWS.assign(y=SCORE).to_parquet(root / "rows.parquet")
    store = open_store(load(root))
    for alpha in (1.0, 2.0, 3.0):
        run = store.create_run("soak", f"alpha {alpha}", key=f"alpha {alpha}")
        model = Ridge(alpha=alpha).fit(ROWS, SCORE)
        store.log_model(run, model, input_example=ROWS.head(5), requirements=["scikit-learn"])
        store.end_run(run, "FINISHED")
        register(store, run, "small")

    def promoted(number: int) -> int:
        assert promote(store, "small", number, reason="soak").done
        return number

    return store, promoted, lambda: rollback(store, "small", reason="soak").version


def _change(
    seen: Seen, steps: list[str], seconds: float, promoted: Callable[[int], int], back: Callable[[], int]
) -> None:
    """The changes, evenly over the time; how long after each its version was seen."""
    now, began = 1, time.perf_counter()
    for place, step in enumerate(steps):
        time.sleep(max(0.0, began + seconds * (place + 1) / (len(steps) + 2) - time.perf_counter()))
        now = promoted(now % 3 + 1) if step == "promote" else back()
        since = time.perf_counter()
        while seen.version != now and time.perf_counter() - since < 30:
            time.sleep(0.01)
        seen.live.append(time.perf_counter() - since)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--promotions", type=int, default=20)
    parser.add_argument("--rollbacks", type=int, default=5)
    parser.add_argument("--rate", type=float, default=150.0, help="requests a second")
    args = parser.parse_args()
    every = max(1, args.promotions // max(1, args.rollbacks))
    steps: list[str] = []
    for number in range(args.promotions):
        steps += ["promote"] + ["rollback"] * ((number + 1) % every == 0 and steps.count("rollback") < args.rollbacks)
    seconds, seen = 60 * args.minutes, Seen()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "soak"
        store, promoted, back = _prepare(root)
        promoted(1)
        with running(root, "small@champion", free_port()) as server:
            changes = threading.Thread(target=_change, args=(seen, steps, seconds, promoted, back))
            changes.start()
            asyncio.run(_load(server, seen, time.perf_counter() + seconds, args.rate))
            changes.join()
        _report(seen, steps, store)


def _report(seen: Seen, steps: list[str], store: Any) -> None:
    from jupyter_mlops.serving import InferenceLog, recover

    recover(store.project)
    log = InferenceLog(store.project)
    rows = log.rows("small")
    missing, twice = len(set(seen.ids) - set(rows["inference_id"])), log.count("small") - len(rows)
    fifth = len(seen.memory) // 5
    early, late = (float(np.median(seen.memory[a:b])) for a, b in ((fifth, 2 * fifth), (-fifth, None)))
    print(f"{seen.requests} requests, {len(seen.failed)} failed (goal 0) {seen.failed[:3]}")
    print(f"{steps.count('promote')} promotions, {steps.count('rollback')} rollbacks")
    print(f"live after: median {np.median(seen.live):.2f} s, longest {max(seen.live):.2f} s (goal below 2)")
    print(f"p99 {1000 * np.quantile(seen.times, 0.99):.1f} ms, longest {1000 * max(seen.times):.0f} ms")
    print(f"memory: {early:.0f} MB in the second fifth, {late:.0f} MB in the last ({late - early:+.0f} MB)")
    print(
        f"in the log: {len(rows)} rows of {rows['version'].nunique()} versions; of {len(seen.ids)} answered {missing} are missing"
    )
    print(f"logged twice: {twice} (goals 0)")


if __name__ == "__main__":
    main()
