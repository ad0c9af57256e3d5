"""The predictive-maintenance template on real machines: files of the C-MAPSS layout, and tables of one's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from jupyter_mlops import assets

ROOT = Path(__file__).resolve().parents[2]
FD001 = next((p for p in (ROOT.parent / "shared/data", ROOT / "shared/data") if p.exists()), ROOT) / (
    "manufacturing/cmapss_fd001"
)
CAP = 125


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return shutil.copytree(assets.project_template("predictive-maintenance"), tmp_path / "project")


def prepare(project: Path, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "prepare.py", *map(str, words)]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def read(project: Path, segment: str, name: str) -> pd.DataFrame:
    return pd.read_parquet(project / "data" / segment / f"{name}.parquet")


def segments(project: Path) -> list[str]:
    return list(yaml.safe_load((project / "mlops.yaml").read_text())["models"]["rul"]["segments"])


def cycles(lives: dict[int, int], random: np.random.Generator) -> pd.DataFrame:
    """26 columns of the C-MAPSS layout; the second sensor never changes."""
    rows = [[u, c, *random.normal(size=3), *random.normal(size=21)] for u, n in lives.items() for c in range(1, n + 1)]
    made = pd.DataFrame(rows)
    made[6] = 1.0
    return made


@pytest.fixture
def cmapss(tmp_path: Path) -> Path:
    folder, random = tmp_path / "files", np.random.default_rng(3)
    folder.mkdir()
    for fleet in ("FD001", "FD004"):
        for kind, lives in (("train", {u: 130 + u for u in range(1, 10)}), ("test", {1: 20, 2: 30})):
            text = cycles(lives, random).to_csv(sep=" ", header=False, index=False, lineterminator="  \n")
            (folder / f"{kind}_{fleet}.txt").write_text(text)
        (folder / f"RUL_{fleet}.txt").write_text("7 \n200 \n")
    return folder


def test_every_fleet_is_a_segment_and_no_machine_is_on_two_sides(project: Path, cmapss: Path):
    done = prepare(project, 1, "--data", cmapss)
    assert done.returncode == 0, done.stderr
    assert segments(project) == ["fd001", "fd004"]
    parts = {n: read(project, "fd001", n) for n in ("train", "arrivals", "evaluation", "labels")}
    units = [set(parts[n]["unit"]) for n in ("train", "arrivals", "evaluation")]
    assert [len(u) for u in units] == [6, 3, 2]
    assert len(set.union(*units)) == 11
    assert "rul" not in parts["arrivals"]
    assert "s2" not in parts["train"]  # it never changes
    whole = parts["train"][parts["train"]["unit"] == "fd001-0001"]
    assert whole["rul"].tolist() == [min(CAP, 131 - c) for c in range(1, 132)]
    running = parts["evaluation"].groupby("unit")["rul"].last()
    assert running.tolist() == [7, CAP]
    assert set(parts["labels"]["inference_id"]) == set(parts["arrivals"]["inference_id"])


def test_when_the_period_is_over_what_arrived_is_learnt_from(project: Path, cmapss: Path):
    assert prepare(project, 1, "--data", cmapss).returncode == 0
    before, arrived = read(project, "fd004", "train"), read(project, "fd004", "arrivals")
    judged = read(project, "fd004", "evaluation")
    assert prepare(project, 2, "--data", cmapss).returncode == 0
    after = read(project, "fd004", "train")
    assert set(after["unit"]) == set(before["unit"]) | set(arrived["unit"])
    pd.testing.assert_frame_equal(read(project, "fd004", "evaluation"), judged)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_of_ones_own_has_a_segment_for_each_plant(project: Path, tmp_path: Path, ending: str):
    random = np.random.default_rng(1)
    rows = pd.DataFrame(
        [
            {"plant": plant, "unit": f"{plant}/{u}", "cycle": c, "heat": random.normal(), "note": "ok"}
            for plant in ("Essen Süd", "Lyon")
            for u in range(9)
            for c in range(1, 12)
        ]
    )
    file = tmp_path / f"machines.{ending}"
    rows.to_csv(file, index=False) if ending == "csv" else rows.to_parquet(file)
    done = prepare(project, 1, "--data", file)
    assert done.returncode == 0, done.stderr
    assert segments(project) == ["essen-s-d", "lyon"]
    names = ("train", "evaluation", "arrivals")
    assert [read(project, "lyon", n)["unit"].nunique() for n in names] == [3, 3, 3]


def test_data_that_cannot_be_used_is_refused_by_name_and_may_be_replaced(tmp_path: Path):
    few = tmp_path / "few.csv"
    pd.DataFrame({"unit": [1, 2], "cycle": [1, 1], "heat": [0.5, 0.7]}).to_csv(few, index=False)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("machine,cycle\n1,1\n")
    words = ["quickstart", str(tmp_path / "fleet"), "--template", "predictive-maintenance", "--no-lab", "--json"]
    for data, said in ((tmp_path / "nowhere", "nowhere"), (few, "2 machines; 8"), (wrong, "no column 'unit'")):
        command = [sys.executable, "-m", "jupyter_mlops.cli", *words, "--data", str(data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2, done.stderr
        assert said in json.loads(done.stdout)["error"]["message"]


@pytest.mark.skipif(not FD001.exists(), reason="NASA's FD001 files are not beside this checkout")
def test_on_the_files_of_fd001_the_error_is_what_others_report(project: Path):
    """Gradient boosting on the official test machines: an RMSE of 16.8 cycles is known, for another choice of features."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.metrics import root_mean_squared_error

    done = prepare(project, 1, "--data", FD001)
    assert done.returncode == 0, done.stderr
    train, judged = (read(project, "fd001", n) for n in ("train", "evaluation"))
    features = [c for c in train if c not in ("unit", "ts", "shift", "rul", "inference_id")]
    model = HistGradientBoostingRegressor(max_iter=60, random_state=7).fit(train[features], train["rul"])
    assert judged["unit"].nunique() == 100
    assert root_mean_squared_error(judged["rul"], model.predict(judged[features])) == pytest.approx(16.8, abs=1)
