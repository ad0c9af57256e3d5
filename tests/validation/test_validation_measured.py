"""Very many rows are measured in one pass: the same values as slice by slice, and intervals as wide."""

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk
from answered import Chances

from jupyter_mlops.project import Model, Target
from jupyter_mlops.validation import judge_rows
from jupyter_mlops.validation.measure import measure, measure_all
from jupyter_mlops.validation.preparing import prepare
from jupyter_mlops.validation.slicing import slicings

ROWS = 40_000


def _rows(*, ties: bool) -> pd.DataFrame:
    random = np.random.default_rng(0)
    said = random.random(ROWS)
    said = np.round(said, 2) if ties else said
    return pd.DataFrame(
        {
            "said": said,
            "y": (random.random(ROWS) < said).astype(int),
            "a": random.integers(0, 3, ROWS),
            "b": np.where(random.random(ROWS) < 0.02, "rare", "often"),
            "w": random.random(ROWS) * (random.random(ROWS) < 0.9),
            "who": random.integers(0, 30_000, ROWS),
        }
    )


@pytest.mark.parametrize(
    ("task", "options", "ties"),
    [
        ("classification", {}, False),
        ("classification", {"weight": "w"}, True),
        ("classification", {"entity": "who"}, True),
        ("regression", {"weight": "w", "entity": "who"}, False),
    ],
)
def test_one_pass_gives_what_each_slice_gives(task: str, options: dict[str, str], ties: bool):
    rows = _rows(ties=ties)
    spec = {"task": task, "train": {"notebook": "-"}, "data": {"training": "-", "target": "y", **options}}
    judged = prepare(Target("m", None, Model.model_validate(spec)), rows, ["0", "1"] * (task == "classification"))
    many = slicings(judged, ["a", "b"])
    found = measure_all(judged, rows["said"].to_numpy(), many)
    expected = measure(judged, rows["said"].to_numpy())
    for mine, e in zip(found, expected, strict=False):
        assert (mine.metric, mine.slice, mine.n) == (e.metric, "", e.n)
        assert (mine.value, mine.low, mine.high) == pytest.approx((e.value, e.low, e.high), rel=1e-9)
    for slicing in many:
        for name, where in slicing.groups():
            mine = {e.metric: e for e in found if e.slice == name}
            # a frame of its own has other buckets, so the ends of its intervals differ a little
            theirs = measure(judged.take(where), rows["said"].to_numpy()[where])
            assert set(mine) == {e.metric for e in theirs}
            for e in theirs:
                assert mine[e.metric].value == pytest.approx(e.value, abs=1e-9)
                assert mine[e.metric].n == e.n
                assert mine[e.metric].high - mine[e.metric].low == pytest.approx(e.high - e.low, rel=0.25)


def test_slices_of_very_many_rows_are_scikit_learns():
    rows = _rows(ties=True)
    gates = [{"metric": "auc", "min": 0.5, "slices": ["a"]}]
    evidence = judge_rows(Chances(), rows, "y", task="classification", gates=gates, explained=False)
    found = {(e.metric, e.slice): e.value for e in evidence.estimates}
    for kind, part in rows.groupby("a"):
        assert found["auc", f"a={kind}"] == pytest.approx(sk.roc_auc_score(part["y"], part["said"]), abs=1e-9)
        expected = sk.average_precision_score(part["y"], part["said"])
        assert found["average_precision", f"a={kind}"] == pytest.approx(expected, abs=1e-9)
        assert found["log_loss", f"a={kind}"] == pytest.approx(sk.log_loss(part["y"], part["said"]), abs=1e-9)


def test_rows_are_digested_by_their_values():
    rows = _rows(ties=True).head(200)
    digests = {
        judge_rows(Chances(), changed, "y", task="classification", explained=False).data.digest
        for changed in (rows, rows.copy(), rows.assign(w=rows["w"] + 1), rows.assign(b=rows["b"] + "!"))
    }
    assert len(digests) == 3
