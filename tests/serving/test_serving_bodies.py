"""Bodies that are whole, cut off, too large and too slow, as a server hands them over."""

import asyncio

import pytest

from jupyter_mlops.serving.bodies import Gone, Packed, TooLarge, TooSlow, read_body, unpacked, welcome


def _read(*messages, **limits) -> bytes:
    waiting = list(messages)

    async def receive():
        if not waiting:
            await asyncio.sleep(10)
        return waiting.pop(0)

    return asyncio.run(read_body(receive, **limits))


def _part(body: bytes, more: bool) -> dict:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_put_together():
    assert _read(_part(b"ab", False)) == b"ab"
    assert _read(_part(b"a", True), _part(b"b", True), _part(b"", False)) == b"ab"


def test_a_client_that_hangs_up_in_the_middle_made_no_request():
    with pytest.raises(Gone):
        _read(_part(b'{"instances": [[1]]}', True), {"type": "http.disconnect"})


def test_what_the_head_says_is_enough_to_be_refused():
    welcome("5", "100-continue", most=5)
    welcome("104857600", "", most=5)  # it is on its way, and is told when it is here
    with pytest.raises(TooLarge, match="larger than"):
        welcome("104857600", "100-continue", most=5)
    unpacked("identity")
    with pytest.raises(Packed, match="gzip"):
        unpacked("gzip")


def test_limits_of_size_and_time():
    with pytest.raises(TooLarge, match="larger than"):
        _read(_part(b"12345", True), _part(b"6", False), most=5)
    late = _part(b"6" * 80, True)
    with pytest.raises(TooLarge, match="larger than"):
        _read(late, most=5)  # whatever else comes is not waited for
    with pytest.raises(TooSlow, match="within"):
        _read(_part(b"1", True), within=0.05)
