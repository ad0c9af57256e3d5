"""A bar of jobs, or of the cells of one, in a terminal or a notebook: how many are done, what runs now, the time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_mlops.jobs import Task
from jupyter_mlops.records import Job

_WIDE = 40  # characters of the line that runs now


@contextmanager
def shown(count: int, name: str, *, silent: bool = False) -> Iterator[dict[str, Any]]:
    """`done` and `cell_done` for `run_jobs`."""
    from tqdm.auto import tqdm

    with tqdm(total=None if count == 1 else count, desc=name, unit="job", disable=silent) as bar:

        def cells(_task: Task, done: int, of: int, line: str) -> None:
            if count == 1:
                bar.total, bar.unit = of, "cell"
                bar.set_postfix_str(line[:_WIDE], refresh=False)
                bar.update(done - bar.n)
                bar.refresh()

        def jobs(_job: Job) -> None:
            if count > 1:
                bar.update()

        yield {"done": jobs, "cell_done": cells}
