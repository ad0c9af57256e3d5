"""Tracked processes killed at random points, and what MLflow says of each of them afterwards.

    python tests/bench/bench_kills.py [--kills 50] [--server] [--away 60] [--seed 0]

Each logs a metric in a loop and says so when `log` has returned; it is killed with -9 somewhere between its start and a
little after its end. Truthful is: FINISHED only if the block ended, else KILLED; and every value that it said it had logged
is readable. `--server` ships to an MLflow server that is stopped for a minute in the middle; the background shipper is the
one that notebooks start, and how long it needed after the server was back is told.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
STEPS = 150
CHILD = f"""
import sys, time
from jupyter_mlops.tracking import Options, Session, Source, log
with Session("kills").track(Source("x", "x"), {{}}, Options(name=sys.argv[1])):
    for i in range({STEPS}):
        log(done=i, step=i)
        print(i, flush=True)
        time.sleep(0.002)
print("returned", flush=True)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--server", action="store_true")
    parser.add_argument("--away", type=float, default=60.0, help="seconds the server is stopped for")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _tracking(Path(folder), args.server) as (root, server):
        return _judge(root, _kill(root, args, server))


@contextlib.contextmanager
def _tracking(folder: Path, with_server: bool) -> Iterator[tuple[Path, object]]:
    from servers import Server

    root = folder / "project"
    root.mkdir()
    server = Server(folder) if with_server else None
    where = f"tracking: {server.url}\n" if server else ""
    (root / "mlops.yaml").write_text(f"version: 1\nproject: kills\n{where}")
    try:
        yield root, server
    finally:
        if server:
            server.signal(signal.SIGKILL)
            server.process.wait()


def _kill(root: Path, args: argparse.Namespace, server: object) -> dict[str, tuple[int, bool]]:
    """What each said before it was killed: how many values, and whether its block had ended."""
    from jupyter_mlops.tracking import ship_soon

    chance, said = random.Random(args.seed), {}
    back = 0.0
    for number in range(args.kills):
        if server and number == args.kills // 3:
            server.signal(signal.SIGSTOP)
            back = time.monotonic() + args.away
        if back and time.monotonic() > back:
            server.signal(signal.SIGCONT)
            back = 0.0
        ship_soon(root)
        said[f"kill-{number}"] = _one(root, f"kill-{number}", chance)
    if back:
        time.sleep(max(0.0, back - time.monotonic()))
        server.signal(signal.SIGCONT)
    ship_soon(root)
    return said


def _one(root: Path, name: str, chance: random.Random) -> tuple[int, bool]:
    child = subprocess.Popen([sys.executable, "-c", CHILD, name], cwd=root, stdout=subprocess.PIPE, text=True)
    until = chance.randrange(-1, STEPS + 1)  # -1: at once, perhaps before anything began
    words = []
    if until >= 0:
        for line in child.stdout:
            words.append(line.strip())
            if len(words) > until:
                break
        time.sleep(chance.random() * 0.004)
    child.send_signal(signal.SIGKILL)
    words += child.stdout.read().split()
    child.wait()
    return sum(word.isdigit() for word in words), "returned" in words


def _judge(root: Path, said: dict[str, tuple[int, bool]]) -> int:
    from jupyter_mlops.project import load
    from jupyter_mlops.store import open_store
    from jupyter_mlops.tracking import journal

    project, began = load(root), time.monotonic()
    while any(journal.waiting(project.home)) and time.monotonic() < began + 300:
        time.sleep(0.2)
    took, left = time.monotonic() - began, len(list(journal.waiting(project.home)))
    store = open_store(project)
    runs = {run.name: run for run in store.runs(limit=1000)}
    wrong = []
    for name, (count, returned) in said.items():
        run = runs.pop(name, None)
        if run is None:
            wrong += [f"{name}: no run, though it had logged {count}"] if count else []
            continue
        history = store.client.get_metric_history(run.run_id, "done") if count else []
        ended = len(history) == STEPS
        truthful = (
            run.status == "FINISHED" if returned else run.status == "KILLED" or (run.status == "FINISHED" and ended)
        )
        if not truthful or len(history) < count:
            wrong.append(f"{name}: {run.status}, {len(history)} of {count} values, returned: {returned}")
    twice = len(store.runs(limit=1000)) - len({run.name for run in store.runs(limit=1000)})
    print(f"{len(said) - len(wrong)} of {len(said)} truthful and whole; {twice} twice; {left} records left")
    print(f"all were in MLflow {took:.0f} s after the last sign of life")
    print("\n".join(wrong))
    return bool(wrong or twice or left or runs)


if __name__ == "__main__":
    os.environ.pop("MLOPS_STRICT", None)
    raise SystemExit(main())
