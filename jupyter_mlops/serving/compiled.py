"""A model made fast, where that is proven not to change what it answers; otherwise the model as it is, and why is said.

Two ways are tried: a chain of scalers and a linear model is one dot product; anything that skl2onnx converts runs in
onnxruntime (both in the extra `fast`). Converting takes seconds, so a version may begin as it is and be made fast later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.serving.convert import graph_elsewhere
from jupyter_mlops.serving.converting import linear, onnx, precisions
from jupyter_mlops.serving.proving import Answer, Kept, Proof, prove, proving_rows
from jupyter_mlops.serving.schema import Schema, Values
from jupyter_mlops.serving.shelved import Shelved
from jupyter_mlops.store import Answers, LoadedModel, answers, columns_of, finite

_log = logging.getLogger("jupyter_mlops.serving")
INLINE_BELOW = 0.0005
AT_ONCE = 2**21  # bytes of an ONNX form that are ready in well under a tenth of a second
PENDING = "a faster form of it is being looked for"
HeldOut = Callable[[], pd.DataFrame | None]


class AsItIs:
    """The model itself, asked as scikit-learn wants to be asked. Let go of, it is read again when it is asked."""

    def __init__(
        self, loaded: LoadedModel, schema: Schema, reload: Callable[[], LoadedModel] | None, shelf: Path | None
    ) -> None:
        self._loaded: LoadedModel | None = loaded
        self._schema, self._reload, self._shelf = schema, reload, shelf
        self._known = replace(loaded, model=None)
        self._shelved: Shelved | None = None

    def __call__(self, values: Values) -> Answers:
        loaded = self.read()
        if self._schema.named and not isinstance(values, pd.DataFrame):
            values = pd.DataFrame(values, columns=self._schema.names)
        elif not self._schema.named and isinstance(values, pd.DataFrame):
            values = values.to_numpy()
        return answers(loaded.model, values, loaded.features)

    def read(self) -> LoadedModel:
        loaded = self._loaded
        if loaded is None:
            loaded = self._loaded = self._again()
        return loaded

    def let_go(self) -> None:
        """Out of memory; put aside first, so that it is back at once. A fitted model does not change, so that is done once."""
        if self._reload is None or self._loaded is None:
            return
        if self._shelved is None:
            try:
                self._shelved = Shelved(self._loaded.model, self._shelf)
            except Exception as error:  # noqa: BLE001  (a full disk, or whatever a model's own pickling raises)
                _log.info("%s is read anew each time: %s", self._known.version.model, error)
        self._loaded = None

    def _again(self) -> LoadedModel:
        assert self._reload is not None
        if self._shelved is not None:
            try:
                return replace(self._known, model=self._shelved.take())
            except OSError as error:
                _log.warning("%s is read anew: %s", self._known.version.model, error)
        return self._reload()


@dataclass(frozen=True, eq=False)
class Ready:
    """A version that answers. `seconds` is one row's time, measured; `gains` whether many rows at once are cheaper.

    `loaded` is what is known of it without the model, which `plain` has; `outputs` are the columns of its answers and whether
    they are numbers, `second` is the class whose probability it gives where there are two. `waking`: it was called back, and is
    answered as it is until its faster form is in memory too.
    """

    loaded: LoadedModel
    schema: Schema
    answer: Answer
    plain: AsItIs
    proof: Proof
    seconds: float
    gains: bool
    outputs: Mapping[str, bool]
    second: str = ""
    waking: bool = False

    @property
    def inline(self) -> bool:
        """Whether handing a row to a thread would cost more than answering it."""
        return self.seconds < INLINE_BELOW

    @property
    def pending(self) -> bool:
        return self.waking or self.proof.why == PENDING

    def asleep(self) -> Ready:
        """The same without what takes memory; to be woken before it is asked."""
        self.plain.let_go()
        return self if self.proof.way == "linear" else replace(self, answer=self.plain, waking=False)


def prepare(
    loaded: LoadedModel,
    held_out: HeldOut,
    keep: Path | None = None,
    *,
    reload: Callable[[], LoadedModel] | None = None,
    later: bool = False,
) -> Ready:
    """Ready to answer, and seen to answer its own example. MlopsError when it does not.

    With `later`, what takes seconds is left for `hasten`. Proofs, and ONNX forms, are kept in the folder `keep`.
    """
    schema = Schema(loaded)
    plain = AsItIs(loaded, schema, reload, keep)
    example = _example(loaded, schema)
    asked = example if example is not None else _zeros(plain, schema)
    outputs = {"prediction": True}
    if asked is not None:
        outputs = {name: column.dtype != object for name, column in columns_of(plain(asked)).items()}
    schema.takes_missing = asked is None or _takes_missing(plain, asked, schema)
    known = replace(loaded, model=None)
    answer, proof = _fastest(loaded, schema, plain, held_out, keep, later)
    seconds, gains = _timed(answer, example)
    return Ready(known, schema, answer, plain, proof, seconds, gains, outputs, _second(loaded.model))


def hasten(ready: Ready, held_out: HeldOut, keep: Path | None) -> Ready:
    """The same version in its fastest form that is proven."""
    loaded = ready.plain.read()
    answer, proof = _fastest(loaded, ready.schema, ready.plain, held_out, keep, later=False)
    if proof.way == "onnx":
        ready.plain.let_go()
    timed = _timed(answer, _example(loaded, ready.schema))
    return replace(ready, answer=answer, proof=proof, seconds=timed[0], gains=timed[1], waking=False)


def wake(ready: Ready, keep: Path | None) -> Ready:
    """In memory again what was asleep. MlopsError when its files are not what they were.

    A large ONNX form takes longer to read than the model itself does: `hasten` then brings it back.
    """
    if ready.proof.way != "onnx":
        ready.plain.read()
        return ready
    kept = Kept(keep, ready.loaded.version.digest)
    if kept.size() > AT_ONCE:
        ready.plain.read()
        return replace(ready, waking=True, seconds=1.0, gains=True)
    made = _kept_form(kept, ready.proof)
    if made is not None:
        return replace(ready, answer=_within_reach(made, ready.plain))
    ready.plain.read()
    return replace(ready, proof=Proof("as it is", 0, 0.0, PENDING))


def _example(loaded: LoadedModel, schema: Schema) -> Values | None:
    return None if loaded.input_example is None else _values(loaded.input_example, schema)


def _values(rows: pd.DataFrame, schema: Schema) -> Values:
    """Rows of a file as a request with them would come."""
    asked = rows[schema.names] if schema.named else rows
    return asked.to_numpy(dtype=np.float64) if schema.all_numbers else asked


def _second(model: Any) -> str:
    classes: list[Any] = list(getattr(model, "classes_", ())) if hasattr(model, "predict_proba") else []
    return str(classes[1]) if len(classes) == 2 else ""


def _zeros(plain: AsItIs, schema: Schema) -> Values | None:
    """A row of zeros, where a model that has no example takes numbers; None where it does not."""
    row = np.zeros((1, len(schema.names)))
    try:
        plain(row)
    except MlopsError:
        return None
    return row


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
    loaded: LoadedModel, schema: Schema, plain: AsItIs, held_out: HeldOut, keep: Path | None, later: bool
) -> tuple[Answer, Proof]:
    example = _example(loaded, schema)
    if not schema.all_numbers or example is None:
        return plain, Proof("as it is", 0, 0.0, "only models of numbers, with an input example, are made faster")
    kept = Kept(keep, loaded.version.digest)
    known = kept.proof()
    if known is not None:
        found = _again(loaded, plain, kept, known)
        if found is not None:
            return found, known
    if later and linear(loaded.model) is None:
        return plain, Proof("as it is", 0, 0.0, PENDING)
    rows = proving_rows(example, held_out(), schema)
    why = "no faster form of it is known"
    for way, made, graph in _ways(loaded):
        proof = Proof("as it is", len(rows), 0.0, made) if isinstance(made, str) else prove(way, plain, made, rows)
        if proof.way == way and not isinstance(made, str):
            return _within_reach(made, plain) if graph else _finite(made), kept.put(proof, graph)
        why = proof.why
    return plain, kept.put(Proof("as it is", len(rows), 0.0, why))


def _again(loaded: LoadedModel, plain: AsItIs, kept: Kept, known: Proof) -> Answer | None:
    """The form that was proven before; None when it is not there any more."""
    if known.way == "as it is":
        return plain
    if known.way == "linear":
        line = linear(loaded.model)
        return None if line is None else _finite(line)
    made = _kept_form(kept, known)
    return None if made is None else _within_reach(made, plain)


def _kept_form(kept: Kept, proof: Proof) -> Answer | None:
    graph = kept.graph(proof)
    made = None if graph is None else onnx(graph)
    return None if isinstance(made, str) else made


def _ways(loaded: LoadedModel) -> Iterator[tuple[str, Answer | str, bytes]]:
    """Each with its ONNX graph, if it is one."""
    made = linear(loaded.model)
    if made is not None:
        yield "linear", made, b""
    for double in precisions(loaded.model):
        graph = graph_elsewhere(loaded.model, double)
        yield ("onnx", graph, b"") if isinstance(graph, str) else ("onnx", onnx(graph), graph)


def _finite(made: Answer) -> Answer:
    """Numbers so large that the answer has no place among numbers are refused as the model itself refuses them."""

    def answer(values: Values) -> Answers:
        with np.errstate(over="ignore", invalid="ignore"):  # refused below, so not warned of
            return finite(made(values))

    return answer


def _within_reach(made: Answer, plain: Answer) -> Answer:
    """Missing numbers, and what single precision cannot hold, go to the model as it is: neither was proven."""
    most = float(np.finfo(np.float32).max)

    def answer(values: Values) -> Answers:
        if not np.abs(values).max(initial=0.0) < most:
            return plain(values)
        found = made(values)
        return found if _all_finite(found) else plain(values)

    return answer


def _all_finite(said: Answers) -> bool:
    return all(column.dtype == object or bool(np.isfinite(column).all()) for column in columns_of(said).values())


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
