"""A server that stops does not wait for what takes long; what it does meanwhile answers and raises as anywhere."""

import subprocess
import sys
import threading

import pytest

from jupyter_mlops.lab.leaving import LeavingPool

SERVER = """
import threading, time
from jupyter_mlops.lab.leaving import LeavingPool
pool, begun = LeavingPool(1, "slow"), threading.Event()
pool.submit(lambda: (begun.set(), time.sleep(3600)))
waiting = pool.submit(print, "never")
begun.wait()
pool.shutdown()
print(waiting.cancelled())
"""


def test_a_stop_waits_for_nothing_that_runs_and_cancels_what_waits():
    done = subprocess.run([sys.executable, "-c", SERVER], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "True\n"


def test_calls_are_answered_two_at_once_and_errors_are_raised_where_awaited():
    pool, both = LeavingPool(2, "slow"), threading.Barrier(2)
    first, second = pool.submit(both.wait, 60), pool.submit(both.wait, 60)
    assert {first.result(60), second.result(60)} == {0, 1}
    with pytest.raises(ZeroDivisionError):
        pool.submit(divmod, 1, 0).result(60)
    pool.shutdown()
