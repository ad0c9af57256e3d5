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
        self._rows: Counter[str] = Counter()
        self._times: Counter[float] = Counter()
        self._seconds = 0.0

    def answered(self, status: int) -> None:
        with self._lock:
            self._answers[status] += 1

    def predicted(self, model: str, rows: int, seconds: float) -> None:
        with self._lock:
            self._rows[model] += rows
            self._seconds += seconds
            self._times[next((b for b in _BOUNDS if seconds <= b), float("inf"))] += 1

    def prometheus(self, gauges: Mapping[str, float]) -> str:
        with self._lock:
            lines = ["# TYPE mlops_requests_total counter"]
            lines += [f'mlops_requests_total{{status="{s}"}} {n}' for s, n in sorted(self._answers.items())]
            lines.append("# TYPE mlops_predicted_rows_total counter")
            lines += [f'mlops_predicted_rows_total{{model="{m}"}} {n}' for m, n in sorted(self._rows.items())]
            lines.append("# TYPE mlops_predict_seconds histogram")
            total = 0
            for bound in (*_BOUNDS, float("inf")):
                total += self._times[bound]
                lines.append(
                    f'mlops_predict_seconds_bucket{{le="{"+Inf" if bound == float("inf") else bound}"}} {total}'
                )
            lines += [f"mlops_predict_seconds_sum {self._seconds:.6f}", f"mlops_predict_seconds_count {total}"]
        for name, value in gauges.items():
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += [f"# TYPE mlops_{name} {kind}", f"mlops_{name} {value:g}"]
        return "\n".join(lines) + "\n"
