"""A model that had to give way, put where reading it again takes milliseconds: its own loader takes half a second for a forest.

This and `convert` are the places that read a pickle, and only their own. Here the file has no name, the process that wrote it is
the one that reads it, and its digest stayed in memory. The model was checked when it was loaded; nothing from outside comes in.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any


class Shelved:
    """One fitted model on disk until this is let go of. Raises OSError, or whatever pickling raises, when it cannot be kept.

    Arrays lie beside the pickle, as they are in memory: they are looked at where they lie, and not read twice.
    """

    def __init__(self, model: Any, folder: Path | None) -> None:
        arrays: list[pickle.PickleBuffer] = []
        parts = [memoryview(pickle.dumps(model, protocol=5, buffer_callback=arrays.append))]
        parts += [array.raw() for array in arrays]
        self._sizes = [part.nbytes for part in parts]
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (it lives as long as this)
        digest = hashlib.sha256()
        for part in parts:
            self._file.write(part)
            digest.update(part)
        self._file.flush()
        self._digest = digest.digest()

    def take(self) -> Any:
        """The model. OSError when the file is not what was written."""
        if os.fstat(self._file.fileno()).st_size < sum(self._sizes):
            raise OSError("a shelved model is shorter than what was written")
        content = memoryview(mmap.mmap(self._file.fileno(), sum(self._sizes), access=mmap.ACCESS_COPY))
        if hashlib.sha256(content).digest() != self._digest:
            raise OSError("a shelved model is not what was written")
        parts, at = [], 0
        for size in self._sizes:
            parts.append(content[at : at + size])
            at += size
        return pickle.loads(parts[0], buffers=parts[1:])  # noqa: S301  (its own bytes, see above)
