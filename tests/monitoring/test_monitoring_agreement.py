"""Every figure from two profiles is that of the raw rows, as scipy and numpy compute it, on every shape of column."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from jupyter_mlops.monitoring import drift

SHAPES = {
    "normal": lambda r, n, m: r.normal(m, 1, n),
    "barely moved": lambda r, n, m: r.normal(m / 100, 1, n),
    "far from zero": lambda r, n, m: r.normal(1e6 + m, 1, n),
    "negative": lambda r, n, m: -r.gamma(2, 3 + m, n),
    "heavy tail": lambda r, n, m: r.standard_cauchy(n) + m,
    "very heavy tail": lambda r, n, m: r.pareto(0.7, n) * (1 + m),
    "lognormal": lambda r, n, m: r.lognormal(m, 2, n),
    "skewed": lambda r, n, m: r.exponential(1 + m, n),
    "counts": lambda r, n, m: r.poisson(5 + m, n).astype(float),
    "many ties": lambda r, n, m: np.round(r.normal(m, 1, n), 1),
    "whole numbers": lambda r, n, m: np.floor(r.normal(40_000 * (1 + m), 9_000, n)),
    "tiny": lambda r, n, m: r.normal(m, 1, n) * 1e-200,
    "denormal": lambda r, n, m: r.integers(0, 9000, n) * 5e-324 * (2 if m else 1),
    "huge": lambda r, n, m: r.normal(m, 1, n) * 1e305,
    "two points": lambda r, n, m: (r.random(n) < 0.4 + m / 5).astype(float),
    "constant": lambda r, n, m: np.full(n, 7.25),
    "constant and a few": lambda r, n, m: np.where(r.random(n) < 0.01 + m / 50, r.normal(0, 1, n), 0.0),
    "two humps": lambda r, n, m: np.where(r.random(n) < 0.5 + m / 4, r.normal(-5, 1, n), r.normal(9, 0.1, n)),
    "many zeros": lambda r, n, m: np.where(r.random(n) < 0.65 - m / 4, 0.0, r.lognormal(0, 2, n)),
    "a default": lambda r, n, m: np.where(r.random(n) < 0.5 - m / 4, 5.0, r.normal(5 + m, 1, n)),
    "a limit": lambda r, n, m: np.minimum(r.normal(m, 1, n), 0.3),
    "uniform": lambda r, n, m: r.uniform(m / 10, 1, n),
    "times": lambda r, n, m: 1.7e9 + r.integers(0, 86_400 * 300, n) * (1 + m / 10),
}


def raw_figures(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """The same five figures from the rows themselves."""
    inner = np.unique(np.quantile(a, np.arange(1, 10) / 10))
    if a.min() == a.max():
        inner = np.array([a[0], np.nextafter(a[0], np.inf)])
    p, q = (np.histogram(x, [-np.inf, *inner, np.inf])[0] / len(x) for x in (a, b))
    p, q = np.where(p == 0, 1e-4, p), np.where(q == 0, 1e-4, q)
    most = np.abs(a).max()
    scale = 1.0 if 1e-150 < most < 1e150 else most  # numpy's squares and scipy's products leave the range of a float
    edges = _edges(a / scale)
    inside = [np.histogram(x / scale, edges)[0] for x in (a, b)]
    bars = [np.append(h, len(x) - h.sum()) for h, x in zip(inside, (a, b), strict=True)]
    return {
        "ks": stats.ks_2samp(a, b, method="asymp").statistic,
        "psi": float(np.sum((q - p) * np.log(q / p))),
        "js": float(jensenshannon(*bars, base=2)),
        "wasserstein": stats.wasserstein_distance(a / scale, b / scale) * scale,
    }


def _edges(a: np.ndarray) -> np.ndarray:
    return np.array([a[0], np.nextafter(a[0], np.inf)]) if a.min() == a.max() else np.histogram_bin_edges(a, "doane")


def _found(a: np.ndarray, b: np.ndarray, **how: bool) -> dict[str, float | None]:
    [column] = drift(pd.DataFrame({"x": a}), pd.DataFrame({"x": b}), **how).columns
    return column.figures


@pytest.mark.parametrize("rows", [200, 20_000, 200_000])
@pytest.mark.parametrize("shape", SHAPES)
def test_figures_are_those_of_the_raw_rows(shape: str, rows: int):
    random = np.random.default_rng(len(shape) + rows)
    a, b = SHAPES[shape](random, rows, 0.0), SHAPES[shape](random, rows * 3 // 4, 0.4)
    found, raw = _found(a, b), raw_figures(a, b)
    for name, value in raw.items():
        slack = 0.0 if name == "wasserstein" else 0.002
        assert found[name] == pytest.approx(value, rel=0.01, abs=slack), name


@pytest.mark.parametrize("shape", sorted(SHAPES.keys() - {"denormal"}))  # whose bins have edges no float can hold
def test_exact_figures_are_the_same_to_the_last_digits(shape: str):
    random = np.random.default_rng(len(shape))
    a, b = SHAPES[shape](random, 9000, 0.0), SHAPES[shape](random, 7000, 0.4)
    found, raw = _found(a, b, exact=True), raw_figures(a, b)
    for name, value in raw.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name
    assert found["p_value"] == pytest.approx(stats.ks_2samp(a, b).pvalue, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("how", [{}, {"exact": True}])
def test_a_million_categories_are_counted_as_scipy_would(how: dict[str, bool]):
    random = np.random.default_rng(5)
    a, b = random.zipf(1.3, 300_000) % 1_000_000, random.zipf(1.35, 250_000) % 1_000_000
    names = [pd.DataFrame({"x": np.char.add("k", x.astype(str))}) for x in (a, b)]
    [found] = drift(*names, **how).columns
    table = np.stack([np.bincount(x, minlength=1_000_000) for x in (a, b)])
    table = table[:, table.sum(axis=0) > 0]
    assert found.figures["chi2"] == pytest.approx(stats.chi2_contingency(table).statistic, rel=1e-6)
    assert found.figures["js"] == pytest.approx(jensenshannon(*table, base=2), rel=1e-6)


def test_categories_are_scipys_with_its_correction_of_two():
    random = np.random.default_rng(6)
    for size in (2, 3, 12):
        a, b = random.integers(0, size, 3000), (random.random(2000) ** 1.2 * size).astype(int)
        [found] = drift(*(pd.DataFrame({"x": [f"v{i}" for i in x]}) for x in (a, b))).columns
        table = np.stack([np.bincount(x, minlength=size) for x in (a, b)])
        expected = stats.chi2_contingency(table)
        assert found.figures["chi2"] == pytest.approx(expected.statistic, rel=1e-9)
        assert found.figures["p_value"] == pytest.approx(expected.pvalue, rel=1e-6)
