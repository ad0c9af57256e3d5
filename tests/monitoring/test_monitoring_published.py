"""Figures that others published or computed on the car-loan data, met from our profiles."""

from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from jupyter_mlops.monitoring import Profile, drift, profile

ROOT = Path(__file__).parents[2]
DATA = next((p for p in (ROOT.parent / "shared/data", ROOT.parent.parent / "shared/data") if p.exists()), ROOT / "none")
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the reference tables are not on this machine")


@cache
def _reference() -> Profile:
    return profile(DATA / "drift/synthetic_car_loan_reference.csv.gz")


@cache
def _analysis() -> pd.DataFrame:
    return pd.read_csv(DATA / "drift/synthetic_car_loan_analysis.csv.gz")


@cache
def _chunk(number: int) -> dict[str, dict[str, float]]:
    rows = _analysis().iloc[number * 5000 : (number + 1) * 5000]
    return {column.name: column.figures for column in drift(_reference(), rows).columns}


def test_statistics_are_those_of_scipy_on_every_chunk():
    table = pd.read_csv(DATA / "reference/drift_scipy.csv")
    names = {"ks_stat": "ks", "wasserstein": "wasserstein", "chi2_contingency_stat": "chi2"}
    met = 0
    for line in table[table["metric"].isin(names)].itertuples():
        found = _chunk(line.chunk)[line.feature][names[line.metric]]
        slack = 0.0 if line.metric == "wasserstein" else 0.002
        assert found == pytest.approx(line.value, rel=0.01, abs=slack), line
        met += 1
    assert met == 130


def test_kolmogorov_smirnov_and_jensen_shannon_are_those_nannyml_prints():
    table = pd.read_csv(DATA / "reference/tutorial_drift_univariate__cell4.csv")
    for i, line in table.iterrows():
        found = _chunk(i)["debt_to_income_ratio"]
        assert found["ks"] == pytest.approx(line["debt_to_income_ratio/kolmogorov_smirnov/value"], abs=5e-4)
        assert found["js"] == pytest.approx(line["debt_to_income_ratio/jensen_shannon/value"], abs=0.002)


def test_what_was_planted_is_found_and_nothing_else_before_it_was():
    for number in range(5):
        report = drift(_reference(), _analysis().iloc[number * 5000 : (number + 1) * 5000], ignore=["id", "timestamp"])
        assert report.drifted_columns == []
    for number in range(5, 10):
        report = drift(_reference(), _analysis().iloc[number * 5000 : (number + 1) * 5000], ignore=["id", "timestamp"])
        assert {"car_value", "salary_range"} <= set(report.drifted_columns)
