"""The inference log: Parquet by model, segment and day below the project's storage, through fsspec.

A part's name follows from what is in it, so writing the same rows again replaces them and none is counted twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jupyter_mlops.masking import mask
from jupyter_mlops.project import Project
from jupyter_mlops.serving.keyed import Keyed, word
from jupyter_mlops.serving.reaching import reached

MOST_FILES = 100
ID, WEIGHT = "inference_id", "sampling_weight"
_OWN = (ID, "time", "model", "segment", "version", "prediction", "latency_ms", WEIGHT)


class InferenceLog:
    """What was asked and answered, and what came true; one project's.

    `kind` is "inference", or "shadow" for answers that nobody was given.
    """

    def __init__(self, project: Project) -> None:
        # A bucket's listing is kept by fsspec; others write there too.
        self._fs, self._root = fsspec.core.url_to_fs(project.storage, use_listings_cache=False)
        self.place = mask(project.storage)
        self._keyed = Keyed(project)

    @reached
    def append(
        self, model: str, segment: str | None, rows: pd.DataFrame, part: str | None = None, kind: str = "inference"
    ) -> None:
        """Keep rows that have inference_id, time (UTC), version, prediction and their features."""
        rows = self._keyed.without_forgotten(model, rows)
        if not len(rows):
            return
        named = rows.assign(model=model, segment=segment or "")
        days = pd.to_datetime(named["time"], utc=True).dt.tz_convert(None).to_numpy().astype("datetime64[D]")
        for day in np.unique(days):
            those = named if (days == day).all() else named[days == day]
            name = part or _digest(those[ID])
            self._write(f"{kind}/{model}/{segment or '_'}/day={day}/{name}.parquet", those)

    @reached
    def rows(self, model: str, segment: str | None = None, kind: str = "inference") -> pd.DataFrame:
        """Everything logged, the oldest first, each inference once. `sampling_weight` is how many requests a row stands for."""
        frames = [_weighed(self._read(file)) for file in self._files(kind, model, segment)]
        if not frames:
            return pd.DataFrame(columns=list(_OWN))
        every = pd.concat(frames, ignore_index=True).drop_duplicates(ID, keep="last")
        return every.sort_values("time", kind="stable", ignore_index=True)

    @reached
    def count(self, model: str, segment: str | None = None, kind: str = "inference") -> int:
        """How many inferences are logged, from the files' footers alone."""
        total = 0
        for file in self._files(kind, model, segment):
            with self._fs.open(file, "rb") as handle:
                total += pq.ParquetFile(handle).metadata.num_rows
        return total

    @reached
    def asked(self, model: str, segment: str | None = None) -> int:
        """How many inferences there were: of a sample, as many as it stands for."""
        total = 0.0
        for file in self._files("inference", model, segment):
            with self._fs.open(file, "rb") as handle:
                parquet = pq.ParquetFile(handle)
                there = [name for name in (WEIGHT, "weight", "role") if name in parquet.schema_arrow.names]
                frame = parquet.read(columns=there).to_pandas() if there else pd.DataFrame()
                total += float(_weighed(frame)[WEIGHT].sum()) if there else parquet.metadata.num_rows
        return round(total)

    @reached
    def known(self, model: str, segment: str | None, ids: set[str], days: Iterable[str] | None = None) -> set[str]:
        """Which of these ids are logged; only the files of these days (YYYY-MM-DD) are looked at, if named."""
        wanted, found = pa.array(sorted(ids)), set()
        within = None if days is None else {f"/day={day}/" for day in days}
        for file in self._files("inference", model, segment):
            if within is None or any(day in file for day in within):
                with self._fs.open(file, "rb") as handle:
                    column = pq.ParquetFile(handle).read(columns=[ID]).column(ID).cast(pa.string())
                found |= set(column.filter(pc.is_in(column, wanted)).to_pylist())
        return found

    @reached
    def known_anywhere(self, model: str, ids: set[str], days: Iterable[str] | None = None) -> set[str]:
        """Which of these ids are logged, by whichever of the model's segments."""
        place = f"{self._root}/inference/{model}"
        names = [one.rpartition("/")[2] for one in self._fs.ls(place, detail=False)] if self._fs.exists(place) else []
        return {one for name in names for one in self.known(model, None if name == "_" else name, ids, days)}

    @reached
    def add_truth(self, model: str, segment: str | None, truth: pd.DataFrame, received: datetime | None = None) -> None:
        """Keep outcomes: inference_id, truth, and observed_at if known. A later one for the same id corrects it."""
        at = received or datetime.now(UTC)
        known = truth.assign(received_at=at)
        name = _digest([at.isoformat(), *known[ID].astype(str), *known["truth"].astype(str)])
        self._write(f"truth/{model}/{segment or '_'}/{name}.parquet", known)
        files = self._files("truth", model, segment)
        if len(files) > MOST_FILES:
            self._merge(files)

    @reached
    def truth(self, model: str, segment: str | None = None, as_of: datetime | None = None) -> pd.DataFrame:
        """The outcome of each inference: what was observed last, and of one observation what was received last.

        A segment's are those sent for it and those sent for the whole model, by somebody who did not know which one answered.

        An outcome that does not say when it was observed counts as observed when it was received. With `as_of`, what was known
        then. In whatever order and however often outcomes were sent, the answer is the same.
        """
        frames = self._all_outcomes(model, segment)
        if not frames:
            return pd.DataFrame(columns=[ID, "truth", "received_at"])
        every = pd.concat(frames, ignore_index=True)
        received = pd.to_datetime(every["received_at"], utc=True).dt.as_unit("us")
        said = every["observed_at"] if "observed_at" in every.columns else pd.Series(None, every.index, dtype=object)
        observed = pd.to_datetime(said, utc=True, errors="coerce", format="ISO8601").dt.as_unit("us")
        observed = observed.where(observed.notna(), received)
        sorting = every.assign(_observed=observed, _received=received, _truth=every["truth"].astype(str))
        sorting = sorting if as_of is None else sorting[received <= pd.Timestamp(as_of)]
        ordered = sorting.sort_values(["_observed", "_received", "_truth"], kind="stable")
        last = ordered.drop_duplicates(ID, keep="last").reset_index(drop=True)
        return last.drop(columns=["_observed", "_received", "_truth"])

    @reached
    def keep_since(self, model: str, segment: str | None, keep: timedelta, now: datetime | None = None) -> int:
        """Delete the days that ended longer ago than `keep`; how many files that were."""
        oldest = ((now or datetime.now(UTC)) - keep).strftime("%Y-%m-%d")
        old = [
            file
            for kind in ("inference", "shadow")
            for file in self._files(kind, model, segment)
            if file.rpartition("/day=")[2].partition("/")[0] < oldest
        ]
        for file in old:
            self._fs.rm_file(file)
        return len(old)

    @reached
    def erase(self, model: str, segment: str | None, column: str, values: set[str]) -> int:
        """Rewrite every file without the rows whose `column` is one of `values`, and without their outcomes; how many rows."""
        gone: set[str] = set()
        for kind in ("inference", "shadow"):
            for file, frame in self._frames(kind, model, segment):
                if column in frame.columns:
                    gone |= self._without(file, frame, frame[column].map(word).isin(values))
        for file in self._outcomes(model, segment):
            frame = self._read(file)
            self._without(file, frame, frame[ID].astype(str).isin(gone))
        return len(gone)

    def _frames(self, kind: str, model: str, segment: str | None) -> Iterator[tuple[str, pd.DataFrame]]:
        for file in self._files(kind, model, segment):
            yield file, self._read(file)

    def _without(self, file: str, frame: pd.DataFrame, hit: Any) -> set[str]:
        if not hit.any():
            return set()
        rest = frame[~hit]
        if len(rest):
            self._write(file.removeprefix(f"{self._root}/"), rest)
        else:
            self._fs.rm_file(file)
        return set(frame.loc[hit, ID].astype(str))

    def _merge(self, files: list[str]) -> None:
        """Outcomes sent one by one as one file, where they are of one kind. Whoever reads meanwhile finds each at least once."""
        frames = [self._read(file) for file in files]
        if len({str(frame.dtypes.to_dict()) for frame in frames}) > 1:
            return
        place = f"{files[0].rpartition('/')[0]}/{_digest(files)}.parquet"
        self._write(place.removeprefix(f"{self._root}/"), pd.concat(frames, ignore_index=True))
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(file)

    def _all_outcomes(self, model: str, segment: str | None) -> list[pd.DataFrame]:
        """Read again when somebody merged files in between."""
        for _ in range(5):
            with contextlib.suppress(FileNotFoundError):
                return [self._read(file) for file in self._outcomes(model, segment)]
        return [self._read(file) for file in self._outcomes(model, segment)]

    def _outcomes(self, model: str, segment: str | None) -> list[str]:
        return [file for name in dict.fromkeys((segment, None)) for file in self._files("truth", model, name)]

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
        try:
            with self._fs.open(f"{path}.unfinished", "wb") as handle:
                pq.write_table(_table(rows), handle)
                handle.flush()
                with contextlib.suppress(AttributeError, OSError):  # a bucket's file has no number, and needs no sync
                    os.fsync(handle.fileno())
            self._fs.mv(f"{path}.unfinished", path)
        except OSError:
            with contextlib.suppress(OSError):
                self._fs.rm_file(f"{path}.unfinished")
            raise


def _weighed(rows: pd.DataFrame) -> pd.DataFrame:
    """Files of before this column have `weight` where they were served; rows of files scored all count once."""
    if WEIGHT in rows.columns:
        return rows
    served = "weight" in rows.columns and "role" in rows.columns
    return rows.assign(**{WEIGHT: rows["weight"].astype("float64") if served else 1.0})


def _table(rows: pd.DataFrame) -> pa.Table:
    """A column that holds numbers in one row and words in another is kept as words, not refused."""
    try:
        return pa.Table.from_pandas(rows, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        mixed = {c: rows[c].map(word) for c in rows.columns if rows[c].dtype == object}
        return pa.Table.from_pandas(rows.assign(**mixed), preserve_index=False)


def _digest(values: Iterable[Any]) -> str:
    hashed = hashlib.blake2b(digest_size=12)
    for value in values:
        hashed.update(str(value).encode() + b"\0")
    return hashed.hexdigest()
