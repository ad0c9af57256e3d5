"""jupyter_mlops: MLOps without leaving the notebook.

Nothing heavy is imported here: every public name is looked up when it is first used.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
