"""A slice run alone gives what the whole session gave, and holds no more than it must."""

import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.tracking import chance
from jupyter_mlops.tracking.acting import may_act
from jupyter_mlops.tracking.analysis import names_of
from jupyter_mlops.tracking.effects import FILES, WORLD
from jupyter_mlops.tracking.sharing import Sharing
from jupyter_mlops.tracking.slicing import History

BEGIN = ["import random\na = [1]", "b = [2]", "c = [3]", "d = [4]\ndef f(z=None): return z\nbox = {'k': [0]}"]
NAMES = "abcd"
NOTHING_DRAWN = dict.fromkeys(chance.SHARED, False)
ONE, TWO, NUMBER = st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 9)
PATTERNS = [
    "{x} = [{n}]",
    "{x} = {y} + [1]",
    "{x} = {y}",
    "{x} = {y}[:2]",
    "{x}.append({n})",
    "{x} += {y}[:1]",
    "{x}[0] = {n}",
    "if len({x}) > 2:\n    {y} = []",
    "if len({x}) > 2:\n    {y} = {x}\n{y}.append(1)",
    "for i in {x}:\n    {y} = [i]",
    "while len({x}) < 2:\n    {x}.append(7)",
    "try:\n    {x} = [1 // (len({y}) - 1)]\nexcept ZeroDivisionError:\n    {x} = {y}",
    "def f(z=None):\n    {x}.append(5)\n    return {y}",
    "def f(z=None):\n    global {x}\n    {x} = [{n}]\n    return z",
    "f()",
    "{x} = f({y})",
    "{x} = f({y}) or [0]",
    "box = dict(k={x})",
    "box = {{'k': {x}, 'l': {y}}}",
    "box['k'].append({n})",
    "box['k'] = {x}",
    "{x} = box['k']",
    "{x} = [*{y}, *(i for i in {x})]",
    "{x}, {y} = {y}, {x}",
    "with __import__('contextlib').nullcontext({x}) as {y}: pass",
    "{x} = ({y} if len({y}) > 1 else [0])",
    "({x} if len({x}) > 1 else {y}).append(3)",
    "if (e := {x}): e.append({n})",
    "del {x}\n{x} = [{n}]",
    "{x} = [{n}]\n1 / 0",
    "{x}.append({n})\n1 / 0",
    "match {x}:\n    case [{y}, *_]: {y} = [{y}] if isinstance({y}, int) else {y}",
    "{x} = list(map(lambda i: i, {y}))",
    "class K:\n    held = {x}\nK.held.append({n})",
    "{x} = [random.randint(0, 99)]",
    "random.random()",
    "random.seed({n})",
    "if len({x}) > 1:\n    random.seed({n})",
    "random.shuffle({x})",
    "def f(z=None):\n    return [random.randint(0, 99), *{x}]",
    "{x} = [hidden()]",
]
CELL = st.builds(lambda p, x, y, n: p.format(x=x, y=y, n=n), st.sampled_from(PATTERNS), ONE, TWO, NUMBER)


def _fresh() -> dict[str, Any]:
    """A session's variables; `hidden` draws as a library does, which no text of a cell tells."""
    random.seed(0)
    return {"__name__": "__main__", "hidden": random.random}


def _run(cell: str, namespace: dict[str, Any]) -> bool:
    try:
        exec(cell, namespace)
    except Exception:  # noqa: BLE001  # any error a cell may have
        return False
    return True


@settings(max_examples=250, deadline=None)
@given(st.lists(CELL, max_size=12))
def test_a_slice_alone_gives_what_the_whole_session_gave(cells: list[str]):
    history, whole = History(), _fresh()
    for cell in [*BEGIN, *cells]:
        before = chance.states()
        ok = _run(cell, whole)
        history.add(cell, cell, ok, whole, drew=chance.drawn(before))
    for name in NAMES:
        alone = _fresh()
        for index in history.slice(f"x = {name}", NOTHING_DRAWN):
            _run(history.cells[index].python, alone)
        assert alone.get(name) == whole.get(name), (name, history.slice(f"x = {name}"))


def _slice(cells: list[str], last: str) -> list[str]:
    history, namespace = History(), {"__name__": "__main__"}
    for cell in cells:
        history.add(cell, cell, _run(cell, namespace), namespace)
    return [history.cells[i].source for i in history.slice(last)]


