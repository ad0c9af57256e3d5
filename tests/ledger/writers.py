"""Many processes that write one ledger at once: `python writers.py DATABASE PROCESSES ENTRIES`.

They are forked from one that has imported everything, since importing it sixteen times is most of what such a test costs.
"""

import os
import sys

from jupyter_mlops.ledger import append
from jupyter_mlops.store import foreign_database


def write(url: str, name: str, count: int) -> None:
    """Entries under the subjects `name/0`, `name/1`, …, each in a transaction of its own."""
    base = foreign_database(url)
    for i in range(count):
        with base.begin() as connection:
            append(connection, actor="a", action="noted", subject=f"{name}/{i}")
    base.close()


def _forked(url: str, name: str, count: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        write(url, name, count)
        os._exit(0)
    finally:
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def main(url: str, processes: int, count: int) -> int:
    """How many of them failed."""
    writers = [_forked(url, str(n), count) for n in range(processes)]
    return sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0 for pid in writers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
