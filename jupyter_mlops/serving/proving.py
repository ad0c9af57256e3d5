"""Whether another form of a model answers the same: compared on the input example and on held-out rows, and the proof kept."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.serving.converting import tools
from jupyter_mlops.serving.schema import Schema, Values
from jupyter_mlops.store import Answers, columns_of

EQUAL_WITHIN = 1e-5
MOST_PROVEN = 2_000
Floats = NDArray[np.float64]
Answer = Callable[[Values], Answers]
_log = logging.getLogger("jupyter_mlops.serving")


@dataclass(frozen=True)
class Proof:
    """`way` is "linear", "onnx" or "as it is". `difference` is the largest found, relative to the answer or to one.

    `graph` is the digest of the ONNX form that was proven.
    """

    way: str
    rows: int
    difference: float
    why: str = ""
    graph: str = ""


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
        expected, got = columns_of(plain(rows)), columns_of(made(rows))
        alone = [columns_of(made(rows[i : i + 1])) for i in range(min(20, len(rows)))]
        one = {name: np.concatenate([answers[name] for answers in alone]) for name in got}
    except Exception as error:  # noqa: BLE001  (a way that fails, however it fails, is not taken)
        return Proof("as it is", len(rows), 0.0, f"as {way} it does not answer: {str(error)[:120]}")
    if {n: c.shape for n, c in got.items()} != {n: c.shape for n, c in expected.items()}:
        return Proof("as it is", len(rows), 0.0, f"as {way} it answers in another shape")
    off = max(
        max(_off(column, got[name]), _off(column[: len(one[name])], one[name])) for name, column in expected.items()
    )
    if not off <= EQUAL_WITHIN:
        return Proof("as it is", len(rows), off, f"as {way} an answer differs by {off:.2g}, more than {EQUAL_WITHIN:g}")
    return Proof(way, len(rows), off)


def _off(expected: NDArray[Any], got: NDArray[Any]) -> float:
    """The largest difference, relative to the answer or to one; of texts, whether any differs."""
    if expected.dtype == object or got.dtype == object:
        return float((expected.astype(object) != got.astype(object)).any())
    return float(np.max(np.abs(got - expected) / np.maximum(1.0, np.abs(expected))))


class Kept:
    """The proof of one model's files, and its ONNX form, below the project's home; nothing is kept without a folder."""

    def __init__(self, folder: Path | None, digest: str) -> None:
        self._place = folder / f"{digest[:32]}-{tools()}" if folder is not None and digest else None
        self.file = self._place.with_suffix(".onnx") if self._place else None

    def size(self) -> int:
        """Bytes of the ONNX form; 0 when there is none."""
        return self.file.stat().st_size if self.file is not None and self.file.exists() else 0

    def graph(self, proof: Proof) -> bytes | None:
        """The ONNX form of this proof. None when it is not there, or is not the one that was proven, which is said."""
        if self.file is None or not self.file.exists():
            return None
        content = self.file.read_bytes()
        if hashlib.sha256(content).hexdigest() == proof.graph:
            return content
        _log.warning("%s is not what was proven, so it is not used and made again", self.file)
        return None

    def proof(self) -> Proof | None:
        if self._place is None:
            return None
        try:
            return Proof(**json.loads(self._place.with_suffix(".json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def put(self, proof: Proof, graph: bytes = b"") -> Proof:
        """Keep both; the proof with the digest of its graph, which is written first."""
        proof = replace(proof, graph=hashlib.sha256(graph).hexdigest()) if graph else proof
        if self._place is not None:
            if graph:
                self._put(self._place.with_suffix(".onnx"), graph)
            self._put(self._place.with_suffix(".json"), json.dumps(asdict(proof)).encode())
        return proof

    def _put(self, file: Path, content: bytes) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = file.with_name(f"{file.name}.{time.monotonic_ns()}")
        temporary.write_bytes(content)
        temporary.replace(file)
