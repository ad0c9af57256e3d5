"""A model that had to give way, put where reading it again takes milliseconds: its own loader takes half a second for a forest.

This is the one place that reads a pickle, and only its own: the file has no name, the process that wrote it is the one that
reads it, and its digest stayed in memory. The model was checked when it was loaded; nothing from outside comes in here.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any


class Shelved:
    """One fitted model on disk until this is let go of. Raises OSError, or whatever pickling raises, when it cannot be kept."""

    def __init__(self, model: Any, folder: Path | None) -> None:
        content = pickle.dumps(model, protocol=5)
        self._digest, self._size = hashlib.sha256(content).digest(), len(content)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (it lives as long as this)
        self._file.write(content)
        self._file.flush()

    def take(self) -> Any:
        """The model. OSError when the file is not what was written."""
        content = os.pread(self._file.fileno(), self._size, 0)
        if hashlib.sha256(content).digest() != self._digest:
            raise OSError("a shelved model is not what was written")
        return pickle.loads(content)  # noqa: S301  (its own bytes, see above)
