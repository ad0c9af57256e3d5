"""What the monitors found, as Prometheus reads it from a file (node_exporter's textfile collector) or a page."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.project import Project
from jupyter_mlops.records import MetricPoint
from jupyter_mlops.store import database

_OPEN = ("open", "acknowledged")


def exposition(project: Project) -> str:
    """The last point of each metric and slice, with its interval, rows and label coverage; and how many alerts are open."""
    base = database(project)
    last: dict[tuple[str, ...], MetricPoint] = {}
    for point in base.points():
        key = (point.model, point.segment or "", point.metric, point.slice)
        if key not in last or point.end >= last[key].end:
            last[key] = point
    lines = ["# HELP mlops_monitor The last figure of a monitored model.", "# TYPE mlops_monitor gauge"]
    lines += [line for point in last.values() for line in _lines(point)]
    lines += ["# HELP mlops_alerts Alerts that are open or acknowledged.", "# TYPE mlops_alerts gauge"]
    for target in project.targets():
        held = [a for a in base.alerts() if (a.model, a.segment) == (target.model, target.segment) and a.state in _OPEN]
        lines.append(f"mlops_alerts{_labels(model=target.model, segment=target.segment or '')} {len(held)}")
    return "\n".join(lines) + "\n"


def _lines(point: MetricPoint) -> Iterator[str]:
    told = {"model": point.model, "segment": point.segment or "", "metric": point.metric, "slice": point.slice}
    told["version"] = str(point.version or "")
    figures = {"value": point.value, "low": point.low, "high": point.high, "n": point.n, "coverage": point.coverage}
    for name, value in figures.items():
        if value is not None:
            yield f"mlops_monitor{_labels(**told, figure=name)} {value:.17g}"
    yield f"mlops_monitor{_labels(**told, figure='end')} {point.end.timestamp():.0f}"


def _labels(**values: str) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
