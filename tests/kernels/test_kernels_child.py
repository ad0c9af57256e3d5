"""To the code in it, a warm kernel is a cold one."""

import os

import pytest

from jupyter_mlops.kernels.current import PRELOAD

LOOK = """
import asyncio, json, locale, logging, multiprocessing, os, signal, socket, stat, sys, threading, time, warnings
import numpy, sklearn.ensemble
from threadpoolctl import threadpool_info

def kind(fd):
    try:
        with socket.socket(fileno=os.dup(fd)) as s:
            return f"{s.family.name} {s.type.name}"
    except OSError:
        return ""

sockets = [kind(int(fd)) for fd in os.listdir("/proc/self/fd")]
main = sys.modules["__main__"]
masks = ("SigBlk", "SigIgn", "SigCgt", "Umask", "NoNewPrivs")
print(json.dumps({
    "argv": sys.argv[:2], "orig_argv": sys.orig_argv[:4], "path": sys.path, "flags": repr(sys.flags),
    "options": [sys.warnoptions, sys._xoptions], "environment": dict(os.environ), "cwd": os.getcwd(),
    "main": [repr(getattr(main, n, None)) for n in ("__name__", "__file__", "__spec__", "__loader__")],
    "globals": sorted(vars(main)),
    "leads": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
    "signals": {s.name: str(signal.getsignal(s)) for s in signal.Signals},
    "masks": [line for line in open("/proc/self/status") if line.startswith(masks)],
    "sockets": {k: sockets.count(k) for k in set(sockets) if k},
    "stdin": os.read(0, 1).decode(), "streams": [repr(sys.__stdout__), repr(sys.__stderr__)],
    "threads": [threading.current_thread() is threading.main_thread(), threading.active_count()],
    "tasks": sorted({open(f"/proc/self/task/{t}/comm").read().strip() for t in os.listdir("/proc/self/task")}),
    "asyncio": [type(asyncio.get_event_loop_policy()).__name__, type(asyncio.get_running_loop()).__name__],
    "multiprocessing": [multiprocessing.get_start_method(True), multiprocessing.parent_process()],
    "locale": [locale.setlocale(locale.LC_ALL), time.tzname], "logging": [logging.root.level, len(logging.root.handlers)],
    "recursion": sys.getrecursionlimit(), "hooks": [sys.excepthook.__qualname__, sys.displayhook.__class__.__name__],
    "pools": sorted([p["internal_api"], p["num_threads"]] for p in threadpool_info()),
}))
"""


@pytest.fixture(scope="module")
def pair(kernel_class, tmp_path_factory):
    """What a cold and a warm kernel, asked for in the same words, say of themselves."""
    import json

    folder = tmp_path_factory.mktemp("work")
    environment = {**os.environ, "ONLY_HERE": "é=1\n2", "TZ": "Asia/Kathmandu"}
    environment.pop("HOME_OF_NOTHING", None)
    found = []
    for name in ("python3", "python3-warm"):
        kernel = kernel_class(name, env=environment, cwd=str(folder))
        found.append(json.loads(kernel.ask(LOOK)))
        kernel.stop()
    return found


@pytest.mark.parametrize(
    "aspect",
    [
        *("argv", "orig_argv", "path", "flags", "options", "environment", "cwd", "main", "globals", "leads", "signals"),
        *("masks", "sockets", "stdin", "streams", "threads", "asyncio", "multiprocessing", "locale", "logging"),
        *("recursion", "hooks", "pools"),
    ],
)
def test_it_looks_like_a_cold_kernel(pair, aspect):
    cold, warm = pair
    assert warm[aspect] == cold[aspect]


def test_it_has_the_same_threads_but_for_those_a_fork_would_lose(pair):
    cold, warm = (set(found["tasks"]) for found in pair)
    assert cold - warm <= {"jemalloc_bg_thd"}  # Arrow's allocator: where it has no thread it returns memory as it goes
    assert warm <= cold


def test_what_was_preloaded_is_there_and_nothing_heavier(start):
    loaded = set(start().data("list(__import__('sys').modules)"))
    assert set(PRELOAD) <= loaded
    assert not {"mlflow", "papermill"} & loaded


