"""How often windows without a change raise an alarm, and planted changes are found and called by their right name.

    python tests/bench/bench_alarms.py [WINDOWS] [ROWS…]

Goals: false alarms within the stated rate (5 % of windows) at every size; planted changes found within two windows in 95 % of
tries, and named with the right kind in 85 %. WINDOWS (default 1,000) without a change are drawn at each size as what their
profiles would count, since ten million rows cannot be drawn a thousand times; planted changes go through everything, row by row.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from jupyter_mlops.monitoring import Profile, drift, monitor, performance
from jupyter_mlops.monitoring.buckets import Buckets
from jupyter_mlops.monitoring.categories import Categories
from jupyter_mlops.monitoring.counting import ordered
from jupyter_mlops.monitoring.profiles import Column
from jupyter_mlops.project import Target, load
from jupyter_mlops.records import Estimate

NAMES = np.array(list("abcdefghij"))
VALUES = ordered(np.array([NormalDist().inv_cdf((i + 0.5) / 4096) for i in range(4096)]))
FEATURES = [*(f"x{i}" for i in range(10)), "c"]
YAML = """\
version: 1
project: bench
models:
  wear: {task: regression, owner: me, train: {notebook: t.ipynb}, data: {training: t.parquet, target: y}}
"""
Change = Callable[[np.random.Generator, pd.DataFrame], pd.DataFrame]


def draw(random: np.random.Generator, rows: int) -> pd.DataFrame:
    """Ten normal columns, ten categories, and what a model of them should answer."""
    frame = pd.DataFrame(random.normal(20, 5, (rows, 10)), columns=FEATURES[:10])
    frame["c"] = NAMES[random.integers(0, 10, rows)]
    frame["time"] = pd.date_range("2026-01-01", periods=rows, freq="s", tz="UTC")
    return frame.assign(y=_law(frame) + random.normal(0, 1, rows))


def _law(frame: pd.DataFrame) -> pd.Series:
    return frame["x0"] + frame["x1"] - frame["x2"]


def _mean(_: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    moved = frame.assign(x0=frame["x0"] + 0.2 * 5)
    return moved.assign(y=frame["y"] + 0.2 * 5)


def _category(random: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    """From a tenth to fifteen in a hundred."""
    turned = random.random(len(frame)) < 0.05 / 0.9
    return frame.assign(c=np.where(turned, "a", frame["c"]))


def _flip(random: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(y=2 * frame["y"].mean() - frame["y"])


def _stuck(random: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    """From somewhere in the first half of the window on."""
    place = random.integers(0, len(frame) // 2)
    values = frame["x0"].to_numpy().copy()
    values[place:] = values[place]
    return frame.assign(x0=values)


def _unit(random: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    by, add = [(10, 0), (1000, 0), (1.8, 32), (0.1, 0)][random.integers(4)]
    return frame.assign(x0=frame["x0"] * by + add)


PLANTED: dict[str, tuple[Change, str]] = {
    "mean moved by 0.2 sd": (_mean, "covariate"),
    "a category of ten moved by 5 points": (_category, "covariate"),
    "concept turned round": (_flip, "concept"),
    "sensor stuck": (_stuck, "data bug"),
    "unit changed": (_unit, "data bug"),
}


class Watch:
    """One model in service: its training rows, and what it was promoted on."""

    def __init__(self, target: Target, random: np.random.Generator) -> None:
        self.target, self.training = target, draw(random, 20_000)
        self.model = LinearRegression().fit(self.training[FEATURES[:10]], self.training["y"])
        self.evaluation = draw(random, 5_000)
        self.promised = self._error(self.evaluation)

    def _answer(self, rows: pd.DataFrame) -> np.ndarray:
        return np.asarray(self.model.predict(rows[FEATURES[:10]]))

    def _error(self, rows: pd.DataFrame) -> Estimate:
        error = np.abs(rows["y"].to_numpy() - self._answer(rows))
        half = 1.96 * error.std() / len(error) ** 0.5
        return Estimate(
            metric="mae", value=error.mean(), low=error.mean() - half, high=error.mean() + half, n=len(error)
        )

    def causes(self, rows: pd.DataFrame) -> list[str]:
        """The kinds that a window's findings name, the gravest first."""
        realised = [self._error(rows)]
        usual = self._answer(self.evaluation)
        truth = self.evaluation["y"].to_numpy()
        rows = rows.assign(prediction=self._answer(rows))
        estimated = performance("regression", FEATURES[:10], self.evaluation, usual, truth, rows, realised)
        report = monitor(
            self.target,
            1,
            self.training,
            rows,
            realised,
            reference_metric=self.promised,
            features=FEATURES,
            coverage=1.0,
            estimated=estimated,
        )
        by_weight = sorted(report.violations, key=lambda v: v.severity != "critical")
        return [str(v.figures.get("cause")) for v in by_weight]

    def planted(
        self, random: np.random.Generator, rows: int, change: Change, kind: str, tries: int
    ) -> tuple[float, float]:
        """In which shares of tries one of two windows showed something, and the first that did called it by its kind."""
        told = [
            next(filter(None, (self.causes(change(random, draw(random, rows))) for _ in range(2))), [])
            for _ in range(tries)
        ]
        return float(np.mean([bool(t) for t in told])), float(np.mean([t[:1] == [kind] for t in told]))


def quiet(random: np.random.Generator, rows: int) -> Profile:
    """What profiling a window without a change gives: every count of it drawn at once, from one distribution."""
    columns = {f"x{i}": _counted(random, rows) for i in range(10)}
    categories = random.multinomial(rows, np.full(10, 0.1)).tolist()
    held = Categories(rows, Counter(dict(zip(NAMES.tolist(), categories, strict=True))))
    return Profile(rows, {**columns, "c": Column("categorical", rows, categories=held, type="string")})


def _counted(random: np.random.Generator, rows: int) -> Column:
    counts = random.multinomial(rows, np.full(len(VALUES), 1 / len(VALUES)))
    held = counts > 0
    nothing = VALUES[:0]
    return Column("numeric", rows, buckets=Buckets(0, VALUES[held], counts[held], nothing, nothing), type="double")


def false_alarms(reference: Profile, random: np.random.Generator, rows: int, windows: int) -> float:
    """The share of windows without a change in which any column drifted."""
    return float(np.mean([bool(drift(reference, quiet(random, rows)).drifted_columns) for _ in range(windows)]))


def main() -> None:
    windows = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    sizes = [int(word) for word in sys.argv[2:]] or [1_000, 10_000, 100_000, 1_000_000, 10_000_000]
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "mlops.yaml").write_text(YAML)
        watch = Watch(load(Path(folder)).target("wear"), random)
        for rows in (1_000, 10_000):
            for name, (change, kind) in PLANTED.items():
                found, right = watch.planted(random, rows, change, kind, max(20, windows // 10))
                print(
                    f"{rows:>10,} rows: {name}: found within two windows in {found:.0%} (goal >= 95 %), "
                    f"as {kind} in {right:.0%} (goal >= 85 %)"
                )
            alarms = np.mean([bool(watch.causes(draw(random, rows))) for _ in range(max(20, windows // 5))])
            print(f"{rows:>10,} rows: nothing changed: a finding of any kind in {alarms:.1%} of windows (goal <= 5 %)")
    reference = quiet(random, 1_000_000)
    for rows in sizes:
        rate = false_alarms(reference, random, rows, windows)
        print(f"{rows:>10,} rows: false alarms in {rate:.1%} of {windows} windows (goal <= 5 %)")


if __name__ == "__main__":
    main()
