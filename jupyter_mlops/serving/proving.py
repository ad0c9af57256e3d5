"""Whether another form of a model answers the same: compared on the input example and on held-out rows, and the proof kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.serving.converting import tools
from jupyter_mlops.serving.schema import Schema, Values

EQUAL_WITHIN = 1e-5
MOST_PROVEN = 2_000
Floats = NDArray[np.float64]
Answer = Callable[[Values], Floats]


@dataclass(frozen=True)
class Proof:
    """`way` is "linear", "onnx" or "as it is". `difference` is the largest found, relative to the answer or to one."""

    way: str
    rows: int
    difference: float
    why: str = ""


def proving_rows(example: Values, held_out: pd.DataFrame | None, schema: Schema) -> Floats:
    """The input example, and held-out rows without missing values where the model was found not to take them."""
    parts = [np.asarray(example, dtype=np.float64)]
    if held_out is not None and set(schema.names) <= set(held_out.columns):
        rows = held_out[schema.names].head(MOST_PROVEN).to_numpy(dtype=np.float64)
        parts.append(rows if schema.takes_missing else rows[np.isfinite(rows).all(axis=1)])
    return np.concatenate(parts)


def prove(way: str, plain: Answer, made: Answer, rows: Floats) -> Proof:
    """The proof that `made` answers these rows as `plain` does, together and alone; else why it is not taken."""
    try:
        expected, got = plain(rows), made(rows)
        one = np.concatenate([made(rows[i : i + 1]) for i in range(min(20, len(rows)))])
    except Exception as error:  # noqa: BLE001  (a way that fails, however it fails, is not taken)
        return Proof("as it is", len(rows), 0.0, f"as {way} it does not answer: {str(error)[:120]}")
    if got.shape != expected.shape:
        return Proof("as it is", len(rows), 0.0, f"as {way} it answers in another shape")
    scale = np.maximum(1.0, np.abs(expected))
    off = max(
        float(np.max(np.abs(got - expected) / scale)),
        float(np.max(np.abs(one - expected[: len(one)]) / scale[: len(one)])),
    )
    if not off <= EQUAL_WITHIN:
        return Proof("as it is", len(rows), off, f"as {way} an answer differs by {off:.2g}, more than {EQUAL_WITHIN:g}")
    return Proof(way, len(rows), off)


class Kept:
    """The proof of one model's files, and its ONNX form, below the project's home; nothing is kept without a folder."""

    def __init__(self, folder: Path | None, digest: str) -> None:
        self._place = folder / f"{digest[:32]}-{tools()}" if folder is not None and digest else None
        self.file = self._place.with_suffix(".onnx") if self._place else None

    def proof(self) -> Proof | None:
        if self._place is None:
            return None
        try:
            return Proof(**json.loads(self._place.with_suffix(".json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def put(self, proof: Proof) -> None:
        if self._place is None:
            return
        self._place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._place.with_suffix(".json")
        temporary = file.with_name(f"{file.name}.{time.monotonic_ns()}")
        temporary.write_text(json.dumps(asdict(proof)), encoding="utf-8")
        temporary.replace(file)
