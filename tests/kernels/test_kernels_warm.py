"""A warm kernel is a kernel like any other, only sooner; and it dies with those who started it."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
import psutil
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from jupyter_mlops.kernels import WARM_KERNEL
from jupyter_mlops.kernels.handle import Zygote


def _run(source: str, **options: object) -> str:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, kernel_name=WARM_KERNEL, timeout=60).execute(**options)
    return "".join(output.get("text", "") for output in notebook.cells[0].outputs).strip()


def test_what_was_preloaded_is_there():
    assert (
        _run("import sys; print({'pandas', 'sklearn.ensemble', 'numpy'} <= set(sys.modules), 'mlflow' in sys.modules)")
        == "True False"
    )


def test_it_looks_like_a_kernel_of_its_own(tmp_path):
    env = {**os.environ, "ONLY_HERE": "yes"}
    source = "import os, sys; print(os.getcwd(), os.environ['ONLY_HERE'], __name__, sys.argv[1], os.getsid(0) == os.getpid())"
    assert _run(source, env=env, cwd=str(tmp_path)) == f"{tmp_path} yes __main__ -f True"


def test_two_kernels_draw_different_numbers():
    source = "import random, numpy; print(random.random(), numpy.random.rand())"
    first, second = _run(source).split(), _run(source).split()
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_processes_and_threads_work_in_it():
    source = """
import subprocess, sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from sklearn.ensemble import RandomForestRegressor
model = RandomForestRegressor(4, n_jobs=2, random_state=0).fit(np.arange(40.).reshape(-1, 1), np.arange(40.))
print(subprocess.run([sys.executable, "-c", "print(6*7)"], capture_output=True, text=True).stdout.strip(),
      list(ThreadPoolExecutor(2).map(abs, [-1, -2])), float(np.ones((200, 200)).dot(np.ones((200, 200)))[0, 0]))
"""
    assert _run(source) == "42 [1, 2] 200.0"


def test_many_at_once_from_threads():
    with ThreadPoolExecutor(4) as pool:
        pids = list(pool.map(lambda _: _run("import os; print(os.getpid())"), range(6)))
    assert len(set(pids)) == 6
    gone_by = time.monotonic() + 60
    while any(psutil.pid_exists(int(pid)) for pid in pids) and time.monotonic() < gone_by:
        time.sleep(0.1)
    assert not [pid for pid in pids if psutil.pid_exists(int(pid))]


@pytest.fixture
def manager():
    manager = KernelManager(kernel_name=WARM_KERNEL)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def _ask(client, source: str) -> dict:
    return client.execute_interactive(source, timeout=30, output_hook=lambda _message: None)["content"]


def test_interrupt_and_restart(manager):
    kernel, client = manager
    client.execute("import time; time.sleep(30)")
    time.sleep(0.5)
    kernel.interrupt_kernel()
    reply = client.get_shell_msg(timeout=10)["content"]
    assert reply["ename"] == "KeyboardInterrupt"
    _ask(client, "x = 1")
    kernel.restart_kernel(now=True)
    client.wait_for_ready(timeout=60)
    assert _ask(client, "x")["ename"] == "NameError"


def test_a_killed_kernel_is_seen_dead_at_once(manager):
    kernel, client = manager
    assert kernel.is_alive()
    client.execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    gone_by = time.monotonic() + 60
    while kernel.is_alive() and time.monotonic() < gone_by:
        time.sleep(0.05)
    assert not kernel.is_alive()
    assert kernel.provisioner.process.poll() == -signal.SIGKILL


def test_kernels_and_zygote_die_with_a_killed_parent():
    code = f"""
import time
from jupyter_client.manager import KernelManager
import psutil
manager = KernelManager(kernel_name={WARM_KERNEL!r}); manager.start_kernel()
print(*[p.pid for p in psutil.Process().children(recursive=True)], flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    children = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(children) == 2
    parent.kill()
    parent.wait()
    gone_by = time.monotonic() + 60
    while any(map(_lives, children)) and time.monotonic() < gone_by:
        time.sleep(0.05)
    assert not any(map(_lives, children))


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_what_importing_sets_in_the_environment_here_as_there_makes_no_new_zygote(monkeypatch):
    monkeypatch.delenv("KMP_INIT_AT_FORK", raising=False)  # scikit-learn sets it to FALSE
    zygote = Zygote(["sklearn"])
    zygote.wait_ready()
    try:
        assert zygote.late_for(os.environ) == []
        monkeypatch.setenv("KMP_INIT_AT_FORK", "FALSE")
        assert zygote.late_for(os.environ) == []
        monkeypatch.setenv("KMP_INIT_AT_FORK", "TRUE")
        assert zygote.late_for(os.environ) == ["KMP_INIT_AT_FORK"]
    finally:
        zygote.kill()


def test_turned_off_it_is_an_ordinary_kernel(monkeypatch):
    monkeypatch.setenv("MLOPS_WARM", "0")
    assert _run("import sys; print('pandas' in sys.modules)") == "False"