def test_kernels_share_no_randomness_and_no_memory(start):
    draw = "[__import__('random').random(), __import__('numpy').random.rand(), __import__('uuid').uuid4().hex, "
    draw += "list(__import__('multiprocessing').current_process().authkey), __import__('os').getpid()]"
    one, other = start(), start()
    for first, second in zip(one.data(draw), other.data(draw), strict=True):
        assert first != second
    state = "__import__('numpy').random.get_bit_generator().seed_seq"  # None once seeded, which this was not
    assert one.data(f"[str({state})]") != other.data(f"[str({state})]")
    one.ask("import pandas; pandas.mine = 1; x = 1")
    assert other.data("[hasattr(__import__('pandas'), 'mine'), 'x' in globals()]") == [False, False]


def test_random_state_can_be_seeded_as_ever(start):
    draw = "import numpy, random; numpy.random.seed(7); random.seed(7); print(numpy.random.rand(), random.random())"
    assert start().ask(draw) == start("python3").ask(draw)


def test_both_ways_of_multiprocessing_and_subprocesses_work(start, tmp_path):
    (tmp_path / "spawned_here.py").write_text("def double(x):\n    return 2 * x\n")
    start(cwd=str(tmp_path)).ask("""
import multiprocessing, subprocess, sys
import spawned_here
for way in ("spawn", "fork"):
    with multiprocessing.get_context(way).Pool(2) as pool:
        assert pool.map(spawned_here.double, [1, 2, 3]) == [2, 4, 6]
assert subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True).stdout == "42\\n"
""")


def test_thread_pools_of_every_kind_work(shared):
    shared.ask("""
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.model_selection import cross_val_score
x, y = np.arange(4000.0).reshape(-1, 2), np.arange(2000.0)
assert np.ones((600, 600)).dot(np.ones((600, 600)))[0, 0] == 600
HistGradientBoostingRegressor(max_iter=5).fit(x, y)  # OpenMP
RandomForestRegressor(4, n_jobs=2).fit(x, y)  # threads
assert len(cross_val_score(RandomForestRegressor(2), x, y, cv=2, n_jobs=2)) == 2  # processes
assert list(ThreadPoolExecutor(2).map(lambda n: np.ones((300, 300)).dot(np.ones((300, 300)))[0, 0], [1, 2])) == [300, 300]
assert pa.table({"x": y}).group_by([]).aggregate([("x", "sum")]).column(0)[0].as_py() == y.sum()  # Arrow's own
""")


@pytest.mark.parametrize("asked", [{"OMP_NUM_THREADS": "1"}, {"OPENBLAS_NUM_THREADS": "3"}, {}])
def test_it_has_as_many_threads_as_its_environment_asks_for(start, asked):
    cores = len(os.sched_getaffinity(0))
    found = start(env={**os.environ, **asked}).data(
        "[[p['internal_api'], p['num_threads']] for p in __import__('threadpoolctl').threadpool_info()]"
    )
    blas = int(asked.get("OPENBLAS_NUM_THREADS") or asked.get("OMP_NUM_THREADS") or cores)
    openmp = int(asked.get("OMP_NUM_THREADS") or cores)
    assert {(kind, number) for kind, number in found} == {("openblas", blas), ("openmp", openmp)}


def test_low_level_output_is_captured(start):
    # ipykernel leaves the descriptors alone where it finds itself under pytest.
    kernel = start(env={name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"})
    wait = "; import time; time.sleep(1)"  # a thread of ipykernel's carries it over
    assert kernel.ask("import os; _ = os.write(1, b'from below\\n')" + wait) == "from below"
    assert kernel.ask("import subprocess; _ = subprocess.run(['echo', 'from a child'])" + wait) == "from a child"


def test_plots_are_inline(shared):
    assert shared.ask("import matplotlib; print(matplotlib.get_backend())") in (
        "inline",
        "module://matplotlib_inline.backend_inline",
    )


def test_shut_down_it_ends_as_python_does(start, tmp_path):
    note = tmp_path / "note"
    kernel = start()
    process = kernel.manager.provisioner.process
    kernel.ask(f"import atexit, pathlib; _ = atexit.register(pathlib.Path({str(note)!r}).write_text, 'bye')")
    kernel.stop(now=False)
    assert note.read_text() == "bye"
    assert process.poll() == 0
