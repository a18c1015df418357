"""Clients that go away, and connections that fail behind the server: two things that look alike in Python."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from aiohttp import web

from pbhost import Route, hookimpl

from .conftest import Serve


class Connecting:
    """A route that reaches for another server, and one whose answer begins when its client has gone."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()

    @hookimpl
    def register_routes(self, app: object) -> list[Route]:
        async def refused(request: web.Request) -> object:
            raise ConnectionRefusedError(111, "nobody listens at 10.0.0.1")

        async def late(request: web.Request) -> web.StreamResponse:
            self.entered.set()
            await self.go_on.wait()
            response = web.StreamResponse()
            await response.prepare(request)
            return response

        return [Route("GET", "/api/refused", refused), Route("GET", "/api/late", late)]


async def test_a_connection_that_fails_behind_the_server_is_a_fault_like_any_other(serve: Serve) -> None:
    client = await serve(Connecting())
    status, body, headers = await client("GET", "/api/refused")
    assert (status, json.loads(body)["status"]) == (500, 500)
    assert b"10.0.0.1" not in body
    assert "X-Request-Id" in headers


async def test_a_client_that_goes_away_before_its_answer_begins_is_no_error(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = Connecting()
    client = await serve(plugin)
    port = int(client.server.url.rpartition(":")[2])
    with caplog.at_level(logging.WARNING):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/late HTTP/1.1\r\nHost: x\r\n\r\n")
        await plugin.entered.wait()
        writer.transport.abort()
        # The server has seen the end of the connection when it answers on another one.
        assert (await client("GET", "/api/nothing"))[0] == 404
        plugin.go_on.set()
        assert (await client("GET", "/api/nothing"))[0] == 404
    assert [record.getMessage() for record in caplog.records] == []