LOOK = [
    "import pandas as pd\nimport numpy as np",
    "df = pd.DataFrame({'a': [1, 2, 3]})",
    "df.head()",
    "df.describe()\nprint(df.a.mean())",
    "np.log(df.a)",
    "other = 5\nother += 1",
    "df2 = df[df.a > 1].copy()",
    "df2['b'] = 1",
]


def test_looking_at_data_is_not_part_of_its_making():
    assert _slice(LOOK, "df.sum()") == LOOK[:2]


def test_what_is_changed_in_place_is():
    assert _slice([*LOOK, "df.insert(0, 'z', 1)"], "df") == [*LOOK[:2], "df.insert(0, 'z', 1)"]
    assert _slice([*LOOK, "df.drop(columns='a', inplace=True)"], "df")[-1] == "df.drop(columns='a', inplace=True)"


def test_what_a_function_of_the_session_gives_back_may_be_what_it_holds_an_imported_ones_not():
    cells = ["held = []\ndef ask(): return held", "a = ask()", "a.append(1)"]
    assert _slice(cells, "held") == [cells[0], cells[1], cells[2]]
    cells = ["from copy import copy\na = copy([1])\nb = copy([2])", "b.append(3)"]
    assert _slice(cells, "a") == cells[:1]


def test_only_the_binding_that_holds_is_kept():
    assert _slice(["a = 1", "a = 2", "b = a", "a = 3"], "b") == ["a = 2", "b = a"]


def test_a_constant_that_was_passed_around_was_not_changed():
    assert _slice(["seed = 1", "import random\nr = random.Random(seed)", "r.random()"], "seed") == ["seed = 1"]


@pytest.mark.parametrize(
    ("cell", "reach"),
    [
        ("import numpy as np\nnp.random.seed(1)", chance.NUMPY),
        ("import numpy as np\nnp.random.shuffle([1])", chance.NUMPY),
        ("from random import seed\nseed(1)", chance.PYTHON),
        ("import torch as t\nt.manual_seed(1)", chance.TORCH),
        ("import os\nos.chdir('.')", WORLD),
        ("import os\nos.environ['A'] = 'b'", WORLD),
        ("import os\nos.environ.update(A='b')", WORLD),
        ("import sys\nsys.path.insert(0, 'x')", WORLD),
        ("get_ipython().run_line_magic('cd', 'x')", WORLD),
        ("get_ipython().run_cell_magic('writefile', 'm.py', 'x = 1')", WORLD),
        ("get_ipython().system('wget http://x/y.csv')", FILES),
        ("df.to_parquet('x')", FILES),
    ],
)
def test_what_no_name_holds_is_followed(cell: str, reach: str):
    assert reach in names_of(cell).mutates


@pytest.mark.parametrize(
    "cell",
    [
        "import numpy as np\nr = np.random.default_rng(0)\nr.normal()",
        "get_ipython().system('pip install x')",
        "get_ipython().run_line_magic('matplotlib', 'inline')",
        "get_ipython().run_cell_magic('html', '', '<b>x</b>')",
        "df.to_numpy()",
    ],
)
def test_what_reaches_nothing_is_not(cell: str):
    names = names_of(cell)
    assert not names.star
    assert not names.mutates & {WORLD, FILES}


def test_a_file_written_by_one_cell_and_read_by_another_ties_them():
    cells = ["rows = [1]", "import json\njson.dump(rows, open('/dev/null', 'w'))", "other = 1"]
    assert _slice(cells, "json.load(open('/dev/null'))") == cells[:2]


def test_magics_that_hold_python_are_read_and_those_nobody_knows_may_do_anything():
    assert names_of("get_ipython().run_line_magic('time', 'x = f(y)')").writes == {"x"}
    assert names_of("get_ipython().run_line_magic('timeit', '-n 10 -r3 f(y)')").reads == {"f", "y"}
    assert names_of("get_ipython().run_line_magic('timeit', 'f(-n)')").reads == {"f", "n"}
    timed = names_of("get_ipython().run_cell_magic('time', '', 'x = f(y)\\n')")
    assert (timed.settles, timed.star) == ({"x"}, False)
    repeated = names_of("get_ipython().run_cell_magic('timeit', '-n 10', 'x = f(y)\\nz.append(1)\\n')")
    assert (repeated.settles, repeated.mutates, repeated.star) == (set(), {"y", "z"}, False)
    held = names_of("get_ipython().run_cell_magic('capture', 'out', 'x = 1\\n')")
    assert (held.settles, held.star) == ({"out", "x"}, False)
    assert names_of("get_ipython().run_cell_magic('time', '', '!ls\\n')").star
    assert names_of("get_ipython().system('echo {first} $second')").reads == {"first", "second"}
    assert names_of("get_ipython().run_line_magic('nobodyknows', '')").star
    assert names_of("from os.path import *").star
    assert names_of("if").star


