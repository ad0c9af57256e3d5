"""Connections that ask nothing, never finish, or take no answer, over real sockets; the clock is the test's own."""

import asyncio
import contextlib

import pytest
import uvicorn

from jupyter_mlops.serving.patience import HEAD_WITHIN, Patience

HEAD = b"POST / HTTP/1.1\r\nhost: localhost\r\n"


async def _app(scope, receive, send):
    if scope["path"] == "/slow":
        await asyncio.sleep(60)
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextlib.asynccontextmanager
async def _serving(http: str):
    config = uvicorn.Config(_app, port=0, http=http, log_level="error", lifespan="off", timeout_keep_alive=3600)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1], server.server_state.connections
    server.force_exit = server.should_exit = True
    await task


async def _connected(port: int, sent: bytes, connections) -> asyncio.StreamReader:
    before = len(connections)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    reader.writer = writer  # kept, or the connection is closed with it
    while len(connections) == before:
        await asyncio.sleep(0.01)
    return reader


async def _closed(reader: asyncio.StreamReader) -> bool:
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), 5) is not None
    return True


@pytest.mark.parametrize("http", ["auto", "h11"])
def test_whoever_is_in_the_middle_of_no_request_is_let_go_of(http: str):
    async def run() -> None:
        async with _serving(http) as (port, connections):
            patience = Patience(whole=60)
            silent = await _connected(port, b"", connections)
            slow = await _connected(port, HEAD + b"x: ", connections)
            answered = await _connected(port, HEAD + b"content-length: 0\r\n\r\n", connections)
            busy = await _connected(port, b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n", connections)
            assert b"200 OK" in await answered.readline()
            while sum(one.cycle is not None for one in connections) < 2:
                await asyncio.sleep(0.01)
            assert patience.look(connections, now=0.0) == 0
            assert patience.look(connections, now=HEAD_WITHIN - 1) == 0
            answered.writer.write(HEAD + b"content-length: 0\r\n\r\n")  # one that asks again is met with new patience
            await answered.readuntil(b"ok")
            await answered.readuntil(b"ok")
            assert patience.look(connections, now=HEAD_WITHIN + 1) == 2
            assert await _closed(silent)
            assert await _closed(slow)
            assert patience.look(connections, now=59.0) == 1
            assert patience.look(connections, now=61.0) == 1
            assert await _closed(busy)

    asyncio.run(run())
