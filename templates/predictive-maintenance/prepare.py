"""The data of this project: `python prepare.py 1` for the first period, `python prepare.py 2` when the next is over.

Without more words a simulated fleet (simulator.py). With `--cmapss FOLDER` real files of the C-MAPSS layout: 26 columns set
apart by spaces (unit, cycle, three settings, 21 sensors), each unit run to failure; its units are dealt out to the plants.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd
import yaml
from features import CAP, SENSORS, TARGET, with_features
from simulator import simulate

UNITS = {"train": 24, "evaluation": 32, "next": 48}
"""Machines of a plant. Judging needs thirty that are independent; fewer would be inconclusive."""


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("period", type=int, choices=[1, 2])
    parser.add_argument("--segments", help="only these, separated by commas")
    parser.add_argument("--cmapss", metavar="FOLDER", help="a folder with train_FD00*.txt")
    args = parser.parse_args(words)
    root = Path(__file__).resolve().parent
    plants = list(yaml.safe_load((root / "mlops.yaml").read_text())["models"]["rul"]["segments"])
    real = read_fleet(Path(args.cmapss)) if args.cmapss else None
    for plant in args.segments.split(",") if args.segments else plants:
        files = split(real, plants.index(plant), len(plants)) if real is not None else simulated(plant, args.period)
        for name, frame in files.items():
            write(frame, root / "data" / plant / f"{name}.parquet")
        print(plant, ", ".join(f"{name} {len(frame):,}" for name, frame in files.items()))


def simulated(plant: str, period: int) -> dict[str, pd.DataFrame]:
    """Period 1 learns from the first machines and is judged on others; the next period's machines come as arrivals."""
    before = labelled(simulate(plant, UNITS["train"] + UNITS["evaluation"], 1), SENSORS)
    after = labelled(simulate(plant, UNITS["next"], 2), SENSORS)
    if period == 1:
        train, evaluation = by_units(before, UNITS["train"])
        return {"train": train, "evaluation": evaluation, **arriving(after)}
    learnt, kept = by_units(after, UNITS["next"] - UNITS["evaluation"])
    return {"train": pd.concat([by_units(before, UNITS["train"])[0], learnt], ignore_index=True), "evaluation": kept}


def split(fleet: pd.DataFrame, index: int, plants: int) -> dict[str, pd.DataFrame]:
    """Real machines dealt out: every `plants`-th unit is this plant's; of those half train, and a quarter each are the rest."""
    units = sorted(fleet["unit"].unique())[index::plants]
    if len(units) < 4:
        sys.exit(f"{len(units)} machines are too few for a plant; name fewer segments in mlops.yaml")
    own = fleet[fleet["unit"].isin(units)].reset_index(drop=True)
    train, rest = by_units(own, len(units) // 2)
    evaluation, coming = by_units(rest, (len(units) - len(units) // 2) // 2)
    return {"train": train, "evaluation": evaluation, **arriving(coming)}


def arriving(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What production sees as it comes, and what becomes known when the machine has failed."""
    failed = rows.groupby("unit")["ts"].transform("max")
    labels = rows[["inference_id", TARGET]].assign(observed_at=failed)
    return {"arrivals": rows.drop(columns=TARGET), "labels": labels}


def labelled(fleet: pd.DataFrame, sensors: list[str]) -> pd.DataFrame:
    """With features, the remaining life up to the cap, and an id for each row."""
    life = fleet.groupby("unit")["cycle"].transform("max")
    rows = with_features(fleet.drop(columns="life", errors="ignore"), sensors)
    rows[TARGET] = (life - rows["cycle"]).clip(upper=CAP)
    rows["inference_id"] = rows["unit"].astype(str) + "/" + rows["cycle"].astype(int).astype(str)
    return rows


def by_units(rows: pd.DataFrame, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The first `count` machines, and the others: no machine is in both."""
    first = set(rows["unit"].unique()[:count])
    mine = rows["unit"].isin(first)
    return rows[mine].reset_index(drop=True), rows[~mine].reset_index(drop=True)


def read_fleet(path: Path) -> pd.DataFrame:
    """Run-to-failure machines from C-MAPSS text (a file or a folder of train_*.txt, also gzipped), CSV or Parquet."""
    files = sorted(path.glob("train_*.txt*")) if path.is_dir() else [path]
    if not files or not files[0].exists():
        sys.exit(f"there is no train_*.txt in {path}; name the folder that holds the files")
    if files[0].suffix in (".csv", ".parquet"):
        return pd.concat(
            [pd.read_csv(f) if f.suffix == ".csv" else pd.read_parquet(f) for f in files], ignore_index=True
        )
    names = ["unit", "cycle", "set1", "set2", "set3", *(f"s{i}" for i in range(1, 22))]
    raw = pd.concat(
        [pd.read_csv(f, sep=r"\s+", header=None, names=names).assign(file=f.name) for f in files], ignore_index=True
    )
    raw["unit"] = raw.pop("file").str.extract(r"(FD\d+)", expand=False) + "-" + raw["unit"].astype(str).str.zfill(4)
    raw["cycle"] = raw["cycle"].astype(float)
    sensors = [n for n in names[5:] if raw[n].nunique() > 1]
    raw["ts"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(raw["cycle"], unit="D")
    raw["shift"] = "day"
    return labelled(raw[["unit", "cycle", "ts", "shift", *sensors]], sensors)


def write(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    frame.to_parquet(unfinished, index=False)
    unfinished.replace(path)


if __name__ == "__main__":
    main()