def test_a_function_reads_what_it_names_when_it_is_called():
    cells = ["def f(x):\n    return x * k", "k = 2", "unused = 3"]
    assert _slice(cells, "f(1)") == cells[:2]


def test_editing_a_cell_that_was_used_is_noticed():
    history = History()
    history.add("a = 1", "a = 1", True, place="one")
    history.add("b = a", "b = a", True, place="two")
    history.add("a = 2", "a = 2", True, place="one")
    assert history.edited_since(history.slice("b")) == [0]
    history.add("b = a", "b = a", True, place="two")
    assert history.edited_since(history.slice("b")) == []


def test_a_thousand_cells_are_sliced_in_under_50_ms():
    history, began = History(), time.process_time()
    history.add("v0 = [0]", "v0 = [0]", True)
    for i in range(1, 1000):
        cell = f"v{i} = v{i - 1}\nv{i}.append({i})\nprint(v{i // 2})"
        history.add(cell, cell, True)
    assert time.process_time() - began < 10  # 0.3; 40 where each name was tied to each other one
    began = time.process_time()
    assert len(history.slice("v999")) == 1000
    assert time.process_time() - began < 0.05
    assert history.slice("w") == []


@given(st.lists(st.tuples(ONE, TWO | st.none()), max_size=20))
def test_names_share_an_object_as_long_as_python_says_so(bindings: list[tuple[str, str | None]]):
    sharing, held = Sharing(), {name: object() for name in NAMES}
    for new, old in bindings:  # `new = old`, or `new = object()`
        held[new] = held[old] if old else object()
        sharing.bind([(new, old)] if old and new != old else [], {new} if new != old else ())
        for name in NAMES:
            assert sharing.of({name}) == {n for n in NAMES if held[n] is held[name]}


def test_names_that_change_places_bring_those_along_that_shared_with_them():
    sharing = Sharing()
    sharing.bind([("b", "a"), ("d", "c")], {"a", "b", "c", "d"})
    sharing.bind([("a", "c"), ("c", "a")], {"a", "c"})
    assert sharing.of({"a"}) == set("abcd")  # on the safe side: which was bound first is not known


def test_an_imported_class_is_not_changed_by_what_its_objects_do():
    from fractions import Fraction as Held

    cells = ["from fractions import Fraction as Held", "a = Held(1).limit_denominator(5)", "Held.own = 1"]
    history = History()
    for cell in cells[:2]:
        history.add(cell, cell, True, {"Held": Held})
    assert history.slice("Held(2)") == [0]
    history.add(cells[2], cells[2], True, {"Held": Held})
    assert history.slice("Held(2)") == [0, 2]


def test_a_cell_that_was_not_python_ran_nothing():
    history = History()
    history.add("x = 1", "x = 1", True)
    history.add("if x print", "if x print", False)
    assert history.slice("x") == [0]


def test_what_was_drawn_before_a_seed_is_not_repeated_and_what_was_after_is():
    cells = ["import random", "random.random()", "random.seed(3)", "a = random.random()", "b = 1"]
    assert _slice(cells, "random.random()") == [cells[0], *cells[2:4]]
    history, namespace = History(), {"__name__": "__main__"}
    for cell in cells:
        history.add(cell, cell, _run(cell, namespace), namespace)
    assert history.slice("b", NOTHING_DRAWN) == [4]


def test_what_a_library_draws_unseen_is_repeated():
    cells = ["import random\nrandom.seed(1)", "mixed = mix()", "other = 1"]
    history, namespace = History(), {"mix": random.random}
    for cell in cells:
        before = chance.states()
        history.add(cell, cell, _run(cell, namespace), namespace, drew=chance.drawn(before))
    assert history.slice("result = mix()") == [0, 1]
    assert history.slice("result = other", NOTHING_DRAWN) == [2]


def test_only_what_the_notebook_wrote_brings_its_names_along():
    import functools

    from sklearn.preprocessing import FunctionTransformer

    def mine(x):
        return x

    mine.__module__ = "__main__"
    assert all(may_act(v) for v in (mine, functools.partial(mine), {"a": [mine]}, FunctionTransformer(mine)))
    assert not any(may_act(v) for v in (3, "a", [1, {"b": 2}], functools.partial(len), FunctionTransformer(abs)))
