"""The data of this project: `python prepare.py 1` for the first period, `python prepare.py 2` when the next is over.

Without more words a simulated fleet (simulator.py). With `--data FOLDER` real machines (machines.py): the segments of
`mlops.yaml` become the fleets that are found there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import yaml
from features import SENSORS
from machines import arriving, by_units, labelled, period_of, read_fleets
from simulator import simulate

ROOT = Path(__file__).resolve().parent
UNITS = {"train": 24, "evaluation": 32, "next": 48}
"""Machines of a plant. Judging needs thirty that are independent; fewer would be inconclusive."""


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("period", type=int, choices=[1, 2])
    parser.add_argument("--segments", help="only these, separated by commas")
    parser.add_argument("--data", metavar="FOLDER", type=Path, help="real machines: train_*.txt, CSV or Parquet")
    args = parser.parse_args(words)
    try:
        fleets = real(args.data, args.period) if args.data else None
    except ValueError as error:
        parser.error(str(error))
    wanted = args.segments.split(",") if args.segments else list(declared()["models"]["rul"]["segments"])
    for segment in wanted:
        files = fleets[segment] if fleets else simulated(segment, args.period)
        for name, frame in files.items():
            write(frame, ROOT / "data" / segment / f"{name}.parquet")
        print(segment, ", ".join(f"{name} {len(frame):,}" for name, frame in files.items()))


def simulated(plant: str, period: int) -> dict[str, pd.DataFrame]:
    """Period 1 learns from the first machines and is judged on others; the next period's machines come as arrivals."""
    before = labelled(simulate(plant, UNITS["train"] + UNITS["evaluation"], 1), SENSORS)
    after = labelled(simulate(plant, UNITS["next"], 2), SENSORS)
    if period == 1:
        train, evaluation = by_units(before, UNITS["train"])
        return {"train": train, "evaluation": evaluation, **arriving(after)}
    learnt, kept = by_units(after, UNITS["next"] - UNITS["evaluation"])
    return {"train": pd.concat([by_units(before, UNITS["train"])[0], learnt], ignore_index=True), "evaluation": kept}


def real(folder: Path, period: int) -> dict[str, dict[str, pd.DataFrame]]:
    """The files of each fleet in this period; what they are is then what mlops.yaml declares."""
    files = {name: period_of(fleet, period) for name, fleet in read_fleets(folder).items()}
    settings = declared()
    settings["models"]["rul"]["segments"] = {name: {} for name in files}
    text = yaml.safe_dump(settings, sort_keys=False, width=1000)
    if settings != declared():
        (ROOT / "mlops.yaml").write_text(text, encoding="utf-8")
    return files


def declared() -> dict:
    return yaml.safe_load((ROOT / "mlops.yaml").read_text(encoding="utf-8"))


def write(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    frame.to_parquet(unfinished, index=False)
    unfinished.replace(path)


if __name__ == "__main__":
    main()
