"""What no single column shows: columns that stop moving together."""

import numpy as np
import pandas as pd

from jupyter_mlops.monitoring import drift, profile


def _correlated(random: np.random.Generator, rows: int, sign: float = 1.0) -> pd.DataFrame:
    x = random.normal(size=rows)
    return pd.DataFrame(
        {
            "x": x,
            "y": sign * x + random.normal(0, 0.3, rows),
            "z": x + random.normal(0, 0.3, rows),
            "s": random.choice(list("ab"), rows),
        }
    )


def test_a_relation_that_turned_is_seen_only_together(tmp_path):
    random = np.random.default_rng(0)
    before, same, turned = _correlated(random, 4000), _correlated(random, 3000), _correlated(random, 3000, -1.0)
    quiet = drift(before, same, multivariate=True)
    assert (quiet.drifted_columns, quiet.multivariate.drifted) == ([], False)
    assert 0.45 < quiet.multivariate.auc < 0.55
    assert 0.9 < quiet.multivariate.reconstruction < 1.1
    turned.to_parquet(tmp_path / "turned.parquet", row_group_size=700)
    before.to_csv(tmp_path / "before.csv", index=False)
    found = drift(tmp_path / "before.csv", tmp_path / "turned.parquet", multivariate=True)
    assert (found.drifted_columns, found.multivariate.drifted) == ([], True)
    assert found.multivariate.low > 0.9
    assert found.multivariate.reconstruction > 1.5
    assert "the columns together moved" in str(found)
    assert found.as_dict()["multivariate"]["n"] == 7000


def test_profiles_and_few_rows_have_no_answer_together():
    frame = _correlated(np.random.default_rng(1), 500)
    assert drift(profile(frame), frame, multivariate=True).multivariate is None
    assert drift(frame, frame.head(50), multivariate=True).multivariate is None
    gaps = frame.assign(x=np.nan, y=[None, np.inf] * 250)
    assert drift(frame, gaps, multivariate=True).multivariate.drifted
