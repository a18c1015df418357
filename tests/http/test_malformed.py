"""What is no HTTP, or too much of it, is answered in the form of the API."""

import asyncio
from urllib.parse import urlsplit

import orjson
import pytest

from .conftest import Serve
from .demo import Demo

MALFORMED = {"data": {}, "message": "The request is malformed, or its address or a header is too long.", "status": 400}


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /api/data HTTP/1.1\r\nHost a\r\n\r\n",
        b"GET /api/data?x=%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 70_000),
        b"GET /api/data HTTP/1.1\r\nHost: a\r\nX-Long: %b\r\n\r\n" % (b"a" * 70_000),
        b"POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["garbage", "tls", "header", "long address", "long header", "negative length", "two lengths"],
)
async def test_malformed_requests_get_an_error_of_the_api(serve: Serve, sent: bytes) -> None:
    client = await serve(Demo())
    address = urlsplit(client.server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.split(b" ")[1] == b"400"
    assert b"application/json" in head
    assert b"nosniff" in head
    assert b"python" not in head.lower()
    assert orjson.loads(body) == MALFORMED
    assert (await client("GET", "/api/data"))[0] == 200
