"""What a server counts, in Prometheus' text form."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Counters:
    """Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[int] = Counter()
        self._rows: Counter[tuple[str, int, str]] = Counter()
        self._times: Counter[float] = Counter()
        self._others: Counter[str] = Counter()
        self._seconds = 0.0

    def answered(self, status: int) -> None:
        with self._lock:
            self._answers[status] += 1

    def predicted(self, model: str, version: int, role: str, rows: int, seconds: float) -> None:
        """Rows answered by one version as champion, challenger or shadow; only what a client waited for is timed."""
        with self._lock:
            self._rows[model, version, role] += rows
            if role != "shadow":
                self._seconds += seconds
                self._times[next((b for b in _BOUNDS if seconds <= b), float("inf"))] += 1

    def add(self, name: str, count: int = 1) -> None:
        with self._lock:
            self._others[name] += count

    def counted(self, gauges: Mapping[str, float]) -> dict[str, float]:
        """Every series and its value, as Prometheus names them."""
        with self._lock:
            series = {f'mlops_requests_total{{status="{s}"}}': float(n) for s, n in sorted(self._answers.items())}
            for (model, version, role), n in sorted(self._rows.items()):
                labels = f'model="{_label(model)}",version="{version}",role="{role}"'
                series[f"mlops_predicted_rows_total{{{labels}}}"] = n
            total = 0
            for bound in (*_BOUNDS, float("inf")):
                total += self._times[bound]
                name = "+Inf" if bound == float("inf") else bound
                series[f'mlops_predict_seconds_bucket{{le="{name}"}}'] = total
            series |= {"mlops_predict_seconds_sum": self._seconds, "mlops_predict_seconds_count": total}
            series |= {f"mlops_{name}": float(value) for name, value in self._others.items()}
        return {**series, **{f"mlops_{name}": float(value) for name, value in gauges.items()}}


def prometheus(parts: Iterable[Mapping[str, Any]]) -> str:
    """The sum of what several processes counted, as text."""
    total: Counter[str] = Counter()
    for part in parts:
        for name, value in part.items():
            total[name] += value
    lines, said = [], set()
    for name in sorted(total, key=_family):  # a stable sort: within a family, as they were counted
        family = _family(name)
        if family not in said:
            said.add(family)
            kind = (
                "histogram"
                if family == "mlops_predict_seconds"
                else "counter"
                if family.endswith("_total")
                else "gauge"
            )
            lines.append(f"# TYPE {family} {kind}")
        lines.append(f"{name} {total[name]:.12g}")
    return "\n".join(lines) + "\n"


def _family(series: str) -> str:
    name = series.partition("{")[0]
    return "mlops_predict_seconds" if name.startswith("mlops_predict_seconds_") else name


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
