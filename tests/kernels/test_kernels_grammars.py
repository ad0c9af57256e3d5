"""Who reads notebooks does not pay for a checker of addresses; who asks for one gets its own answers."""

from __future__ import annotations

import subprocess
import sys

ASKED = """
import sys
import jupyter_mlops.jobs
import nbformat, jsonschema
assert not any(getattr(module, "dtype", None) for name, module in sys.modules.items() if name.startswith("rfc"))
assert "lark" not in sys.modules, "the grammars were compiled"
checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
answers = [checker.conforms(word, "iri") for word in ("https://é.example/a?b", "no address", "http://[::1")]
assert "lark" in sys.modules
import rfc3987_syntax
assert answers == [rfc3987_syntax.is_valid_syntax("iri", w) for w in ("https://é.example/a?b", "no address", "http://[::1")]
assert rfc3987_syntax.is_valid_syntax_iri("https://é.example")
print(answers)
"""
OTHERS = """
import jupyter_mlops.jobs
from rfc3987_syntax import is_valid_syntax_iri as valid
import rfc3987_syntax.utils
print(valid('a:b'))
"""


def _said(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_they_are_compiled_when_somebody_asks():
    assert _said(ASKED) == "[True, False, False]"
    assert _said(OTHERS) == "True"
