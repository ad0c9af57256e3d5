"""The inference log: Parquet by model, segment and day below the project's storage, through fsspec.

A part's name follows from what is in it, so writing the same rows again replaces them and none is counted twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from jupyter_mlops.project import Project

ID = "inference_id"
_OWN = (ID, "time", "model", "segment", "version", "prediction", "latency_ms")


class InferenceLog:
    """What was asked and answered, and what came true; one project's."""

    def __init__(self, project: Project) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(project.storage)

    def append(self, model: str, segment: str | None, rows: pd.DataFrame, part: str | None = None) -> None:
        """Keep rows that have inference_id, time (UTC), version, prediction and their features."""
        if not len(rows):
            return
        named = rows.assign(model=model, segment=segment or "")
        days = pd.to_datetime(named["time"], utc=True).dt.strftime("%Y-%m-%d")
        for day, those in named.groupby(days):
            name = part or _digest(those[ID])
            self._write(f"inference/{model}/{segment or '_'}/day={day}/{name}.parquet", those)

    def rows(self, model: str, segment: str | None = None) -> pd.DataFrame:
        """Everything logged, the oldest first, each inference once."""
        frames = [self._read(file) for file in self._files("inference", model, segment)]
        if not frames:
            return pd.DataFrame(columns=list(_OWN))
        every = pd.concat(frames, ignore_index=True).drop_duplicates(ID, keep="last")
        return every.sort_values("time", kind="stable", ignore_index=True)

    def count(self, model: str, segment: str | None = None) -> int:
        """How many inferences are logged, from the files' footers alone."""
        total = 0
        for file in self._files("inference", model, segment):
            with self._fs.open(file, "rb") as handle:
                total += pq.ParquetFile(handle).metadata.num_rows
        return total

    def add_truth(self, model: str, segment: str | None, truth: pd.DataFrame, received: datetime | None = None) -> None:
        """Keep outcomes: inference_id, truth, and observed_at if known. A later one for the same id corrects it."""
        known = truth.assign(received_at=received or datetime.now(UTC))
        name = _digest([*known[ID].astype(str), *known["truth"].astype(str)])
        self._write(f"truth/{model}/{segment or '_'}/{name}.parquet", known)

    def truth(self, model: str, segment: str | None = None) -> pd.DataFrame:
        """The outcome of each inference as it was last received."""
        frames = [self._read(file) for file in self._files("truth", model, segment)]
        if not frames:
            return pd.DataFrame(columns=[ID, "truth", "received_at"])
        every = pd.concat(frames, ignore_index=True).sort_values("received_at", kind="stable")
        return every.drop_duplicates(ID, keep="last").reset_index(drop=True)

    def _files(self, kind: str, model: str, segment: str | None) -> list[str]:
        place = f"{self._root}/{kind}/{model}" + (f"/{segment}" if segment else "/_")
        return sorted(f for f in self._fs.find(place) if f.endswith(".parquet")) if self._fs.exists(place) else []

    def _read(self, file: str) -> pd.DataFrame:
        with self._fs.open(file, "rb") as handle:
            frame: pd.DataFrame = pq.ParquetFile(handle).read().to_pandas()
            return frame

    def _write(self, place: str, rows: pd.DataFrame) -> None:
        path = f"{self._root}/{place}"
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        with self._fs.open(f"{path}.unfinished", "wb") as handle:
            pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), handle)
        self._fs.mv(f"{path}.unfinished", path)


def _digest(values: Iterable[Any]) -> str:
    hashed = hashlib.blake2b(digest_size=12)
    for value in values:
        hashed.update(str(value).encode() + b"\0")
    return hashed.hexdigest()
