"""A pack stands alone: from the file and a key, every changed byte is found and named."""

import hashlib
import io
import json
import random
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from declared import MLOPS_YAML
from sklearn.linear_model import LinearRegression

from jupyter_mlops import config
from jupyter_mlops.cli import main
from jupyter_mlops.flows.dossier import dossier_of
from jupyter_mlops.governance import verify_pack
from jupyter_mlops.governance.boms import cyclonedx
from jupyter_mlops.governance.card import as_markdown, card_of
from jupyter_mlops.governance.pack import COMMENT, MANIFEST, seal
from jupyter_mlops.governance.rules import held_against_rules
from jupyter_mlops.ledger import signing_key
from jupyter_mlops.project import load
from jupyter_mlops.records import Dataset
from jupyter_mlops.registry import register
from jupyter_mlops.store import open_store

NAME = "rul.plant-01"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A judged and promoted version, and its pack as the command writes it."""
    root = tmp_path_factory.mktemp("plants")
    said = "    purpose: <script>alert(1)</script>\n    card: {limitations: 'poor | on *night* shifts'}\n"
    (root / "mlops.yaml").write_text(MLOPS_YAML.replace("    risk: high\n", f"    risk: high\n{said}"))
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"unit": np.repeat(range(40), 10), "a": rng.normal(size=400), "b": rng.normal(size=400)})
    rows["rul"] = 3 * rows.a - rows.b + rng.normal(scale=0.3, size=400)
    (root / "data" / "plant-01").mkdir(parents=True)
    rows.to_parquet(root / "data" / "plant-01" / "evaluation.parquet")
    store = open_store(load(root))
    run = store.create_run("train", "one", key="k1")
    store.log(run, parameters={"seed": 7}, metrics={"mae": 0.2})
    store.log_datasets(run, [Dataset(name="train", digest="d" * 36, source="x.parquet", rows=400, columns=4)])
    texts = {"slice.py": "fit()\n", "requirements.txt": "numpy==2.4.6\nscikit-learn==1.9.1"}
    texts |= {"slice.json": json.dumps({"cells": ["import plant.mod", "fit()"], "folder": "."})}
    texts |= {"modules.json": json.dumps([{"name": "plant.mod"}]), "modules/plant/mod.py": "SHIFT = 1\n"}
    for name, text in (texts | {"environment.json": '{"python": "3.11.7"}'}).items():
        store.log_text(run, text, name)
    store.log_model(run, LinearRegression().fit(rows[["a", "b"]], rows.rul), input_example=rows[["a", "b"]].head(3))
    store.end_run(run, "FINISHED")
    register(store, run, NAME)
    assert main(["promote", NAME, "1", "--reason", "first", "--project", str(root)]) == 0
    pack = root / "x.zip"
    assert main(["evidence", NAME, "1", "-o", str(pack), "--project", str(root)]) == 0
    return SimpleNamespace(root=root, pack=pack, store=store, key=signing_key(config.ledger_key()))


def _changed(made: SimpleNamespace, tmp_path: Path, data: bytes) -> dict:
    file = tmp_path / "changed.zip"
    file.write_bytes(data)
    return verify_pack(file, made.key.public)


def _rebuilt(made: SimpleNamespace, change) -> bytes:
    """The pack written anew by somebody without the key: files changed, manifest to fit, seal as it was."""
    with zipfile.ZipFile(made.pack) as packed:
        files, comment = {n: packed.read(n) for n in packed.namelist()}, packed.comment
    change(files)
    manifest = json.loads(files[MANIFEST])
    manifest["files"] = {n: hashlib.sha256(d).hexdigest() for n, d in sorted(files.items()) if n != MANIFEST}
    files[MANIFEST] = json.dumps(manifest).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
        packed.comment = comment
    return buffer.getvalue()


def test_it_holds_and_says_by_whose_key(made: SimpleNamespace, capsys: pytest.CaptureFixture):
    answer = verify_pack(made.pack, made.key.public)
    assert (answer["ok"], answer["problems"], answer["trusted"]) == (True, [], True)
    assert answer["entries"] > 5
    assert main(["verify", str(made.pack), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert (data["ok"], data["trusted"], data["model"], data["version"]) == (True, False, NAME, 1)


def test_asked_again_it_is_the_same_to_the_byte(made: SimpleNamespace, tmp_path: Path):
    assert main(["evidence", NAME, "1", "-o", str(tmp_path / "y.zip"), "--project", str(made.root)]) == 0
    assert (tmp_path / "y.zip").read_bytes() == made.pack.read_bytes()


def test_it_is_verified_without_a_project_in_an_empty_folder(made: SimpleNamespace, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["verify", str(made.pack), "--key", str(made.key.public)]) == 0
    assert list(tmp_path.iterdir()) == []


def test_any_byte_changed_is_found_and_something_is_named(made: SimpleNamespace, tmp_path: Path):
    data = made.pack.read_bytes()
    dice = random.Random(1)
    ends = [*range(40), *range(len(data) - COMMENT - 60, len(data))]
    for place in [*ends, *(dice.randrange(len(data)) for _ in range(120))]:
        other = bytearray(data)
        other[place] ^= 1 << dice.randrange(8)
        answer = _changed(made, tmp_path, bytes(other))
        assert not answer["ok"], place
        assert answer["problems"], place


def _flipped(made: SimpleNamespace, tmp_path: Path, place: int) -> list[str]:
    other = bytearray(made.pack.read_bytes())
    other[place] ^= 4
    return _changed(made, tmp_path, bytes(other))["problems"]


def test_a_changed_byte_is_called_by_the_name_of_its_file(made: SimpleNamespace, tmp_path: Path):
    """In the file itself, in what the zip says before it, and in what its directory says."""
    with zipfile.ZipFile(made.pack) as packed:
        infos, directory = packed.infolist(), packed.start_dir
    for info in infos:
        name = info.filename
        begin = info.header_offset + 30 + len(name)
        for place in (info.header_offset + 12, begin + info.file_size // 2, directory + 13, directory + 38):
            problems = _flipped(made, tmp_path, place)
            assert any(name in p for p in problems), (name, place - info.header_offset, problems)
        directory += 46 + len(name)
    assert any("own directory" in p for p in _flipped(made, tmp_path, directory + 5)), "the end of the directory"


def test_bytes_and_files_put_in_are_found(made: SimpleNamespace, tmp_path: Path):
    data = made.pack.read_bytes()
    for other in (b"x" + data, data + b"x", data[:-1], data[:100] + b"x" + data[100:]):
        assert not _changed(made, tmp_path, other)["ok"]
    twice = tmp_path / "twice.zip"
    twice.write_bytes(data)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(twice, "a") as packed:
        packed.writestr("card.md", "all is well")
    assert any("card.md" in p and "twice" in p for p in verify_pack(twice, made.key.public)["problems"])


def test_it_holds_the_code_as_a_notebook_and_the_modules_it_imported(made: SimpleNamespace):
    with zipfile.ZipFile(made.pack) as packed:
        node = nbformat.reads(packed.read("code/notebook.ipynb").decode(), as_version=4)
        assert packed.read("code/modules/plant/mod.py") == b"SHIFT = 1\n"
    nbformat.validate(node)
    assert [cell.source for cell in node.cells] == ["import plant.mod", "fit()"]


def test_the_model_signature_is_what_openssf_verifies(made: SimpleNamespace, tmp_path: Path):
    """By the reference tool, on the model's own folder; and on one in which a byte was changed."""
    whole = tmp_path / "whole.zip"
    assert main(["evidence", NAME, "1", "-o", str(whole), "--with-model", "--project", str(made.root)]) == 0
    assert verify_pack(whole, made.key.public)["ok"]
    with zipfile.ZipFile(whole) as packed:
        packed.extractall(tmp_path)
    signed = {"public_key": str(tmp_path / "model/key.pem")}, tmp_path / "model/model.sig", tmp_path / "model/files"
    assert _openssf(*signed)
    file = tmp_path / "model/files/model.skops"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert not _openssf(*signed)


