"""How jobs ended, told to the addresses of `notify:`: one message for a job or for a whole fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jupyter_mlops.errors import BadInput, Unavailable
from jupyter_mlops.flows.notifying import NO_APPRISE, Send, doors_of, patiently
from jupyter_mlops.project import Project
from jupyter_mlops.records import Job

_MOST = 20  # jobs that are named


def reachable(project: Project) -> list[Send]:
    """The doors that news goes out by, found before hours are spent on what should be told.

    BadInput where `notify:` names none, Unavailable where apprise is not installed.
    """
    if not project.file.notify:
        raise BadInput("there is nobody to tell", "add an address to `notify:` in mlops.yaml", field="notify")
    try:
        return doors_of(project)
    except ImportError:
        raise Unavailable(f"nobody can be told: {NO_APPRISE}", "", field="notify") from None


def announce(project: Project, jobs: Mapping[str, Job], doors: Sequence[Send] | None = None) -> str:
    """Tell how these ended. Comes back with one sentence of what went wrong, or nothing.

    Without `doors`, whoever `notify:` names is told, if anybody.
    """
    if not jobs or (doors is None and not project.file.notify):
        return ""
    if doors is None:
        try:
            doors = reachable(project)
        except Unavailable as error:
            return error.message
    title, body = _title(project, jobs), "\n".join(_lines(jobs))
    reached = [patiently(door, title, body) for door in doors]
    return "" if all(reached) else f"{reached.count(False)} of {len(reached)} addresses of `notify:` could not be told"


def _title(project: Project, jobs: Mapping[str, Job]) -> str:
    failed = sum(job.status != "FINISHED" for job in jobs.values())
    if len(jobs) == 1:
        name, job = next(iter(jobs.items()))
        return f"{project.name}: {name} {job.status}"
    return f"{project.name}: {failed or 'none'} of {len(jobs)} jobs did not finish"


def _lines(jobs: Mapping[str, Job]) -> list[str]:
    """What failed comes first, each with its reason; of many, the first."""
    ordered = sorted(jobs.items(), key=lambda named: named[1].status == "FINISHED")
    lines = [_line(name, job) for name, job in ordered[:_MOST]]
    return [*lines, f"and {len(jobs) - _MOST} more"] if len(jobs) > _MOST else lines


def _line(name: str, job: Job) -> str:
    metrics = ", ".join(f"{metric} {value:.4g}" for metric, value in job.metrics.items())
    said = job.reason if job.status != "FINISHED" else metrics
    return f"{name}: {job.status} (run {job.run_id[:8]})" + (f": {said}" if said else "")
