"""Real machines, each run to failure: files of the C-MAPSS layout, or a table of your own. Each fleet becomes a segment.

C-MAPSS text (also gzipped) has 26 columns set apart by spaces: unit, cycle, three settings, 21 sensors. `train_FD001.txt` is a
fleet run to failure; `test_FD001.txt` beside it holds machines that still ran, and `RUL_FD001.txt` how long each had left.

A table (CSV or Parquet) has a row for each cycle of each machine, `unit` and `cycle`, numeric sensors, and may have `plant`
(each is a fleet of its own), `ts` (time of the cycle) and `shift`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from features import CAP, TARGET, with_features

NOT_SENSORS = ["unit", "cycle", "plant", "ts", "shift"]
SETTINGS = ["set1", "set2", "set3"]
CMAPSS = ["unit", "cycle", *SETTINGS, *(f"s{i}" for i in range(1, 22))]
LEAST = 8
"""Machines of a fleet: fewer cannot be parted into those to learn from, those to be judged on and those to come."""


class Fleet(NamedTuple):
    """`failed` machines have all their cycles; `running` ones, where there are any, were stopped early, their rest known."""

    failed: pd.DataFrame
    running: pd.DataFrame | None = None


def read_fleets(path: Path) -> dict[str, Fleet]:
    """The fleets of a folder or a file, by name. Raises ValueError with what is missing."""
    if not path.exists():
        raise ValueError(f"there is no {path}")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    texts = [f for f in files if re.match(r"train_\w+\.txt(\.gz)?$", f.name)]
    if texts:
        return {_label(f): _cmapss(f) for f in texts}
    tables = [f for f in files if re.search(r"\.(csv|csv\.gz|parquet)$", f.name)]
    if not tables:
        raise ValueError(f"{path} holds no train_*.txt, CSV or Parquet")
    fleets: dict[str, Fleet] = {}
    for file in tables:
        fleets |= _own(file)
    return fleets


def period_of(fleet: Fleet, period: int) -> dict[str, pd.DataFrame]:
    """In period 1 the earlier machines are learnt from and the later ones arrive; in period 2 those were learnt from too.

    Judged is on machines that were never learnt from: those still running, else a third of those that failed.
    """
    early, late = _parted(fleet.failed, 2 / 3)
    judged = fleet.running
    if judged is None:
        early, judged = _parted(early, 1 / 2)
    if period == 2:
        return {"train": pd.concat([early, late], ignore_index=True), "evaluation": judged}
    return {"train": early, "evaluation": judged, **arriving(late)}


def arriving(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What production sees as it comes, and what becomes known when the machine has failed."""
    failed = rows.groupby("unit")["ts"].transform("max")
    labels = rows[["inference_id", TARGET]].assign(observed_at=failed)
    return {"arrivals": rows.drop(columns=TARGET), "labels": labels}


def labelled(cycles: pd.DataFrame, sensors: list[str], left: pd.Series | None = None) -> pd.DataFrame:
    """With features, the remaining life up to the cap, and an id for each row. `left`: cycles after a machine's last one."""
    last = cycles.groupby("unit")["cycle"].transform("max")
    rows = with_features(cycles, sensors)
    rest = last - rows["cycle"] + (0 if left is None else rows["unit"].map(left))
    rows[TARGET] = rest.clip(upper=CAP).astype(float)
    rows["inference_id"] = rows["unit"].astype(str) + "/" + rows["cycle"].astype(int).astype(str)
    return rows


def by_units(rows: pd.DataFrame, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The first `count` machines, and the others: no machine is in both."""
    mine = rows["unit"].isin(set(rows["unit"].unique()[:count]))
    return rows[mine].reset_index(drop=True), rows[~mine].reset_index(drop=True)


def _parted(rows: pd.DataFrame, share: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    return by_units(rows, round(rows["unit"].nunique() * share))


def _cmapss(file: Path) -> Fleet:
    failed = _text(file, "")
    sensors = [s for s in CMAPSS[2:] if failed[s].nunique() > 1]
    columns = ["unit", "cycle", "ts", "shift", *sensors]
    test, rest = (file.with_name(file.name.replace("train_", word, 1)) for word in ("test_", "RUL_"))
    fleet = Fleet(labelled(_enough(failed, file.name)[columns], sensors))
    if not (test.exists() and rest.exists()):
        return fleet
    running = _text(test, "t")
    left = pd.read_csv(rest, sep=r"\s+", header=None)[0]
    if len(left) != running["unit"].nunique():
        raise ValueError(
            f"{rest.name} has {len(left)} rows for the {running['unit'].nunique()} machines of {test.name}"
        )
    left.index = pd.Index(running["unit"].unique())
    return fleet._replace(running=labelled(running[columns], sensors, left))


def _text(file: Path, mark: str) -> pd.DataFrame:
    """Its machines were put to work one after the other, five days apart; C-MAPSS itself has no times."""
    raw = pd.read_csv(file, sep=r"\s+", header=None)
    if raw.shape[1] != len(CMAPSS):
        raise ValueError(f"{file.name} has {raw.shape[1]} columns; the C-MAPSS layout has {len(CMAPSS)}")
    raw.columns = pd.Index(CMAPSS)
    begun = pd.Timestamp("2026-01-01") + pd.to_timedelta(raw["unit"] * 5, unit="D")
    return raw.assign(
        unit=f"{_label(file)}-{mark}" + raw["unit"].astype(str).str.zfill(4),
        cycle=raw["cycle"].astype(float),
        ts=begun + pd.to_timedelta(raw["cycle"], unit="D"),
        shift="day",
    )


def _own(file: Path) -> dict[str, Fleet]:
    rows = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    for needed in ("unit", "cycle"):
        if needed not in rows:
            raise ValueError(f"{file.name} has no column {needed!r}; it has {', '.join(map(str, rows.columns[:12]))}")
    parts = dict(list(rows.groupby("plant"))) if "plant" in rows else {_label(file): rows}
    return {_plain(str(name)): _table(part, f"{file.name}, {name}") for name, part in parts.items()}


def _table(rows: pd.DataFrame, name: str) -> Fleet:
    sensors = [c for c in rows.select_dtypes("number") if c not in NOT_SENSORS and rows[c].nunique() > 1]
    if not sensors:
        raise ValueError(f"{name} has no numeric column beside unit and cycle that ever changes")
    made = rows.assign(cycle=rows["cycle"].astype(float), unit=rows["unit"].astype(str))
    if "ts" in made:
        made["ts"] = pd.to_datetime(made["ts"])
    else:
        made["ts"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(made["cycle"], unit="D")
    made["shift"] = made["shift"].astype(str) if "shift" in made else "day"
    begun = made.groupby("unit")["ts"].transform("min")
    made = made.assign(begun=begun).sort_values(["begun", "unit", "cycle"], ignore_index=True)
    return Fleet(labelled(_enough(made, name)[["unit", "cycle", "ts", "shift", *sensors]], sensors))


def _enough(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    machines = rows["unit"].nunique()
    if machines < LEAST:
        raise ValueError(f"{name} has {machines} machines; {LEAST} are the least")
    return rows


def _label(file: Path) -> str:
    return _plain(re.sub(r"^(train|test|RUL)_", "", file.name.split(".")[0]))


def _plain(name: str) -> str:
    """As a segment may be named."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "fleet"
