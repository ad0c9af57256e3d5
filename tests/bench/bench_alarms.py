"""How often windows without drift raise an alarm, and windows with a planted change are found, at several sizes.

    python tests/bench/bench_alarms.py [WINDOWS]

Goals: false alarms within the stated rate (5 % of windows) at every size; planted changes found within two windows in 95 %.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from jupyter_mlops.monitoring import Profile, drift, profile

NAMES = np.array(list("abcdefghij"))


def draw(random: np.random.Generator, rows: int, shift: float = 0.0, extra: float = 0.0) -> pd.DataFrame:
    """Ten normal columns, the first of them shifted, and ten categories, the first of them more frequent by `extra`."""
    columns = {f"x{i}": random.normal(shift if i == 0 else 0.0, 1, rows) for i in range(10)}
    shares = np.full(10, (0.9 - extra) / 9)
    shares[0] = 0.1 + extra
    return pd.DataFrame({**columns, "c": NAMES[random.choice(10, rows, p=shares)]})


def found(reference: Profile, random: np.random.Generator, rows: int, column: str, **planted: float) -> bool:
    """Whether one of two windows shows it."""
    return any(column in drift(reference, draw(random, rows, **planted)).drifted_columns for _ in range(2))


def main() -> None:
    windows = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    random = np.random.default_rng(0)
    reference = profile(draw(random, 100_000))
    for rows in (1_000, 10_000, 100_000):
        count = windows if rows < 100_000 else windows // 5
        false = np.mean([bool(drift(reference, draw(random, rows)).drifted_columns) for _ in range(count)])
        mean = np.mean([found(reference, random, rows, "x0", shift=0.2) for _ in range(count // 5)])
        category = np.mean([found(reference, random, rows, "c", extra=0.05) for _ in range(count // 5)])
        print(
            f"{rows:>8,} rows: false alarms in {false:.1%} of {count} windows (goal <= 5 %), "
            f"mean moved by 0.2 sd found in {mean:.0%}, category moved by 5 points in {category:.0%} (goal >= 95 %)"
        )


if __name__ == "__main__":
    main()
