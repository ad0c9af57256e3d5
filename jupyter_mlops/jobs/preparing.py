"""A task held against its notebook before anything is started."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from jupyter_mlops.errors import BadInput
from jupyter_mlops.jobs.notebooks import Source, parse_source, read_source
from jupyter_mlops.jobs.parameters import check, schema_of
from jupyter_mlops.jobs.tasks import Task


def prepared(task: Task) -> tuple[Task, Source]:
    """The task with its parameters as the notebook will have them, and the notebook as it is now. Raises BadInput."""
    from jupyter_client.kernelspec import KernelSpecManager

    _check_limits(task)
    source = read_source(task.notebook) if task.content is None else parse_source(task.notebook, task.content)
    given = check(schema_of(source), task.parameters, source.path.name)
    kernels = KernelSpecManager().find_kernel_specs()
    if source.kernel not in kernels and source.kernel not in ("python3", "python"):
        raise BadInput(
            f"{source.path.name} asks for a kernel that is not installed: {source.kernel}",
            f"choose another in the notebook, or install it; there are {', '.join(sorted(kernels)) or 'none'}",
            kernel=source.kernel,
        )
    return replace(task, parameters=given, notebook=source.path.resolve()), source


def _check_limits(task: Task) -> None:
    if isinstance(task.retries, bool) or not isinstance(task.retries, int) or task.retries < 0:
        raise BadInput(f"retries={task.retries!r} is not a number of 0 or more", "give a whole number", name="retries")
    if task.timeout <= timedelta(0):
        raise BadInput(f"timeout {task.timeout} leaves no time", "write it as 10m", name="timeout")
    if task.memory is not None and task.memory <= 0:
        raise BadInput(f"memory={task.memory!r} is not a size in bytes", "give more than 0", name="memory")
