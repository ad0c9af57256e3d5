"""What is left after many jobs, and what an idle warm kernel costs.

    python tests/bench/bench_leaks.py [--jobs N] [--kernels N]

N tiny jobs (1,000), one after another in fleets of 50: this process's files, sockets, threads and resident memory, and how
many processes descend from it, as they go. Goal: the same at the end as after the first hundred, memory within 64 MB. Then
the private memory (USS) of each idle warm kernel of several: goal under 60 MB.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from pathlib import Path

import psutil
from bench_jobs import write
from jupyter_client.manager import KernelManager

from jupyter_mlops.jobs import Task, run_fleet
from jupyter_mlops.kernels import WARM_KERNEL
from jupyter_mlops.project import load
from jupyter_mlops.store import open_store

FLEET = 50


def held() -> dict[str, int]:
    gc.collect()
    me = psutil.Process()
    return {
        "processes": len(me.children(recursive=True)),
        "files": me.num_fds(),
        "sockets": len(me.net_connections("all")),
        "threads": me.num_threads(),
        "MB": me.memory_info().rss >> 20,
    }


def many(count: int, folder: Path) -> None:
    (folder / "mlops.yaml").write_text("version: 1\nproject: bench\n")
    store, tiny = open_store(load(folder)), write(folder, "tiny.ipynb", "x = seed")
    began, first = time.perf_counter(), {}
    for start in range(0, count, FLEET):
        jobs = run_fleet(store, [Task(f"t{i}", tiny, {"seed": i}) for i in range(start, start + FLEET)])
        assert {job.status for job in jobs.values()} == {"FINISHED"}
        now = held()
        first = first if start + FLEET > 100 else now
        print(f"{start + FLEET:5} jobs, {time.perf_counter() - began:5.0f} s: {now}", flush=True)
    grown = {what: now[what] - first[what] for what in now}
    print(f"since the first {min(count, 100)}: {grown}; temporary files: {len(list(folder.glob('.mlops/jobs/.*')))}")


def idle(count: int) -> None:
    managers = [KernelManager(kernel_name=WARM_KERNEL) for _ in range(count)]
    for manager in managers:
        manager.start_kernel()
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=120)
        client.execute_interactive("1 + 1", timeout=60, output_hook=lambda _message: None)
        client.stop_channels()
    sizes = [psutil.Process(m.provisioner.pid).memory_full_info() for m in managers]
    shown = ", ".join(f"{s.uss / 2**20:.0f} (of {s.rss / 2**20:.0f} resident)" for s in sizes)
    print(f"private MB of each idle warm kernel (goal 60): {shown}")
    for manager in managers:
        manager.shutdown_kernel(now=True)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--jobs", type=int, default=1000)
    words.add_argument("--kernels", type=int, default=4)
    given = words.parse_args()
    idle(given.kernels)
    if given.jobs:
        with tempfile.TemporaryDirectory() as folder:
            many(given.jobs, Path(folder))


if __name__ == "__main__":
    main()
