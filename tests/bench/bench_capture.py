"""What `%%track` adds to a cell, beside what `mlflow.autolog` adds to the same cell, in one run on one machine.

    python tests/bench/bench_capture.py [--rounds 15]

Bare, tracked and autologged executions take turns, so that a busy machine is busy for all three; medians are compared.
`autolog` saves its model to a file store beside; the shipper that takes our record to MLflow runs in a process of its own
and is not counted, as a person does not wait for it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import tempfile
import time
from typing import Any

SETUP = """
import pandas as pd
from sklearn.datasets import make_regression
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_absolute_error
X, y = make_regression(2000, 10, noise=3, random_state=0)
X = pd.DataFrame(X, columns=[f"x{i}" for i in range(10)])
"""
CELL = """
model = RandomForestRegressor(16, max_leaf_nodes=400, random_state=0).fit(X, y)
mae = mean_absolute_error(y, model.predict(X))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ["MLOPS_SHIP"] = "supervisor"
        shell = _shell()
        loading = _timed(lambda: shell.run_cell("%load_ext jupyter_mlops"))
        shell.run_cell(SETUP)
        ways = {"bare": CELL, "tracked": "%%track\n" + CELL, "autologged": CELL}
        times: dict[str, list[float]] = {way: [] for way in ways}
        import mlflow

        mlflow.set_tracking_uri(f"sqlite:///{folder}/peer.db")
        for turn in range(rounds + 2):
            for way, cell in ways.items():
                seconds = _run(shell, cell, way == "autologged")
                if turn >= 2:  # the first ones import
                    times[way].append(seconds)
        _tell(times, loading, _model_size(shell))
        _metrics(shell)
        _slices()


def _shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell

    return InteractiveShell.instance()


def _run(shell: Any, cell: str, autolog: bool) -> float:
    import mlflow

    mlflow.sklearn.autolog(disable=not autolog, silent=True)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        seconds = _timed(lambda: shell.run_cell(cell))
        mlflow.end_run()
    return seconds


def _timed(act: Any) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _model_size(shell: Any) -> int:
    from skops.io import dumps

    return len(dumps(shell.user_ns["model"]))


def _tell(times: dict[str, list[float]], loading: float, size: int) -> None:
    middle = {way: statistics.median(found) for way, found in times.items()}
    ours, theirs = middle["tracked"] - middle["bare"], middle["autologged"] - middle["bare"]
    print(f"model of {size / 1e6:.1f} MB as saved; cell alone {middle['bare'] * 1e3:.0f} ms")
    print(f"%%track adds {ours * 1e3:.0f} ms, mlflow.autolog {theirs * 1e3:.0f} ms: {theirs / ours:.0f} times as much")
    print(f"%load_ext {loading * 1e3:.0f} ms")


def _metrics(shell: Any) -> None:
    source = "%%track\nimport time, jupyter_mlops as m\nb = time.perf_counter()\nfor i in range(1000): m.log(loss=i, step=i)\n"
    with contextlib.redirect_stdout(io.StringIO()):
        shell.run_cell(source + "took = time.perf_counter() - b")
    print(f"1,000 metrics in a loop: {shell.user_ns['took'] * 1e3:.1f} us each")


def _slices() -> None:
    from jupyter_mlops.tracking.slicing import History

    history = History()
    for n in range(1000):
        cell = f"v{n} = v{max(0, n - 7)} + len([{n}])\nother_{n} = [v{n}]\nother_{n}.append({n})"
        history.add(cell, cell, True)
    seconds = min(_timed(lambda: history.slice("print(v999, other_500)")) for _ in range(5))
    print(f"a slice of a session of 1,000 cells: {seconds * 1e3:.1f} ms, {len(history.slice('print(v999)'))} cells")


if __name__ == "__main__":
    main()
