"""What a bare chain calls valid, a signed checkpoint kept elsewhere calls by its name."""

import base64
import hashlib
import json
import os
from pathlib import Path

import pytest
import rfc8785
import sqlalchemy as sa

from jupyter_mlops import config, ledger
from jupyter_mlops.errors import BadInput
from jupyter_mlops.ledger import append, checkpoint, verify
from jupyter_mlops.project import Project, load
from jupyter_mlops.records import Verification
from jupyter_mlops.store import Database, database


@pytest.fixture
def base(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("MLOPS_WITNESS", str(tmp_path / "elsewhere"))
    return database(project)


def _fill(base: Database, count: int) -> None:
    with base.begin() as connection:
        for i in range(count):
            append(connection, actor="ann", action="noted", subject="rul", after={"i": i})


def _sign(base: Database) -> ledger.Checkpoint:
    with base.begin() as connection:
        made = checkpoint(connection)
    assert made is not None
    return made


def _answer(base: Database, *held: Path) -> Verification:
    with base.read() as connection:
        return verify(connection, list(held))


def _as_administrator(connection: sa.Connection) -> None:
    for act in ("update", "delete"):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS mlops_ledger_no_{act}")


def rechain(connection: sa.Connection, first: int, change) -> None:
    """Change an entry, then write every hash after it anew, tree and all: what an administrator with time can do."""
    _as_administrator(connection)
    rows = connection.exec_driver_sql(
        f"SELECT seq, prev_hash, body FROM mlops_ledger WHERE seq >= {first} ORDER BY seq"
    )
    head = None
    for seq, prev_hash, text in rows.fetchall():
        fields = json.loads(text)
        if seq == first:
            change(fields)
        fields["prev_hash"] = head or prev_hash
        body = rfc8785.dumps(fields)
        head = hashlib.sha256(body).hexdigest()
        row = {"p": fields["prev_hash"], "h": head, "b": body.decode(), "s": seq}
        connection.execute(sa.text("UPDATE mlops_ledger SET prev_hash=:p, hash=:h, body=:b WHERE seq=:s"), row)
    ledger.nodes._rebuild(connection, seq)


def test_the_note_is_c2sp(base: Database):
    _fill(base, 5)
    made = _sign(base)
    origin, size, root, blank, signature = made.note.rstrip("\n").split("\n")
    assert (size, blank) == ("5", "")
    assert base64.b64decode(root) == made.root
    dash, name, encoded = signature.split(" ")
    key = ledger.signing_key(config.ledger_key()).public
    assert (dash, name) == ("\u2014", key.name)
    assert base64.b64decode(encoded)[:4] == hashlib.sha256(f"{name}\n".encode() + b"\x01" + key.raw).digest()[:4]
    assert ledger.read_checkpoint(made.note).origin == origin
    assert ledger.public_key(str(key)) == key


def test_the_key_is_for_its_owner_only_and_never_in_the_project(base: Database, project: Project):
    _fill(base, 1)
    _sign(base)
    assert config.ledger_key().stat().st_mode & 0o777 == 0o600
    secret = config.ledger_key().read_text().strip().split("+", 4)[4]
    assert not [p for p in project.root.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]


def test_a_cut_tail_is_found(base: Database):
    _fill(base, 50)
    _sign(base)
    with base.begin() as connection:
        _as_administrator(connection)
        connection.exec_driver_sql("DELETE FROM mlops_ledger WHERE seq > 40")
        connection.exec_driver_sql("DELETE FROM mlops_ledger_checkpoints")
    answer = _answer(base)
    assert (answer.ok, answer.first_bad) == (False, 41)
    assert "entries 41 to 50 were cut off" in answer.problem


def test_a_history_written_anew_is_found(base: Database):
    _fill(base, 50)
    _sign(base)
    with base.begin() as connection:
        rechain(connection, 7, lambda fields: fields.update(actor="nobody"))
        connection.exec_driver_sql("DELETE FROM mlops_ledger_checkpoints")
    answer = _answer(base)
    assert not answer.ok
    assert "the first 50 entries are not those that were signed" in answer.problem


def test_written_anew_and_signed_anew_is_found_too(base: Database):
    _fill(base, 20)
    kept = _sign(base)
    with base.begin() as connection:
        rechain(connection, 1, lambda fields: fields.update(reason="it was always so"))
        connection.exec_driver_sql("DELETE FROM mlops_ledger_checkpoints")
    _sign(base)
    assert not _answer(base).ok
    for file in Path(config.witnesses()[0]).rglob("*.checkpoint"):
        assert file.read_text() == kept.note


def test_a_checkpoint_that_somebody_kept_is_enough(base: Database, tmp_path: Path):
    _fill(base, 20)
    mine = tmp_path / "mine.txt"
    mine.write_text(_sign(base).note)
    for file in Path(config.witnesses()[0]).rglob("*.checkpoint"):
        file.unlink()
    assert _answer(base, mine).ok
    with base.begin() as connection:
        rechain(connection, 3, lambda fields: fields.update(actor="nobody"))
        connection.exec_driver_sql("DELETE FROM mlops_ledger_checkpoints")
    assert _answer(base).ok, "nothing is left to tell it by"
    assert "mine.txt" in _answer(base, mine).problem


def test_a_changed_checkpoint_is_found(base: Database):
    _fill(base, 4)
    _sign(base)
    file = next(Path(config.witnesses()[0]).rglob("*.checkpoint"))
    file.write_text(file.read_text().replace("\n4\n", "\n3\n"))
    assert "was changed after it was signed" in _answer(base).problem


def test_a_replaced_database_is_found(base: Database, project: Project):
    _fill(base, 4)
    _sign(base)
    base.close()
    for file in project.home.glob("mlops.db*"):
        file.unlink()
    again = database(load(project.root))
    _fill(again, 9)
    assert "the file was replaced" in _answer(again).problem


def test_a_changed_tree_is_found(base: Database):
    _fill(base, 9)
    with base.begin() as connection:
        connection.exec_driver_sql("UPDATE mlops_ledger_nodes SET hash = '" + "0" * 64 + "' WHERE level = 3")
    assert "stored tree" in _answer(base).problem


def test_a_ledger_from_before_the_tree_goes_on(base: Database):
    _fill(base, 13)
    with base.begin() as connection:
        for name in ("nodes", "checkpoints", "facts"):
            connection.exec_driver_sql(f"DROP TABLE mlops_ledger_{name}")
    base.close()
    _fill(base, 9)
    _sign(base)
    assert _answer(base).ok


def test_an_entry_is_proved_in_few_bytes(base: Database):
    _fill(base, 300)
    made = _sign(base)
    with base.read() as connection:
        proof = ledger.proof_of(connection, 123, made.size)
        body = ledger.entry_body(connection, 123)
    assert body is not None
    assert sum(map(len, proof)) <= 2048
    assert ledger.included(ledger.leaf_hash(body), 122, made.size, proof, made.root)
    assert not ledger.included(ledger.leaf_hash(body + b" "), 122, made.size, proof, made.root)


@pytest.mark.parametrize("text", ["", "a\nb\nc\n", "o\n-1\n" + base64.b64encode(bytes(32)).decode(), "o\n01\n\n"])
def test_what_is_no_checkpoint_is_said(text: str):
    with pytest.raises(BadInput, match="not a ledger checkpoint"):
        ledger.read_checkpoint(text)


def test_eight_at_once_make_one_key(tmp_path: Path):
    path = tmp_path / "k" / "ledger.key"
    children = []
    for _ in range(8):
        pid = os.fork()
        if not pid:
            ledger.signing_key(path)
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 8
    assert ledger.signing_key(path).seed == ledger.signing_key(path).seed
    assert [p.name for p in path.parent.iterdir()] == ["ledger.key"]
