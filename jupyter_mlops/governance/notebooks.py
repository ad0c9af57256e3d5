"""Executed cells as a notebook that anybody can open and run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def as_notebook(cells: Sequence[str]) -> str:
    """The cells in their order, without outputs, as nbformat 4.5; the same cells give the same text."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{n}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for n, source in enumerate(cells, 1)
    ]
    node = {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(node, indent=1, ensure_ascii=False) + "\n"
