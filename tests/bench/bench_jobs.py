"""What jobs cost, as ratios to raw papermill in the same run, on as many cores as there are.

    python tests/bench/bench_jobs.py [--fleet N] [--papermill N]

A trivial notebook that imports pandas, scikit-learn and MLflow: goal under 1/8 of papermill's wall time and 1/10 of its CPU.
N segments of a small scikit-learn training (60): goal 6 times faster than as many papermill runs, two at once (a few are run,
`--papermill`, and reckoned up), and within 1.5 times of a bare Python loop over the same code. The same training, five times
as long, with and without `%%track`, shipping to MLflow included: goal under 5 % more.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

from jupyter_mlops.flows import run_jobs
from jupyter_mlops.jobs import Task, run_fleet
from jupyter_mlops.project import load
from jupyter_mlops.store import Store, open_store

IMPORTS = "import pandas, sklearn.ensemble, mlflow"
LOAD = "%load_ext jupyter_mlops"
TRAINING = """
import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import cross_val_score
random = np.random.default_rng(seed)
x = random.normal(size=(1500, 12)); y = x[:, 0] * 2 + np.sin(x[:, 1]) + random.normal(size=1500)
score = cross_val_score(RandomForestRegressor(40, random_state=seed, n_jobs=1), x, y, cv=3).mean()
"""


def write(folder: Path, name: str, *cells: str) -> Path:
    node = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}}
    )
    node.cells = [nbformat.v4.new_code_cell("seed = 0", metadata={"tags": ["parameters"]})]
    node.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(node, folder / name)
    return folder / name


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds, those of ended children included."""
    before, began = _cpu(), time.perf_counter()
    work()
    return time.perf_counter() - began, _cpu() - before


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def papermill(path: Path, seed: int) -> None:
    command = [sys.executable, "-m", "papermill", "-k", "python3", "-p", "seed", str(seed), str(path), "-"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*command, "--no-progress-bar"], check=True, **quiet)  # type: ignore[call-overload]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--fleet", type=int, default=60)
    words.add_argument("--papermill", type=int, default=6)
    given = words.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "mlops.yaml").write_text("version: 1\nproject: bench\n")
        store = open_store(load(root))
        trivial, training = write(root, "trivial.ipynb", IMPORTS), write(root, "training.ipynb", TRAINING)
        first = measured(lambda: run_fleet(store, [Task("first", trivial)]))
        print(f"our first job, everything cold: {first[0]:.1f} s")

        ours = measured(lambda: run_fleet(store, [Task(f"t{i}", trivial, {"seed": i}) for i in range(10)], workers=1))
        ours = (
            ours[0] / 10,
            sum(float(r.tags["mlops.cpu_s"]) for r in store.runs("trivial", limit=10)) / 10 + ours[1] / 10,
        )
        raw = measured(lambda: [papermill(trivial, i) for i in range(2)])
        raw = raw[0] / 2, raw[1] / 2
        print(
            f"a trivial notebook: {ours[0]:.2f} s against papermill's {raw[0]:.2f}: 1/{raw[0] / ours[0]:.1f} (goal 1/8)"
        )
        print(f"  CPU {ours[1]:.2f} s against {raw[1]:.2f}: 1/{raw[1] / ours[1]:.1f} (goal 1/10)")

        tasks = [Task(f"s{i}", training, {"seed": i}) for i in range(given.fleet)]
        fleet = measured(lambda: run_fleet(store, tasks, workers=cores))
        few = range(given.papermill)
        with ThreadPoolExecutor(cores) as pool:
            part = measured(lambda: list(pool.map(lambda i: papermill(training, i), few)))
        whole = part[0] * given.fleet / given.papermill
        loop = measured(lambda: bare(given.fleet, cores))
        print(
            f"{given.fleet} segments: {fleet[0]:.1f} s; papermill {whole:.1f} s: {whole / fleet[0]:.1f} times faster (goal 6)"
        )
        print(f"  bare Python loop {loop[0]:.1f} s: {fleet[0] / loop[0]:.2f} of it (goal 1.5)")
        tracking(store, root)


def tracking(store: Store, root: Path, pairs: int = 3) -> None:
    """In pairs, so that a machine that grows busier meets both alike."""
    longer = TRAINING.replace("(40,", "(200,")
    plain, tracked = (
        write(root, "plain.ipynb", longer),
        write(root, "tracked.ipynb", LOAD, f"%%track\n{longer.strip()}"),
    )
    run_jobs(store, [Task("first", tracked)], force=True)
    spent = dict.fromkeys((plain, tracked), 0.0)
    for seed in range(pairs):
        for path in (plain, tracked):
            spent[path] += measured(lambda p=path, s=seed: run_jobs(store, [Task(p.stem, p, {"seed": s})], force=True))[
                0
            ]
    more = spent[tracked] / spent[plain] - 1
    print(f"tracking: {spent[tracked] / pairs:.1f} s against {spent[plain] / pairs:.1f}: {more:+.1%} (goal 5%)")


def bare(count: int, cores: int) -> None:
    """As many processes as cores, each looping over its share of the same code."""
    code = f"import sys\nfor seed in range(int(sys.argv[1]), {count}, {cores}):\n" + "".join(
        f"    {line}\n" for line in TRAINING.strip().splitlines()
    )
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    running = [subprocess.Popen([sys.executable, "-c", code, str(i)], env=env) for i in range(cores)]
    assert [process.wait() for process in running] == [0] * cores


if __name__ == "__main__":
    main()
