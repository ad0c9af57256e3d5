"""Requests to rows: MLflow's and the Open Inference Protocol's forms, checked against the columns the model was fitted on."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import pandas as pd

from jupyter_mlops.errors import BadInput
from jupyter_mlops.store import LoadedModel

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def rows_of(body: bytes, content_type: str, loaded: LoadedModel) -> pd.DataFrame:
    """The rows of a request, its columns in order and of the right type. BadInput names column, row, expected and got."""
    frame = _csv(body) if "csv" in content_type else _frame(_json(body), loaded.features)
    if not len(frame):
        raise BadInput("the request holds no rows", "send at least one")
    missing = [name for name in loaded.features if name not in frame.columns]
    if missing:
        raise BadInput(
            f"column {missing[0]!r} is missing" + (f", and {len(missing) - 1} more" if len(missing) > 1 else ""),
            f"send the columns {', '.join(loaded.features)}",
            column=missing[0],
            missing=missing,
        )
    _check_types(frame, loaded)
    return frame


def _json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(
            f"the body is not valid JSON: {str(error)[:120]}", "send application/json or text/csv"
        ) from error


def _no_constant(word: str) -> float:
    if word == "NaN":
        return math.nan
    raise ValueError(f"{word} is no number a model can use")


def _csv(body: bytes) -> pd.DataFrame:
    try:
        return pd.read_csv(io.BytesIO(body))
    except (ValueError, UnicodeDecodeError) as error:
        raise BadInput(
            f"the body is not valid CSV: {str(error)[:120]}", "send a header line and a line for each row"
        ) from error


def _frame(content: Any, features: list[str]) -> pd.DataFrame:
    form = next((name for name in FORMS if isinstance(content, dict) and name in content), None)
    if form is None:
        raise BadInput("the body has none of the known forms", f"send a JSON object with one of: {', '.join(FORMS)}")
    value = content[form]
    try:
        if form == "dataframe_split":
            return pd.DataFrame(value["data"], columns=value.get("columns", features))
        if form == "inputs" and value and isinstance(value, list) and "datatype" in value[0]:
            return pd.DataFrame({tensor["name"]: tensor["data"] for tensor in value})
        records = value if isinstance(value, list) else [value]
        return pd.DataFrame(records, columns=None if records and isinstance(records[0], dict) else features)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{form} cannot be read as rows: {str(error)[:120]}", "see /openapi.json for its form"
        ) from error


def _check_types(frame: pd.DataFrame, loaded: LoadedModel) -> None:
    example = loaded.input_example
    for name in loaded.features:
        if example is not None and name in example.columns and not pd.api.types.is_numeric_dtype(example[name]):
            continue
        if pd.api.types.is_numeric_dtype(frame[name]):
            continue
        numeric = pd.to_numeric(frame[name], errors="coerce")
        wrong = frame.index[numeric.isna() & frame[name].notna()]
        if len(wrong):
            row = int(wrong[0])
            raise BadInput(
                f"column {name!r}, row {row}: expected a number, got {str(frame[name].iloc[row])[:60]!r}",
                "send numbers there",
                column=name,
                row=row,
            )
        frame[name] = numeric
