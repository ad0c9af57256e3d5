"""How long a wide data set takes to profile, in how much memory, and what a stream costs.

    python tests/bench/bench_scale.py [ROWS] [WORKERS]

Goals: 10M rows x 200 columns in under 60 s and 1 GB on two cores, in memory that does not grow from 100k rows to 10M; a stream
of a million rows a second in batches, 10 us a row one by one. The data are parts of 500,000 rows, which are one file under many
names, so that ten million rows need the disk of half a million; what is read, decoded and counted is all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

NUMERIC, CATEGORICAL, PART = 150, 50, 500_000

RUN = """
import resource, sys, time
from concurrent.futures import ProcessPoolExecutor
from jupyter_mlops.monitoring import profile
folder, workers = sys.argv[1], int(sys.argv[2])
begun = time.perf_counter()
if workers > 1:
    with ProcessPoolExecutor(workers) as pool:
        made = profile(folder, executor=pool)
else:
    made = profile(folder)
wall = time.perf_counter() - begun
mine, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
cpu = sum(usage.ru_utime + usage.ru_stime for usage in (mine, theirs))
status = open("/proc/self/status").read()  # our own maxrss begins with the parent's
own = int(status.split("VmHWM:")[1].split()[0])
peak = (own + (workers * theirs.ru_maxrss if workers > 1 else 0)) / 1024
size = f"{made.rows:>12,} rows x {len(made.columns)} columns"
print(f"{size}, {workers} worker(s): {wall:.1f} s, {cpu:.1f} CPU s, peak {peak:.0f} MB")
"""


def make(folder: Path, rows: int, path: str = "part-0.parquet") -> None:
    random = np.random.default_rng(0)
    draws = [
        random.normal(3, 2, rows),
        random.lognormal(0, 1, rows),
        random.exponential(3, rows),
        random.integers(0, 100, rows).astype(float),
        random.uniform(-1, 1, rows),
        random.standard_t(3, rows),
    ]
    columns = {f"n{i}": pa.array(np.roll(draws[i % len(draws)], 1000 * i)) for i in range(NUMERIC)}
    for i in range(CATEGORICAL):
        names = pa.array([f"c{i}_{j}" for j in range(5 + 3 * i)])
        columns[f"c{i}"] = names.take(pa.array(random.integers(0, len(names), rows)))
    pq.write_table(pa.table(columns), folder / path)


def wide(rows: int, workers: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make(folder, min(rows, PART))
        for number in range(1, rows // PART):
            os.link(folder / "part-0.parquet", folder / f"part-{number}.parquet")
        subprocess.run([sys.executable, "-c", RUN, str(folder), str(workers)], check=True)


def stream(batches: int = 20, size: int = 100_000) -> None:
    """Ten columns, in batches of Arrow and row by row."""
    from jupyter_mlops.monitoring import DriftStream

    random = np.random.default_rng(0)
    batch = pa.table(
        {f"x{i}": random.normal(size=size) for i in range(8)} | {"a": ["k"] * size, "b": ["l", "m"] * (size // 2)}
    )
    met = DriftStream(batch)
    begun = time.process_time()
    for _ in range(batches):
        met.update(batch)
    each = (time.process_time() - begun) / (batches * size)
    print(f"a stream in batches of {size:,}: {1 / each:,.0f} rows a CPU second (goal >= 1,000,000), of 10 columns")
    rows = batch.slice(0, 50_000).to_pylist()
    begun = time.process_time()
    for row in rows:
        met.add(row)
    assert met.seen.rows == batches * size + len(rows)
    each = (time.process_time() - begun) / len(rows)
    print(f"one by one: {each * 1e6:.1f} us a row (goal <= 10)")


def main() -> None:
    words = [*sys.argv[1:], *("10000000", "2")[len(sys.argv) - 1 :]]
    rows, workers = map(int, words)
    stream()
    wide(100_000, 1)
    wide(rows, 1)
    wide(rows, workers)


if __name__ == "__main__":
    main()
