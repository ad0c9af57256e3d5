"""What no route does, whatever is sent: give a file, call an address, answer with a page, or let another page listen in."""

import http.client
import json
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from conftest import TOKEN, Server

from jupyter_mlops.lab.route import Route
from jupyter_mlops.lab.routes import ROUTES

MARK = "only-outside-of-the-project"
# One file outside, in the forms that went through some server once; `{}` is its path.
FORMS = [
    "../outside.ipynb",
    "%2e%2e%2foutside.ipynb",
    "%252e%252e%252foutside.ipynb",
    "..%5coutside.ipynb",
    "..\\outside.ipynb",
    "x/../../outside.ipynb",
    "{}",
    "/{}",
    "file://{}",
    "FILE:{}",
    "../outside.ipynb\0",
    "..;/outside.ipynb",
    "link.ipynb",
]


def _texts(route: Route) -> list[str]:
    return [name for name, kind in route.takes.items() if kind.startswith("string")]


def _sent(server: Server, route: Route, words: dict[str, object], **more: object) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of a route's answer, each word where it belongs: in the path, the query or the body."""
    path, query = route.path, {}
    for name, value in words.items():
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        else:
            query[name] = value
    url = f"{server.url}/jupyter-mlops/{path}"
    body = json.dumps(query | more).encode() if route.method == "POST" else None
    url += f"?{urllib.parse.urlencode(query | more)}" if route.method == "GET" and query | more else ""
    request = urllib.request.Request(url, body, {"Authorization": f"token {TOKEN}"}, method=route.method)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


def _plain(route: Route) -> dict[str, object]:
    """Words of the right kind that are about nothing."""
    return {
        name: 99 if kind.startswith("integer") else "nothing" for name, kind in route.takes.items() if "?" not in kind
    }


@pytest.mark.parametrize("route", [r for r in ROUTES if _texts(r)], ids=lambda r: f"{r.method} {r.path}")
def test_no_byte_of_a_file_outside_leaves(server: Server, route: Route):
    outside, link = server.root.parent / "outside.ipynb", server.root / "link.ipynb"
    cell = {"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "source": MARK, "outputs": []}
    outside.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    if not link.is_symlink():
        link.symlink_to(outside)
    try:
        for name in _texts(route):
            for form in FORMS:
                status, text, _ = _sent(server, route, _plain(route) | {name: form.format(outside)})
                assert 400 <= status < 500, (name, form, status, text)
                assert MARK not in text
    finally:
        link.unlink()


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        found.setblocking(False)
        yield found


def test_no_route_calls_an_address_it_is_given(server: Server, ear: socket.socket):
    """Each word, and words that a route might take one day, are addresses of ours: nobody may call there."""
    address = f"http://127.0.0.1:{ear.getsockname()[1]}/x"
    extra = dict.fromkeys(("tracking", "tracking_uri", "storage", "notify", "url", "webhook", "cluster"), address)
    for route in ROUTES:
        _sent(server, route, _plain(route) | dict.fromkeys(_texts(route), address), **extra)
    with pytest.raises(BlockingIOError):
        ear.accept()


@pytest.mark.parametrize("route", [r for r in ROUTES if r.method == "GET"], ids=lambda r: r.path)
def test_an_answer_is_data_that_no_browser_shows_as_a_page(server: Server, route: Route):
    _, text, headers = _sent(server, route, _plain(route) | dict.fromkeys(_texts(route), "<svg onload=alert(1)>"))
    json.loads(text)
    assert headers["Content-Type"].split(";")[0] == "application/json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"token {TOKEN}"}, 101),
        ({}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_changes_are_told_to_our_own_pages_only(server: Server, headers: dict[str, str], status: int):
    """The one socket that our panels hear changes on is Jupyter's; a browser sends its cookie there from any page."""
    cookie = {} if "Authorization" in headers else {"Cookie": _cookie(server)} if headers else {}
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    asked |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **headers, **cookie}
    connection.request("GET", "/api/events/subscribe", headers=asked)
    assert connection.getresponse().status == status
    connection.close()


def _cookie(server: Server) -> str:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.request("GET", f"/?token={TOKEN}")
    found = [value.partition(";")[0] for name, value in connection.getresponse().getheaders() if name == "Set-Cookie"]
    connection.close()
    return "; ".join(found)
