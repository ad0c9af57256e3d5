"""Who may buy what: one row for each household of a store and each category it could be offered, from the past only."""

from __future__ import annotations

import pandas as pd

FEATURES = [
    "freq",
    "spend",
    "days_since",
    "basket_rate",
    "spend_share",
    "discount_share",
    "store_popularity",
    "store_trend",
    "household_baskets",
    "household_spend",
]
TARGET = "bought"
PAST = pd.Timedelta(days=84)
RECENT = pd.Timedelta(days=28)
HORIZON = pd.Timedelta(days=14)
CATEGORIES = 40
NEVER_BOUGHT = 200.0
NOT_OFFERED = ["COUPON/MISC ITEMS", "FUEL"]


def rows_at(transactions: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Every active household times the store's 40 most bought categories, as known at `as_of`, without the outcome.

    `transactions` are one store's, with columns day, household_id, basket_id, category, sales_value, retail_disc.
    """
    past = transactions[(transactions["day"] < as_of) & (transactions["day"] >= as_of - PAST)]
    popularity = _popularity(past)
    offered = popularity.nlargest(CATEGORIES)
    recent = _popularity(past[past["day"] >= as_of - RECENT]).reindex(offered.index).fillna(0.0)
    households = _households(past)
    pairs = pd.MultiIndex.from_product([households.index, offered.index], names=["household_id", "category"])
    rows = _bought_before(past, as_of).reindex(pairs).fillna({"days_since": NEVER_BOUGHT}).fillna(0.0)
    rows = rows.reset_index().join(households, on="household_id")
    rows["basket_rate"] = rows["freq"] / rows["household_baskets"]
    rows["spend_share"] = rows["spend"] / rows["household_spend"].clip(lower=0.01)
    rows["store_popularity"] = rows["category"].map(offered).astype(float)
    rows["store_trend"] = rows["category"].map(recent / offered).astype(float)
    rows["as_of"] = as_of
    rows["request"] = rows["household_id"].astype(str) + "@" + as_of.strftime("%Y-%m-%d")
    rows["inference_id"] = rows["request"] + "/" + rows["category"]
    return rows


def outcome(transactions: pd.DataFrame, rows: pd.DataFrame, as_of: pd.Timestamp) -> pd.Series:
    """1 where the household bought of the category in the 14 days from `as_of`, else 0."""
    future = transactions[(transactions["day"] >= as_of) & (transactions["day"] < as_of + HORIZON)]
    bought = pd.MultiIndex.from_frame(future[["household_id", "category"]].drop_duplicates())
    return pd.Series(
        pd.MultiIndex.from_frame(rows[["household_id", "category"]]).isin(bought).astype("int64"), rows.index
    )


def _popularity(past: pd.DataFrame) -> pd.Series:
    """The share of baskets that hold each category."""
    return past.groupby("category")["basket_id"].nunique() / max(1, past["basket_id"].nunique())


def _households(past: pd.DataFrame) -> pd.DataFrame:
    grouped = past.groupby("household_id")
    return pd.DataFrame(
        {
            "household_baskets": grouped["basket_id"].nunique().astype(float),
            "household_spend": grouped["sales_value"].sum(),
        }
    )


def _bought_before(past: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    grouped = past.groupby(["household_id", "category"])
    spend = grouped["sales_value"].sum()
    return pd.DataFrame(
        {
            "freq": grouped["basket_id"].nunique().astype(float),
            "spend": spend,
            "days_since": (as_of - grouped["day"].max()).dt.days.astype(float),
            "discount_share": grouped["retail_disc"].sum() / (spend + grouped["retail_disc"].sum()).clip(lower=0.01),
        }
    )
