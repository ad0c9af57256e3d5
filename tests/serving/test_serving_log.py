"""The log under the faults it must outlive: torn lines, a full disk, storage away, a row that has no form, a kill."""

import errno
import json
import os
import time

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.serving import InferenceLog, recover, truth, wal, writer
from jupyter_mlops.serving import log as log_module
from jupyter_mlops.serving.blocks import Entry, gathered
from jupyter_mlops.serving.wal import WriteAhead
from jupyter_mlops.serving.writer import LogWriter


def _entry(*ids: str, value=1.0) -> Entry:
    rows = [[value] for _ in ids]
    return Entry("rul", "plant-01", 1, "champion", time.time(), 1.0, ("x",), rows, list(ids), [2.0] * len(ids))


def _line(*ids: str) -> bytes:
    return next(gathered([_entry(*ids)])).line()


def _logged(project) -> set[str]:
    return set(InferenceLog(project).rows("rul", "plant-01")["inference_id"])


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(writer, "SYNC_EVERY", 0.02)
    monkeypatch.setattr(writer, "COMPACT_EVERY", 0.05)
    monkeypatch.setattr(writer, "TRY_AGAIN_AFTER", 0.1)


def _until(true) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def test_rows_after_a_torn_line_are_read(project):
    file = WriteAhead(project)
    file.write([_line("a")], 1)
    os.write(file._handle, _line("torn")[:40] + b"\n")
    file.write([_line("b", "c")], 2)
    file.close()
    assert recover(project) == 3
    assert _logged(project) == {"a", "b", "c"}
    assert recover(project) == 0


def test_a_file_in_use_is_left_alone(project):
    file = WriteAhead(project)
    file.write([_line("a")], 1)
    assert recover(project) == 0
    file.close()
    assert recover(project) == 1


def test_a_file_from_another_host_is_taken_over_only_when_it_is_old(project):
    file = WriteAhead(project)
    file.write([_line("a")], 1)
    file.close()
    lines = file.path.read_bytes().split(b"\n")
    file.path.write_bytes(b"\n".join([json.dumps({"host": "elsewhere"}).encode(), *lines[1:]]))
    assert recover(project) == 0
    os.utime(file.path, (0, 0))
    assert recover(project) == 1


def test_a_write_cut_short_leaves_the_file_as_it_was(project, monkeypatch):
    file = WriteAhead(project)
    file.write([_line("a")], 1)
    real, calls = os.write, []

    def short(handle, content):
        calls.append(1)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, content[:20])

    monkeypatch.setattr(wal.os, "write", short)
    with pytest.raises(OSError, match="No space"):
        file.write([_line("b")], 1)
    monkeypatch.undo()
    file.write([_line("c")], 1)
    assert file.path.read_bytes().count(b"\n") == 3
    file.close()
    assert recover(project) == 2


def test_a_full_disk_is_told_and_nothing_is_lost_when_it_has_room_again(project, monkeypatch):
    told = []
    log = LogWriter(project, lambda what, sentence: told.append((what, sentence)))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(WriteAhead, "write", full)
    log.add(_entry("a"))
    _until(lambda: told)
    log.add(_entry("b"))
    assert told[0][0] == "disk"
    assert "No space" in told[0][1]
    assert log.figures()["inference_log_waiting_rows"] == 2
    assert log.figures()["inference_log_failing"] == 1
    monkeypatch.undo()
    _until(lambda: told[-1] == ("disk", None))
    log.close()
    assert len(told) == 2
    assert log.lost == 0
    assert _logged(project) == {"a", "b"}


def test_rows_beyond_what_is_kept_waiting_are_counted(project, monkeypatch):
    monkeypatch.setattr(writer, "MOST_WAITING", 3)
    monkeypatch.setattr(WriteAhead, "write", lambda *_: (_ for _ in ()).throw(OSError("full")))
    told = []
    log = LogWriter(project, lambda what, sentence: told.append((what, sentence)))
    for number in range(8):
        log.add(_entry(f"{number}"))
    assert 4 <= log.lost <= 5  # one more may be in the thread's hands
    _until(lambda: any(what == "lost rows" and "are in no log" in sentence for what, sentence in told))
    log.close()
    assert log.lost == 8


def test_storage_away_is_told_tried_again_and_ends_no_thread(project, monkeypatch):
    told, real = [], InferenceLog._write

    def away(*_):
        raise OSError("the bucket does not answer")

    monkeypatch.setattr(InferenceLog, "_write", away)
    log = LogWriter(project, lambda what, sentence: told.append((what, sentence)))
    log.add(_entry("a"))
    _until(lambda: told)
    assert told[0][0] == "storage"
    log.add(_entry("b"))
    _until(lambda: log.figures()["inference_log_waiting_files"] == 2)
    monkeypatch.setattr(InferenceLog, "_write", real)
    _until(lambda: told[-1] == ("storage", None))
    log.close()
    assert _logged(project) == {"a", "b"}
    assert log.lost == 0


def test_storage_away_at_the_end_keeps_the_rows_for_the_next_server(project, monkeypatch):
    log = LogWriter(project)
    log.add(_entry("a"))
    monkeypatch.setattr(InferenceLog, "_write", lambda *_: (_ for _ in ()).throw(OSError("away")))
    log.close()
    monkeypatch.undo()
    assert log.lost == 0
    assert recover(project) == 1


def test_a_row_without_a_form_is_lost_alone(project):
    circle: list = []
    circle.append(circle)
    log = LogWriter(project)
    log.add(_entry("bad", value=circle))
    log.add(_entry("good"))
    log.close()
    assert log.lost == 1
    assert _logged(project) == {"good"}