def _openssf(key: dict[str, str], signature: Path, folder: Path) -> bool:
    from model_signing.verifying import Config

    try:
        Config().use_elliptic_key_verifier(**key).verify(folder, signature)
    except ValueError:
        return False
    return True


def _swap(name: str, old: bytes, new: bytes):
    return lambda files: files.update({name: files[name].replace(old, new)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.update({"extra.txt": b"x"}), "after it was sealed"),
        (lambda f: f.pop("card.md"), "after it was sealed"),
        (_swap("ledger/entries.jsonl", b'"first"', b'"worst"'), "not in the signed checkpoint"),
        (_swap("evidence.json", b'"seed": 0', b'"seed": 1'), "does not have the digest"),
        (_swap("model.json", b"model.skops", b"model.skipz"), "model.json was changed"),
        (_swap("model/key.pem", b"A", b"B"), "model/model.sig is missing or was changed"),
        (lambda f: f.pop("model/model.sig"), "model/model.sig is missing or was changed"),
        (lambda f: f.update({"ledger/checkpoint.txt": b"x"}), "checkpoint.txt is missing or was changed"),
        (lambda f: f.update({"../../etc/x": b"x"}), "a name that no pack holds"),
    ],
)
def test_a_pack_written_anew_is_found(made: SimpleNamespace, tmp_path: Path, change, said: str):
    answer = _changed(made, tmp_path, _rebuilt(made, change))
    assert not answer["ok"]
    assert any(said in p for p in answer["problems"]), answer["problems"]


def test_written_and_sealed_anew_by_another_it_is_not_ours(made: SimpleNamespace, tmp_path: Path):
    other = signing_key(tmp_path / "other.key")
    data = _rebuilt(made, lambda files: files.update({"card.md": b"all is well"}))[:-COMMENT]
    answer = _changed(made, tmp_path, data + seal(data, other))
    assert any("not by the key you gave" in p for p in answer["problems"])


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 5000, b"\0" * 100])
def test_what_is_no_pack_is_said_without_a_traceback(tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture):
    file = tmp_path / "x.zip"
    file.write_bytes(data)
    assert main(["verify", str(file)]) == 1
    assert "it does not hold" in capsys.readouterr().out


