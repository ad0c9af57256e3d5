"""What turns text into code is in a few reviewed places, read from the source itself: a new one must be put here knowingly."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Each with its reason beside the line; none reads what somebody else wrote.
REVIEWED = {
    "flows/detaching.py": {"pickle.loads"},  # from the parent process, over a pipe
    "jobs/given.py": {"yaml.load"},  # a SafeLoader
    "serving/convert.py": {"pickle.load"},  # from the server that started it, over a pipe
    "serving/shelved.py": {"pickle.loads"},  # its own bytes, in a file without a name
    "tracking/capturing.py": {"eval"},  # what the person typed after --metric
}
WORDS = {"eval", "exec", "pickle.load", "pickle.loads", "cloudpickle.load", "cloudpickle.loads", "joblib.load"}
WORDS |= {"yaml.load", "yaml.unsafe_load", "os.system", "os.popen", "marshal.loads", "shelve.open"}


def _calls(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            found |= {name} & WORDS
            if any(k.arg == "shell" and ast.unparse(k.value) != "False" for k in node.keywords):
                found.add("shell=")
    return found


def test_no_text_becomes_code_outside_of_named_files():
    found = {}
    for file in sorted((ROOT / "jupyter_mlops").rglob("*.py")):
        calls = _calls(ast.parse(file.read_text(encoding="utf-8")))
        if calls:
            found[str(file.relative_to(ROOT / "jupyter_mlops"))] = calls
    assert found == REVIEWED


@pytest.mark.parametrize(
    "text", ["eval(x)", "pickle.loads(b)", "run(c, shell=True)", "yaml.load(t, L)", "os.system('x')"]
)
def test_each_way_is_seen(text: str):
    assert _calls(ast.parse(text))


def test_no_panel_makes_markup_of_text():
    """React escapes what it shows; these words are the ways round it. A notebook's outputs go through JupyterLab's own
    renderers, which hold back what is not trusted."""
    ways = re.compile(
        r"innerHTML|outerHTML|dangerouslySet|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"
    )
    files = [f for f in (ROOT / "labextension" / "src").rglob("*.ts*") if ways.search(f.read_text(encoding="utf-8"))]
    assert files == []
    trusting = [
        f.name
        for f in (ROOT / "labextension" / "src").rglob("*.ts*")
        if re.search(r"trusted: *true|\bdraw\(.*\btrue\)", f.read_text(encoding="utf-8"))
    ]
    assert trusting == []
