"""What drift between two Parquet files of 1M rows x 40 columns costs, as ratios to decoding them and to a scipy loop.

    python tests/bench/bench_drift.py [ROWS] [--evidently PYTHON]

Goals: under 2.5 times the CPU of decoding, at least 10 times less than the scipy loop, import under half a second; at least 200
times less than DataDriftPreset of Evidently 0.7, whose own environment (pandas 2) PYTHON is of.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

NUMERIC, CATEGORICAL = 30, 10


def make(path: Path, rows: int, seed: int) -> None:
    """Written in pieces of a million rows, so that making it takes no more memory than reading it."""
    random = np.random.default_rng(seed)
    draw: list[Callable[[int], np.ndarray[Any, Any]]] = [
        lambda n: random.normal(3, 2, n),
        lambda n: random.lognormal(0, 1, n),
        lambda n: random.exponential(3, n),
        lambda n: random.integers(0, 100, n).astype(float),
        lambda n: random.uniform(-1, 1, n),
        lambda n: random.standard_t(3, n),
    ]
    writer = None
    for start in range(0, rows, 1_000_000):
        n = min(1_000_000, rows - start)
        columns = {f"n{i}": pa.array(draw[i % len(draw)](n)) for i in range(NUMERIC)}
        for i in range(CATEGORICAL):
            names = pa.array([f"c{i}_{j}" for j in range(5 + 10 * i)])
            columns[f"c{i}"] = names.take(pa.array(random.integers(0, len(names), n)))
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def cpu(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def decode(*paths: Path) -> None:
    for path in paths:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                for name in file.schema_arrow.names:
                    file.read_row_group(group, columns=[name])


def scipy_loop(reference: Path, current: Path) -> None:
    from scipy import stats

    for name in pq.read_schema(reference).names:
        a, b = (pq.read_table(p, columns=[name]).column(0) for p in (reference, current))
        if name.startswith("n"):
            stats.ks_2samp(a.to_numpy(), b.to_numpy(), method="asymp")
            stats.wasserstein_distance(a.to_numpy(), b.to_numpy())
        else:
            counted = [{str(v["values"]): v["counts"].as_py() for v in x.value_counts()} for x in (a, b)]
            stats.chi2_contingency([[c[v] for v in counted[0]] for c in counted])


EVIDENTLY = """
import sys, time
import pandas as pd
start = time.process_time()
from evidently import Report
from evidently.presets import DataDriftPreset
imported = time.process_time()
reference, current = (pd.read_parquet(path) for path in sys.argv[1:])
begun = time.process_time()
Report([DataDriftPreset()]).run(current, reference)
print(imported - start, time.process_time() - begun)
"""


def evidently(python: str, reference: Path, current: Path) -> tuple[float, float]:
    """CPU seconds of its import and of its preset, reading not counted; in the process of another environment."""
    words = [python, "-W", "ignore", "-c", EVIDENTLY, str(reference), str(current)]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    imported, ran = said.split()[-2:]
    return float(imported), float(ran)


def main() -> None:
    rows = next((int(word) for word in sys.argv[1:] if word.isdigit()), 1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        reference, current = Path(folder, "reference.parquet"), Path(folder, "current.parquet")
        make(reference, rows, 0)
        make(current, rows, 1)
        decode(reference, current)  # warm the disk cache
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        first = cpu(lambda: __import__("jupyter_mlops.monitoring.comparing"))
        from jupyter_mlops.monitoring import drift

        ours = min(cpu(lambda: drift(reference, current)) for _ in range(3))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        decoding = min(cpu(lambda: decode(reference, current)) for _ in range(3))
        print(f"{rows:,} rows x {NUMERIC + CATEGORICAL} columns, twice: drift {ours:.2f} CPU s, import {first:.2f}")
        print(f"decoding alone {decoding:.2f} CPU s: drift is {ours / decoding:.2f} times that (goal < 2.5)")
        print(f"peak memory of making the files {before / 1024:.0f} MB, with drift {peak / 1024:.0f} MB")
        if rows <= 1_000_000:
            looped = cpu(lambda: scipy_loop(reference, current))
            print(f"scipy loop {looped:.1f} CPU s: drift is {looped / ours:.0f} times less (goal >= 10)")
        if "--evidently" in sys.argv:
            imported, preset = evidently(sys.argv[sys.argv.index("--evidently") + 1], reference, current)
            print(f"Evidently {preset:.1f} CPU s: drift is {preset / ours:.0f} times less (goal >= 200)")
            print(f"Evidently's import {imported:.1f} CPU s")


if __name__ == "__main__":
    main()
