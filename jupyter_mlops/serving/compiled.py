"""A model made fast, where that is proven not to change what it answers; otherwise the model as it is, and why is said.

Two ways are tried: a chain of scalers and a linear model is one dot product; anything that skl2onnx converts runs in
onnxruntime (both in the extra `fast`). The proof compares answers on the input example and on held-out rows, and is kept.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.serving.schema import Schema, Values
from jupyter_mlops.store import LoadedModel, predict

EQUAL_WITHIN = 1e-5
MOST_PROVEN = 2_000
INLINE_BELOW = 0.0005
Floats = NDArray[np.float64]
Answer = Callable[[Values], Floats]


@dataclass(frozen=True)
class Proof:
    """`way` is "linear", "onnx" or "as it is". `difference` is the largest found, relative to the answer or to one."""

    way: str
    rows: int
    difference: float
    why: str = ""


@dataclass(frozen=True, eq=False)
class Ready:
    """A version that answers. `seconds` is one row's time, measured; `gains` whether many rows at once are cheaper."""

    loaded: LoadedModel
    schema: Schema
    answer: Answer
    proof: Proof
    seconds: float
    gains: bool

    @property
    def inline(self) -> bool:
        """Whether handing a row to a thread would cost more than answering it."""
        return self.seconds < INLINE_BELOW


def prepare(loaded: LoadedModel, held_out: Callable[[], pd.DataFrame | None], keep: Path | None = None) -> Ready:
    """Ready to answer, and seen to answer its own example. MlopsError when it does not."""
    schema = Schema(loaded)
    plain = _plain(loaded, schema)
    example = _example(loaded, schema)
    if example is not None:
        plain(example)
        schema.takes_missing = _takes_missing(plain, example, schema)
    answer, proof = _fastest(loaded, schema, plain, example, held_out, keep)
    seconds, gains = _timed(answer, example)
    return Ready(loaded, schema, answer, proof, seconds, gains)


def _plain(loaded: LoadedModel, schema: Schema) -> Answer:
    def answer(values: Values) -> Floats:
        if schema.named and not isinstance(values, pd.DataFrame):
            values = pd.DataFrame(values, columns=schema.names)
        elif not schema.named and isinstance(values, pd.DataFrame):
            values = values.to_numpy()
        return predict(loaded.model, values, loaded.features)

    return answer


def _example(loaded: LoadedModel, schema: Schema) -> Values | None:
    return None if loaded.input_example is None else _values(loaded.input_example, schema)


def _values(rows: pd.DataFrame, schema: Schema) -> Values:
    """Rows of a file as a request with them would come."""
    asked = rows[schema.names] if schema.named else rows
    return asked.to_numpy(dtype=np.float64) if schema.all_numbers else asked


def _takes_missing(answer: Answer, example: Values, schema: Schema) -> bool:
    """Whether a row whose numbers are missing is answered: asked once, so that later rows are refused with their place."""
    row = example[:1].copy() if isinstance(example, pd.DataFrame) else np.full((1, example.shape[1]), np.nan)
    if isinstance(row, pd.DataFrame):
        numbers = [name for name, kind in zip(schema.names, schema.kinds, strict=True) if kind == "number"]
        row = row.astype(dict.fromkeys(numbers, np.float64))
        row[numbers] = np.nan
    try:
        answer(row)
    except MlopsError:
        return False
    return True


def _fastest(
    loaded: LoadedModel,
    schema: Schema,
    plain: Answer,
    example: Values | None,
    held_out: Callable[[], pd.DataFrame | None],
    keep: Path | None,
) -> tuple[Answer, Proof]:
    if not schema.all_numbers or example is None:
        return plain, Proof("as it is", 0, 0.0, "only models of numbers, with an input example, are made faster")
    kept = _Kept(keep, loaded.version.digest)
    known = kept.proof()
    if known is not None and known.way == "as it is":
        return plain, known
    rows = None if known else _proving(example, held_out(), schema)
    why = "no faster form of it is known"
    for way, made in _ways(loaded, kept, known):
        if isinstance(made, str):
            why = made
            continue
        proof = known or _prove(way, plain, made, rows)
        if proof.way == way:
            kept.put(proof)
            return _within_reach(made, plain) if way == "onnx" else made, proof
        why = proof.why
    proof = Proof("as it is", 0 if rows is None else len(rows), 0.0, why)
    kept.put(proof)
    return plain, proof


def _ways(loaded: LoadedModel, kept: _Kept, known: Proof | None) -> Iterator[tuple[str, Answer | str]]:
    from jupyter_mlops.serving.converting import linear, onnx

    if known is None or known.way == "linear":
        made = linear(loaded.model)
        if made is not None:
            yield "linear", made
    if known is None or known.way == "onnx":
        for double in (True, False):
            yield "onnx", onnx(loaded.model, double, kept.file, read=known is not None)


def _proving(example: Values, held_out: pd.DataFrame | None, schema: Schema) -> Floats:
    """The input example, and held-out rows without missing values where the model was found not to take them."""
    parts = [np.asarray(example, dtype=np.float64)]
    if held_out is not None and set(schema.names) <= set(held_out.columns):
        rows = held_out[schema.names].head(MOST_PROVEN).to_numpy(dtype=np.float64)
        parts.append(rows if schema.takes_missing else rows[np.isfinite(rows).all(axis=1)])
    return np.concatenate(parts)


def _prove(way: str, plain: Answer, made: Answer, rows: Floats | None) -> Proof:
    assert rows is not None
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


def _within_reach(made: Answer, plain: Answer) -> Answer:
    """Numbers that single precision cannot hold go to the model as it is."""
    most = float(np.finfo(np.float32).max)

    def answer(values: Values) -> Floats:
        return made(values) if np.abs(np.nan_to_num(values)).max(initial=0.0) < most else plain(values)

    return answer


def _timed(answer: Answer, example: Values | None) -> tuple[float, bool]:
    """Seconds of one row, and whether 32 rows at once cost less than half of 32 alone."""
    if example is None or not len(example):
        return 1.0, True
    one = example[:1]
    many = pd.concat([one] * 32, ignore_index=True) if isinstance(one, pd.DataFrame) else np.repeat(one, 32, axis=0)
    alone = min(_seconds(answer, one) for _ in range(3))
    return alone, _seconds(answer, many) < 16 * alone


def _seconds(answer: Answer, values: Values) -> float:
    began = time.perf_counter()
    answer(values)
    return time.perf_counter() - began


class _Kept:
    """The proof of one model's files, and its ONNX form, below the project's home; nothing is kept without a folder."""

    def __init__(self, folder: Path | None, digest: str) -> None:
        from jupyter_mlops.serving.converting import tools

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
