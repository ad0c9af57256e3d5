"""Many rows at once, by the same model and into the same log as one request; files larger than memory in parts."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from jupyter_mlops.errors import BadInput
from jupyter_mlops.project import Project, Target
from jupyter_mlops.serving.log import ID, InferenceLog
from jupyter_mlops.serving.privacy import Privacy
from jupyter_mlops.store import LoadedModel, answers, columns_of

PART = 50_000


def score(
    project: Project, loaded: LoadedModel, target: Target, rows: pd.DataFrame, at: pd.Timestamp | None = None
) -> pd.DataFrame:
    """inference_id and prediction for each row, and what the model says beside it, logged.

    Rows that bring their own ids are logged once however often scored. `at` is when it happened (default: now), where the rows
    have no time of their own.
    """
    said = columns_of(answers(loaded.model, rows, loaded.features))
    ids = (
        rows[ID].astype(str)
        if ID in rows.columns
        else pd.Series([uuid.uuid4().hex for _ in range(len(rows))], rows.index)
    )
    stamp = target.spec.data.timestamp
    times = pd.to_datetime(rows[stamp], utc=True) if stamp in rows.columns else at or pd.Timestamp.now("UTC")
    kept = rows.drop(columns=[c for c in (ID, target.spec.data.target) if c in rows.columns])
    kept = Privacy(project).frame(target, kept)
    logged = kept.assign(**{ID: ids, "time": times, "version": loaded.version.version, **said})
    InferenceLog(project).append(target.model, target.segment, logged)
    return pd.DataFrame({ID: ids.to_numpy(), **said})


def score_file(project: Project, loaded: LoadedModel, target: Target, file: Path, out: Path) -> int:
    """Score a Parquet or CSV file in parts of `PART` rows into a Parquet file; how many rows that were.

    A row's id follows from the file, its place in it and the version, so that the same file scored again is logged once.
    `out` is there when all rows are scored, and not before. Whatever ends it in the middle, it goes on there the next time.
    """
    name = hashlib.sha256(f"{loaded.version.model}/{loaded.version.version}\0{_content(file)}".encode()).hexdigest()[
        :20
    ]
    folder, places, done = out.with_name(f"{out.name}.unfinished"), [], 0
    try:
        for rows in _parts(file):
            places.append(folder / f"{name}{done:012x}.parquet")
            if not places[-1].is_file():
                if ID not in rows.columns:
                    rows[ID] = [f"{name}{place:012x}" for place in range(done, done + len(rows))]
                _put(score(project, loaded, target, rows, _begun(folder / name)), places[-1])
            done += len(rows)
        if not places:
            raise BadInput(f"{file} holds no rows", "give a file with rows", path=str(file))
    except BadInput:
        shutil.rmtree(folder, ignore_errors=True)  # a file that cannot be scored to its end has no part worth keeping
        raise
    _joined(places, folder / "whole").replace(out)
    shutil.rmtree(folder, ignore_errors=True)
    return done


def _begun(mark: Path) -> pd.Timestamp:
    """When the file was first begun: what goes on the next day is logged under the day of its beginning, and so once."""
    mark.parent.mkdir(parents=True, exist_ok=True)
    if not mark.exists():
        mark.touch()
    return pd.Timestamp(mark.stat().st_mtime, unit="s", tz="UTC")


def _put(scored: pd.DataFrame, place: Path) -> None:
    torn = place.with_suffix(".torn")
    pq.write_table(pa.Table.from_pandas(scored, preserve_index=False), torn)
    torn.replace(place)


def _joined(places: list[Path], whole: Path) -> Path:
    with pq.ParquetWriter(whole, pq.read_schema(places[0])) as writer:
        for place in places:
            writer.write_table(pq.read_table(place))
    return whole


def _parts(file: Path) -> Iterator[pd.DataFrame]:
    if not file.is_file():
        raise BadInput(f"there is no file {file}", "check the path", path=str(file))
    try:
        if file.suffix in (".csv", ".gz"):
            yield from pd.read_csv(file, chunksize=PART)
        else:
            for batch in pq.ParquetFile(file).iter_batches(PART):
                yield batch.to_pandas()
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be read: {str(error)[:200]}", "give a Parquet or CSV file") from error


def _content(file: Path) -> str:
    """The file's content as a digest, read in pieces."""
    hashed = hashlib.sha256()
    if file.is_file():
        with file.open("rb") as handle:
            while piece := handle.read(2**20):
                hashed.update(piece)
    return hashed.hexdigest()
