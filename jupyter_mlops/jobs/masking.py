"""A notebook without its secrets: what the masker finds in its texts, and values of parameters that are secrets."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_mlops.masking import MASK, mask, mask_code, mask_value

_SHORTEST = 6  # characters: a shorter value would be found everywhere


class Masked:
    """Each text is masked once however often the notebook is saved."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.parameters = {name: self._value(name, value) for name, value in given.items()}
        self.secret = {name for name, value in given.items() if self.parameters[name] is not value}
        hidden = [v for n, v in given.items() if n in self.secret and isinstance(v, str) and len(v) >= _SHORTEST]
        self._hidden = sorted({part for v in hidden for part in (v, repr(v)[1:-1])}, key=len, reverse=True)
        self._known: dict[Callable[[str], str], dict[str, str]] = defaultdict(dict)

    def __call__(self, node: Any) -> Any:
        """A copy of the notebook without secrets."""
        found = copy.deepcopy(node)
        for cell in found.cells:
            cell.source = self.code(cell.source) if cell.cell_type == "code" else self.text(cell.source)
            for output in cell.get("outputs", ()):
                self._output(output)
        if "parameters" in found.metadata.get("papermill", {}):
            found.metadata.papermill["parameters"] = {
                n: self.parameters[n] if n in self.secret else v  # as JSON has it, a date is a text
                for n, v in found.metadata.papermill["parameters"].items()
            }
        return found

    def text(self, text: str) -> str:
        return self._masked(text, mask)

    def code(self, text: str) -> str:
        """The same of a cell's source, where a secret is known by where it stands, too."""
        return self._masked(text, mask_code)

    def _masked(self, text: str, masker: Callable[[str], str]) -> str:
        known = self._known[masker]
        if text not in known:
            masked = text
            for secret in self._hidden:
                masked = masked.replace(secret, MASK)
            known[text] = masker(masked)
        return known[text]

    def _value(self, name: str, value: Any) -> Any:
        """As it may be written down: itself where nothing in it is a secret."""
        text = value if isinstance(value, str) else str(value)
        masked = mask_value(name, text)
        return value if masked == text else masked

    def _output(self, output: Any) -> None:
        for key in ("text", "evalue"):
            if isinstance(output.get(key), str):
                output[key] = self.text(output[key])
        if "traceback" in output:
            output["traceback"] = [self.text(line) for line in output["traceback"]]
        for mime, value in output.get("data", {}).items():
            if isinstance(value, str) and (mime.startswith("text/") or mime.endswith("json")):
                output["data"][mime] = self.text(value)
