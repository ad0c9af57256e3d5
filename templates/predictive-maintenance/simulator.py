"""A fleet of machines in 24 plants, run to failure: a documented simulation, the same for the same seed.

Each machine has a health that starts at 1 and falls faster the older it is, h = 1 - (t / life)^2.2, with a small random walk
on top; it fails when the health is used up. Its life is drawn around its plant's own (150 to 230 cycles). Sensors follow
health, load and the plant's offset: temperature and vibration rise as health falls, pressure falls, the current follows the
load. The load is one of three operating regimes. After a failure the machine is replaced, which begins a new unit.

In the second period something changes in four plants, and nothing in the others:

- plants 05 and 11: a supplier's bearings wear out faster; lives are 40 % shorter and vibration is higher for the same health;
- plant 19: the temperature sensors were recalibrated and read 9 degrees higher;
- plant 08: the vibration sensor's cable is broken and it sends nothing. A fault of the feed, not of the machines.
"""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd

LOADS = np.array([0.6, 0.8, 1.0])
FAST_WEAR, RECALIBRATED, BROKEN_SENSOR = ("plant-05", "plant-11"), ("plant-19",), ("plant-08",)


def simulate(plant: str, units: int, period: int, seed: int = 7) -> pd.DataFrame:
    """Every cycle of `units` machines of one plant in one period, each run to failure: unit, cycle, ts, shift, sensors."""
    own = np.random.default_rng([seed, zlib.crc32(plant.encode())])
    life, offset = own.uniform(150, 230), own.normal(0, 1.5)
    random = np.random.default_rng([seed, zlib.crc32(plant.encode()), period])
    changed = period == 2
    parts = [_unit(random, plant, f"{plant}-p{period}-u{i:02d}", life, offset, changed) for i in range(units)]
    fleet = pd.concat(parts, ignore_index=True)
    if changed and plant in BROKEN_SENSOR:
        fleet["vibration"] = np.nan
    begin = pd.Timestamp("2026-01-01") + pd.Timedelta(days=180) * (period - 1)
    fleet["ts"] = begin + pd.to_timedelta(fleet["cycle"] * 16, unit="h")
    fleet["shift"] = np.where(fleet["cycle"] % 3 == 0, "night", "day")
    return fleet


def _unit(
    random: np.random.Generator, plant: str, unit: str, plant_life: float, offset: float, changed: bool
) -> pd.DataFrame:
    fast = changed and plant in FAST_WEAR
    life = max(60, int(plant_life * random.normal(1, 0.12) * (0.6 if fast else 1.0)))
    cycle = np.arange(1, life + 1)
    health = 1 - (cycle / life) ** 2.2 + np.cumsum(random.normal(0, 0.002, life))
    load = random.choice(LOADS, life)
    wear = 1 - health

    def noise(scale: float) -> np.ndarray:
        return random.normal(0, scale, life)

    return pd.DataFrame(
        {
            "unit": unit,
            "cycle": cycle.astype(float),
            "temperature": 60
            + offset
            + 12 * load
            + 14 * wear
            + noise(1.0)
            + (9 if changed and plant in RECALIBRATED else 0),
            "vibration": 2 + 0.8 * load + 3 * np.maximum(wear, 0) ** 1.5 + noise(0.15) + (0.9 if fast else 0.0),
            "pressure": 30 - 3 * wear + 2 * load + noise(0.4),
            "current": 20 * load + 1.5 * wear + noise(0.5),
            "load": load,
        }
    )
