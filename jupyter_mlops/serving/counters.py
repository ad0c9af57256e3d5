"""What a server counts, in Prometheus' text form."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

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

    def prometheus(self, gauges: Mapping[str, float]) -> str:
        with self._lock:
            lines = ["# TYPE mlops_requests_total counter"]
            lines += [f'mlops_requests_total{{status="{s}"}} {n}' for s, n in sorted(self._answers.items())]
            lines.append("# TYPE mlops_predicted_rows_total counter")
            lines += [
                f'mlops_predicted_rows_total{{model="{_label(m)}",version="{v}",role="{role}"}} {n}'
                for (m, v, role), n in sorted(self._rows.items())
            ]
            lines.append("# TYPE mlops_predict_seconds histogram")
            total = 0
            for bound in (*_BOUNDS, float("inf")):
                total += self._times[bound]
                lines.append(
                    f'mlops_predict_seconds_bucket{{le="{"+Inf" if bound == float("inf") else bound}"}} {total}'
                )
            lines += [f"mlops_predict_seconds_sum {self._seconds:.6f}", f"mlops_predict_seconds_count {total}"]
            others = dict(self._others)
        for name, value in {**others, **gauges}.items():
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += [f"# TYPE mlops_{name} {kind}", f"mlops_{name} {value:.12g}"]
        return "\n".join(lines) + "\n"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