def test_a_column_of_numbers_and_words_is_kept(project):
    log = LogWriter(project)
    log.add(_entry("a", value=7))
    log.add(_entry("b", value="seven"))
    log.close()
    assert InferenceLog(project).rows("rul", "plant-01").set_index("inference_id")["x"].to_dict() == {
        "a": "7",
        "b": "seven",
    }


def test_an_entity_is_erased_with_its_outcomes_and_old_days_are_deleted(project):
    log, now = InferenceLog(project), pd.Timestamp.now("UTC")
    rows = pd.DataFrame({"inference_id": ["a", "b", "c"], "unit": [7, 8, 7], "prediction": 1.0, "version": 1})
    log.append("rul", "plant-01", rows.assign(time=[now, now, now - pd.Timedelta(days=90)]))
    log.add_truth("rul", "plant-01", pd.DataFrame({"inference_id": ["a", "b"], "truth": [1.0, 2.0]}))
    assert log.keep_since("rul", "plant-01", pd.Timedelta(days=30).to_pytimedelta()) == 1
    assert _logged(project) == {"a", "b"}
    assert log.erase("rul", "plant-01", "unit", {"7"}) == 1
    assert _logged(project) == {"b"}
    assert set(log.truth("rul", "plant-01")["inference_id"]) == {"b"}


def test_requests_of_a_moment_are_one_line_and_come_back_as_they_were(project):
    frame = pd.DataFrame({"site": ["north", None], "load": [1.5, 2.0]})
    more = ("unit", [7, 8])
    mixed = [
        Entry(
            "rul",
            "plant-01",
            1,
            "champion",
            10.0,
            1.0,
            ("x",),
            np.array([[1.0]]),
            ["a"],
            [2.0],
            extras=(("unit", [7]),),
        ),
        Entry(
            "rul",
            "plant-01",
            1,
            "champion",
            11.0,
            3.0,
            ("x",),
            np.array([[np.nan]]),
            ["b"],
            [4.0],
            extras=(("unit", ["8"]),),
        ),
        Entry(
            "rul", "plant-01", 2, "champion", 12.0, 1.0, ("site", "load"), frame, ["c", "d"], [5.0, 6.0], 4.0, (more,)
        ),
        Entry("rul", "plant-01", 3, "shadow", 12.0, 1.0, ("x",), np.array([[1.0]]), ["a"], [9.0]),
    ]
    lines = [block.line() for block in gathered(mixed)]
    assert len(lines) == 3
    file = WriteAhead(project)
    file.write(lines, 5)
    file.close()
    assert recover(project) == 5
    rows = InferenceLog(project).rows("rul", "plant-01").set_index("inference_id")
    assert list(rows.index) == ["a", "b", "c", "d"]
    assert list(rows["unit"]) == ["7", "8", "7", "8"]
    assert list(rows["prediction"]) == [2.0, 4.0, 5.0, 6.0]
    assert list(rows["latency_ms"]) == [1.0, 3.0, 1.0, 1.0]
    assert list(rows["weight"]) == [1.0, 1.0, 4.0, 4.0]
    assert list(rows["version"]) == [1, 1, 2, 2]
    assert rows["x"].isna().tolist() == [False, True, True, True]
    assert rows.loc["c", "site"] == "north"
    assert rows["time"].dt.second.tolist() == [10, 11, 12, 12]
    assert InferenceLog(project).rows("rul", "plant-01", "shadow")["prediction"].tolist() == [9.0]


def test_outcomes_sent_one_by_one_do_not_become_a_file_each(project, monkeypatch):
    monkeypatch.setattr(log_module, "MOST_FILES", 5)
    log = InferenceLog(project)
    for number in range(23):
        log.add_truth("rul", "plant-01", pd.DataFrame({"inference_id": [f"{number % 20}"], "truth": [float(number)]}))
    assert len(list((project.root / ".mlops/data/truth/rul/plant-01").iterdir())) <= 6
    known = log.truth("rul", "plant-01").set_index("inference_id")["truth"]
    assert known.to_dict() == {f"{n}": float(n if n > 2 else n + 20) for n in range(20)}
    log.add_truth("rul", "plant-01", pd.DataFrame({"inference_id": ["a"], "truth": ["broken"]}))
    for number in range(9):
        log.add_truth("rul", "plant-01", pd.DataFrame({"inference_id": ["a"], "truth": [float(number)]}))
    assert (
        log.truth("rul", "plant-01").set_index("inference_id")["truth"]["a"] == 8.0
    )  # kinds are not mixed in one file


def test_an_id_is_looked_for_where_it_says_and_then_everywhere(project):
    log = InferenceLog(project)
    at = pd.Timestamp("2026-03-01T23:59:59.900", tz="UTC")
    ours, theirs = f"{int(at.timestamp() * 1000):012x}" + "0" * 20, "order-7"
    rows = pd.DataFrame({"inference_id": [ours, theirs], "version": 1, "prediction": 1.0})
    log.append("rul", "plant-01", rows.head(1).assign(time=at + pd.Timedelta("1s")))
    log.append("rul", "plant-02", rows.tail(1).assign(time=at))
    assert truth._days({ours, theirs}) == {"2026-03-01", "2026-03-02"}
    assert truth._unknown(log, "rul", None, {ours, theirs, "x", "f" * 32}) == {"x", "f" * 32}
    assert truth._unknown(log, "rul", "plant-01", {ours, theirs}) == {theirs}
