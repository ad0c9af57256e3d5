"""Rows from files that people name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from jupyter_mlops.errors import BadInput


def read_rows(path: Path) -> pd.DataFrame:
    """A Parquet or CSV file as a frame; what is missing or unreadable is named."""
    if not path.is_file():
        raise BadInput(f"there is no file {path}", "check the path, or prepare the data first", path=str(path))
    try:
        return pd.read_csv(path) if path.suffix in (".csv", ".gz") else pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {str(error)[:200]}", "give a Parquet or CSV file") from error
