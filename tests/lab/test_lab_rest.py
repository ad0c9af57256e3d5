"""Every route: who may, what is refused in which words, and that the server answers others meanwhile."""

import http.cookiejar
import re
import threading
import urllib.request
from dataclasses import dataclass

import pytest
from conftest import TOKEN, Server
from jupyter_server.auth import IdentityProvider
from jupyter_server.auth.identity import User

from jupyter_mlops import config
from jupyter_mlops.lab.handlers import RouteHandler
from jupyter_mlops.lab.openapi import document
from jupyter_mlops.lab.routes import ROUTES


def _filled(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda found: "1" if found[1] in ("version", "id") else "loan", path)


EVERY = [(route.method, _filled(route.path)) for route in ROUTES] + [("GET", "openapi.json")]


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_nobody_is_answered_without_credentials(server: Server, method: str, path: str):
    assert server.ask(method, path, Accept="application/json")[0] == 403


@pytest.fixture(scope="module")
def cookie(server: Server) -> str:
    """What a browser has once it was let in; without the token of its forms."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.open(f"{server.url}/?token={TOKEN}", timeout=60).close()
    return "; ".join(f"{c.name}={c.value}" for c in jar)


@pytest.mark.parametrize("path", [path for method, path in EVERY if method == "POST"])
def test_a_cookie_alone_changes_nothing(server: Server, cookie: str, path: str):
    assert server.ask("GET", "status", Cookie=cookie)[0] == 200
    assert server.ask("POST", path, Cookie=cookie)[0] == 403


@pytest.mark.parametrize("path", [path for method, path in EVERY if method == "GET" and ("POST", path) not in EVERY])
def test_what_only_answers_takes_no_orders(server: Server, path: str):
    assert server.ask("POST", path)[0] == 405


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("models/loan/promote", {"version": 2}, 400, "reason is missing"),
        ("models/loan/promote", {"version": 2, "reason": "  "}, 400, "reason is empty"),
        ("models/loan/promote", {"version": True, "reason": "x"}, 400, "version=True is not a whole number"),
        ("models/loan/promote", {"version": "1_0", "reason": "x"}, 400, "not a whole number"),
        ("models/loan/promote", {"version": 9, "reason": "x"}, 404, "unknown version of loan"),
        ("models/lone/rollback", {"reason": "x"}, 404, "did you mean 'loan'?"),
        ("models/loan/say", {"version": 2, "decision": "aprove", "reason": "x"}, 400, "did you mean 'approve'?"),
        ("models/loan/say", b"{", 400, "not JSON"),
        ("models/loan/say", [1], 400, "not an object"),
        ("alerts/one/acknowledge", {}, 400, "not a whole number"),
        ("alerts/99/acknowledge", {}, 404, "no alert 99"),
        ("alerts/99/resolve", {"reason": "x"}, 404, "no alert 99"),
        ("alerts/1/resolve", {}, 400, "reason is missing"),
        ("silences", {"name": "lone", "period": "8h", "reason": "x"}, 400, "did you mean 'loan'?"),
        ("silences", {"name": "loan", "period": "soon", "reason": "x"}, 400, "90m, 8h or 2d"),
        ("form", {"notebook": "none.ipynb"}, 400, "no notebook"),
        ("form", {"notebook": "../../etc/hosts"}, 400, "outside"),
        ("form", {"notebook": "mlops.yaml"}, 400, "not a notebook"),
        ("form", {"notebook": "train.ipynb", "parameters": "rate=1"}, 400, "not an object"),
        ("form", {"notebook": "train.ipynb", "parameters": {"rate": 1}}, 400, "not text"),
        ("jobs", {"notebook": "train.ipynb", "force": "yes"}, 400, "neither true nor false"),
        ("jobs/zzzz/cancel", {}, 404, "zzzz"),
        ("models/none/train", {}, 400, "unknown model"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(server: Server, path: str, body: object, status: int, words: str):
    found, error = server.refused(path, body)
    assert (found, words in f"{error['message']}; {error['fix']}") == (status, True), error


def test_others_are_answered_while_a_version_is_judged(server: Server):
    judging = threading.Thread(target=server.post, args=("models/loan/versions/1/validate",))
    judging.start()
    answered = 0
    while judging.is_alive():
        assert server.ask("GET", "status")[0] == 200
        answered += judging.is_alive()
    judging.join()
    assert answered > 0


def test_the_document_names_every_route_and_word():
    paths = document()["paths"]
    for route in ROUTES:
        operation = paths[f"/jupyter-mlops/{route.path}"][route.method.lower()]
        told = {p["name"] for p in operation["parameters"]}
        if route.method == "POST":
            told |= operation["requestBody"]["content"]["application/json"]["schema"]["properties"].keys()
        assert told == route.takes.keys()


def test_who_only_has_the_token_is_the_one_who_runs_the_server():
    class Company(IdentityProvider):
        """Any log-in that vouches for a name."""

    @dataclass
    class Asked:
        identity_provider: IdentityProvider
        current_user: User

    made_up = User(username="9f3c", name="Anonymous Io")
    assert RouteHandler._who(Asked(IdentityProvider(), made_up)) == {"actor": config.actor(), "source": "os"}
    assert RouteHandler._who(Asked(Company(), User(username="vera"))) == {"actor": "vera", "source": "jupyter"}
