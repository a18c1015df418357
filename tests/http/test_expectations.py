"""``Expect: 100-continue``: the client is told to send the body before the handler reads it; others are refused."""

import asyncio
from urllib.parse import urlsplit

from .conftest import Serve
from .demo import Demo


async def test_a_client_that_waits_for_leave_is_told_to_go_on(serve: Serve) -> None:
    client = await serve(Demo())
    address = urlsplit(client.server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = b"POST /api/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
    writer.write(head + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n")
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b'{"a":"b"}')
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"a":"b"' in answer


async def test_other_expectations_are_refused(serve: Serve) -> None:
    client = await serve(Demo())
    status = (await client("GET", "/api/data", headers={"Expect": "the impossible"}))[0]
    assert status == 417
