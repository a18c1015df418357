"""A middleware that takes headers off a request."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from pbhost import App, Middleware, Route, hookimpl
from pbhost.http import OMITTED_HEADERS, context_of, read_body, without_headers
from pbhost.testing import Running, running_app


class Stripping:
    """Drops ``X-User``, and shows what is left."""

    @hookimpl
    def register_middlewares(self, app: App) -> list[Middleware]:
        async def strip(
            request: web.Request, following: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            return await following(without_headers(request, ["x-user"]))

        return [Middleware("strip", strip, priority=-5000)]

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        async def show(request: web.Request) -> web.Response:
            await read_body(request)
            context = context_of(request)
            request[OMITTED_HEADERS] = frozenset(("X-Frame-Options",))
            shown = {
                "raw": "X-User" in request.headers,
                "rules": context.headers.get("x_user"),
                "kept": context.headers.get("x_kept"),
                "identity": context.auth.id if context.auth is not None else "",
                "title": context.body.get("title"),
            }
            return web.json_response(shown)

        return [Route("POST", "/show", show)]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_app(tmp_path, Stripping()) as running:
        yield running


async def test_neither_handlers_nor_rules_see_it_and_all_else_goes_on(running: Running) -> None:
    record, token = await running.user()
    sent = {"X-User": "root", "x-kept": "1"}
    answer = await running.request("POST", "/show", {"title": "Hello"}, token=token, headers=sent)
    assert answer.body == {"raw": False, "rules": None, "kept": "1", "identity": record.id, "title": "Hello"}
    # What the handler leaves in its request counts for the answer.
    assert "X-Frame-Options" not in answer.headers
    form = aiohttp.FormData({"title": "Form"})
    form.add_field("file", io.BytesIO(b"x" * 3_000_000), filename="a.bin")
    posted = await running.request("POST", "/show", data=form, headers=sent)
    assert posted["title"] == "Form"


async def test_without_such_a_header_the_request_stays_what_it_was(running: Running) -> None:
    answer = await running.request("POST", "/show", {"title": "Hello"}, headers={"X_User": "root"})
    assert (answer["raw"], answer["rules"]) == (False, "root")


async def test_streams_and_sockets_open_as_well(running: Running) -> None:
    headers = {"X-User": "root"}
    async with running.session.get(f"{running.url}/api/realtime", headers=headers) as stream:
        assert (await stream.content.readline()).startswith(b"id:")
    async with running.session.ws_connect(f"{running.url}/api/realtime/ws", headers=headers) as socket:
        assert (await socket.receive_json())["type"] == "connect"