def test_a_zip_of_ten_gigabytes_is_not_unpacked(tmp_path: Path):
    file = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("zeros", "w", force_zip64=True) as zeros,
    ):
        for _ in range(600):
            zeros.write(bytes(2**20))
    assert any("nothing of it was unpacked" in problem for problem in verify_pack(file)["problems"])


def test_the_card_is_made_and_what_nobody_said_is_named(made: SimpleNamespace, capsys: pytest.CaptureFixture):
    assert main(["card", NAME, "1", "--project", str(made.root), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["data"]
    assert "human_oversight" in facts["missing"]
    assert "limitations" not in facts["missing"]
    assert facts["evaluation"]["verdict"] == "pass"
    text = as_markdown(facts)
    assert text.startswith("---\nlibrary_name: sklearn\n")
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["model-index"][0]["results"][0]["metrics"][0]["type"] == "mae"
    assert "<script>" not in text
    assert "poor \\| on \\*night\\* shifts" in text
    for form in ("html", "md"):
        assert main(["card", NAME, "1", "--project", str(made.root), "--format", form]) == 0
        shown = capsys.readouterr().out
        assert "not provided" in shown
        assert "<script>" not in shown
    assert len(list((made.root / ".mlops/artifacts").rglob("cards/*.json"))) == 1


def test_rules_say_met_missing_and_not_applicable_and_never_judge(made: SimpleNamespace, capsys: pytest.CaptureFixture):
    for form in ("text", "html", "json"):
        assert main(["rules", NAME, "1", "--project", str(made.root), "--format", form]) == 0
        shown = capsys.readouterr().out
        assert "complian" not in shown.lower()
        assert "missing" in shown
    lines = json.loads(shown)["requirements"]
    annex = {number for x in lines for number in re.findall(r"Annex IV (\d)", x["rule"])}
    assert annex == set("123456789"), "a section of the technical documentation is passed over in silence"
    articles = {number for x in lines for number in re.findall(r"Art\. (\d+)", x["rule"])}
    assert {"9", "10", "11", "12", "13", "14", "15", "17", "26", "72"} <= articles
    found = {x["asks"]: x for x in lines}
    assert (found["changes through its life"]["rule"], found["changes through its life"]["status"]) == (
        "EU AI Act Annex IV 6",
        "met",
    )
    assert (found["developer"]["status"], found["next review"]["status"]) == ("met", "missing")
    assert found["intended purpose"]["status"] == "met"
    assert found["human oversight"]["status"] == "missing"
    assert found["signed by log-in again at signing"]["status"] == "missing"
    assert found["it can be taken back"]["status"] == "missing"
    for line in lines:
        assert (line["status"] == "met") == bool(line["found"])


def test_the_bill_of_materials_lists_model_data_and_packages(made: SimpleNamespace):
    from jupyter_mlops.flows import dossier_of

    known = dossier_of(made.store, NAME, 1)
    bom = cyclonedx(known)
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    assert bom["metadata"]["component"]["type"] == "machine-learning-model"
    assert {"library", "data"} == {c["type"] for c in bom["components"]}
    assert "pkg:pypi/scikit-learn@1.9.1" in bom["dependencies"][0]["dependsOn"]
    refs = [c["bom-ref"] for c in bom["components"]]
    assert len(refs) == len(set(refs))
    assert card_of(known) == card_of(dossier_of(made.store, NAME, 1))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom)) is None


def test_files_changed_after_registration_are_refused_and_entered(made: SimpleNamespace, capsys: pytest.CaptureFixture):
    """Last of this module: it spoils the model."""
    file = next((made.root / ".mlops/artifacts").rglob("example.json"))
    file.write_text(file.read_text().replace("1", "2", 1))
    for words in (["promote", NAME, "1", "--reason", "again"], ["validate", NAME, "1"]):
        assert main([*words, "--project", str(made.root)]) == 2
        assert "were changed after it was registered" in capsys.readouterr().err
    assert main(["ledger", "list", "--json", "--project", str(made.root)]) == 0
    acts = [entry["action"] for entry in json.loads(capsys.readouterr().out)["data"]]
    assert acts[:2] == ["changed files refused"] * 2


def test_a_jobs_data_are_those_of_its_tracked_cells(project):
    store = open_store(project)
    job = store.create_run("train", "job", key="job")
    for key, digest in (("one", "a" * 36), ("two", "b" * 36)):
        cell = store.create_run("train", key, key=key, parent=job)
        store.log_datasets(cell, [Dataset(name=key, digest=digest, source="x.parquet", rows=4, columns=2)])
        store.end_run(cell, "FINISHED")
    store.log_model(cell, LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))
    store.end_run(job, "FINISHED")
    register(store, job, NAME)
    known = dossier_of(store, NAME, 1)
    assert {data.digest for data in known.run.datasets} == {"a" * 36, "b" * 36}
    answered = {row["field"]: row["status"] for row in held_against_rules(known)}
    assert answered["datasets"] == "met"
