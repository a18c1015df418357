"""What a client sees of the kernel: every step of the pipeline through a real socket."""

from __future__ import annotations

import asyncio
import json

import orjson
import pytest
from aiohttp import web

from pbhost import (
    BadRequestError,
    Middleware,
    Route,
    Skip,
    hookimpl,
)
from pbhost.errors import JSON
from pbhost.http import context_of

from .conftest import Serve
from .demo import DEFAULT, Demo, Services


async def test_what_a_handler_may_return(serve: Serve) -> None:
    client = await serve(Demo())
    status, body, headers = await client("GET", "/api/data")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert body.endswith(b"\n")
    assert json.loads(body)["items"] == [{"id": "a", "n": 5}]
    assert b"5.0" not in body
    assert (await client("GET", "/api/nothing"))[:2] == (204, b"")
    assert (await client("GET", "/api/bytes"))[1] == b'{"a":1,"b":{"c":2,"d":3}}\n'
    status, body, headers = await client("GET", "/api/response")
    assert (status, body, headers["X-Own"]) == (200, b"plain", "1")


async def test_head_has_the_headers_of_get_and_no_body(serve: Serve) -> None:
    client = await serve(Demo())
    status, body, headers = await client("HEAD", "/api/bytes")
    assert (status, body, headers["Content-Length"]) == (200, b"", "26")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/data?fields=id", {"items": [{"id": "a"}], "page": 1, "perPage": 30, "totalItems": 1, "totalPages": 1}),
        ("/api/bytes?fields=b.c", {"b": {"c": 2}}),
        ("/api/picked?fields=nothing", {"picked": True}),
        ("/api/error/field?fields=status", None),
    ],
)
async def test_fields_pick_from_successful_answers_only(serve: Serve, path: str, expected: JSON) -> None:
    client = await serve(Demo())
    answer = await client.json("GET", path)
    if expected is None:
        assert set(answer) == {"data", "message", "status"}  # type: ignore[call-overload]
    else:
        assert answer == expected


async def test_an_invalid_fields_modifier_gives_an_empty_200(serve: Serve) -> None:
    client = await serve(Demo())
    assert (await client("GET", "/api/data?fields=id:nope"))[:2] == (200, b"")


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        (
            "field",
            400,
            {
                "data": {"title": {"code": "validation_required", "message": "Cannot be blank."}},
                "message": "Failed to create record.",
                "status": 400,
            },
        ),
        ("forbidden", 403, {"data": {}, "message": "Nope.", "status": 403}),
        ("missing", 404, {"data": {}, "message": "The requested resource wasn't found.", "status": 404}),
        ("file", 404, {"data": {}, "message": "The requested resource wasn't found.", "status": 404}),
        ("http", 404, {"data": {}, "message": "The requested resource wasn't found.", "status": 404}),
        ("database", 400, DEFAULT),
        ("bug", 500, DEFAULT | {"status": 500}),
    ],
)
async def test_errors_have_one_form_and_tell_nothing_of_the_inside(
    serve: Serve, kind: str, status: int, expected: JSON
) -> None:
    client = await serve(Demo())
    answered, body, headers = await client("GET", f"/api/error/{kind}")
    assert (answered, json.loads(body)) == (status, expected)
    assert ("X-Request-Id" in headers) == (status == 500)
    assert headers["X-Frame-Options"] == "SAMEORIGIN"


async def test_the_log_has_the_id_of_a_fault(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    client = await serve(Demo())
    _, _, headers = await client("GET", "/api/error/bug")
    assert headers["X-Request-Id"] in caplog.text
    assert "traceback material" in caplog.text


async def test_redirects_of_handlers_pass(serve: Serve) -> None:
    client = await serve(Demo())
    status, _, headers = await client("GET", "/api/error/redirect")
    assert (status, headers["Location"]) == (302, "/elsewhere")


@pytest.mark.parametrize(
    ("path", "location"),
    [("/api//data?x=1", "/api/data?x=1"), ("/api/../api/data", "/api/data"), ("//evil.example", "/evil.example")],
)
async def test_unclean_paths_are_redirected(serve: Serve, path: str, location: str) -> None:
    client = await serve(Demo())
    reader, writer = await asyncio.open_connection("127.0.0.1", int(client.server.url.rsplit(":", 1)[1]))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    assert answer.startswith("HTTP/1.1 307 ")
    assert f"\r\nLocation: {location}\r\n" in answer


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/data/"), ("GET", "/API/data"), ("POST", "/api/data"), ("PUT", "/x")]
)
async def test_what_does_not_match_is_404(serve: Serve, method: str, path: str) -> None:
    client = await serve(Demo())
    assert (await client(method, path))[0] == 404


async def test_a_preflight_is_answered_before_everything_else(serve: Serve) -> None:
    services = Services()
    client = await serve(Demo(), services)
    headers = {"Origin": "http://a.b", "Access-Control-Request-Headers": "X-Y"}
    status, body, answered = await client("OPTIONS", "/anything/at/all", headers=headers)
    assert (status, body) == (204, b"")
    assert answered["Access-Control-Allow-Origin"] == "*"
    assert answered["Access-Control-Allow-Headers"] == "X-Y"
    assert (await client("OPTIONS", "/api/data"))[0] == 204
    assert services.logs.requests == []
    assert services.limiter.seen == []


@pytest.mark.parametrize("path", ["/api/data", "/api/response", "/api/error/missing", "/api/nothing", "/nowhere"])
async def test_every_answer_has_the_edge_headers_once(serve: Serve, path: str) -> None:
    client = await serve(Demo(), origins=("http://a.b",))
    _, _, headers = await client("GET", path, headers={"Origin": "http://a.b"})
    for name, value in {
        "Access-Control-Allow-Origin": "http://a.b",
        "X-XSS-Protection": "1; mode=block",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "Vary": "Origin",
    }.items():
        assert headers.getall(name) == [value]  # type: ignore[union-attr]
    _, _, headers = await client("GET", path, headers={"Origin": "http://evil"})
    assert "Access-Control-Allow-Origin" not in headers


class Extension:
    """What a plugin may put around requests."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    @hookimpl
    def register_routes(self, app: object) -> list[Route]:
        async def replaced(request: web.Request) -> object:
            return {"replaced": True}

        return [Route("GET", "/api/nothing", replaced)]

    @hookimpl
    def register_middlewares(self, app: object) -> list[Middleware]:
        def step(name: str) -> object:
            async def call(request: web.Request, following: object) -> web.StreamResponse:
                context = context_of(request)
                self.calls.append(f"{name} {context.auth is not None}")
                response = await following(request)  # type: ignore[operator]
                response.headers[f"X-{name}"] = "1"
                return response  # type: ignore[no-any-return]

            return call

        return [
            Middleware("inner", step("inner")),  # type: ignore[arg-type]
            Middleware("outer", step("outer"), priority=-2000),  # type: ignore[arg-type]
            Middleware("middle", step("middle"), priority=-1001),  # type: ignore[arg-type]
        ]

    @hookimpl
    async def on_request(self, event: object) -> None:
        request = event.request  # type: ignore[attr-defined]
        if "refuse" in request.query:
            raise BadRequestError("refused by a hook")
        if "skip" in request.query:
            raise Skip({"skipped": True})
        if "own" in request.query:
            event.response = web.json_response({"own": True})  # type: ignore[attr-defined]
        if "bug" in request.query:
            raise KeyError("bug in a hook")


async def test_middlewares_stand_where_their_priority_puts_them(serve: Serve) -> None:
    extension = Extension()
    client = await serve(Demo(), Services(), extension)
    _, body, headers = await client("GET", "/api/data", headers={"Authorization": "users/u1"})
    assert extension.calls == ["outer False", "middle True", "inner True"]
    assert [headers[f"X-{name}"] for name in ("inner", "middle", "outer")] == ["1", "1", "1"]
    assert orjson.loads(body)["page"] == 1
    assert headers.getall("X-Frame-Options") == ["SAMEORIGIN"]  # type: ignore[union-attr]


async def test_a_hook_can_refuse_replace_or_skip_a_request(serve: Serve) -> None:
    client = await serve(Demo(), Extension())
    assert (await client.json("GET", "/api/data?refuse"))["message"] == "Refused by a hook."  # type: ignore[index,call-overload]
    assert await client.json("GET", "/api/data?skip") == {"skipped": True}
    assert await client.json("GET", "/api/data?own") == {"own": True}
    status, body, _ = await client("GET", "/api/data?bug")
    assert (status, json.loads(body)["message"]) == (500, DEFAULT["message"])


async def test_a_later_plugins_route_replaces_an_earlier_one(serve: Serve) -> None:
    client = await serve(Demo(), Extension())
    assert await client.json("GET", "/api/nothing") == {"replaced": True}


async def test_plugins_are_listed_with_their_hooks_and_times(serve: Serve) -> None:
    client = await serve(Demo(), Services(), Extension())
    await client("GET", "/api/data")
    listed = await client.json("GET", "/api/plugins", headers={"Authorization": "_superusers/s"})
    by_name = {plugin["name"]: plugin for plugin in listed["plugins"]}  # type: ignore[index,call-overload]
    assert by_name["services"]["services"] == ["collections", "settings", "auth", "logs", "rate_limiter"]
    hook = next(hook for hook in by_name["extension"]["hooks"] if hook["hook"] == "on_request")
    assert (hook["order"], hook["failures"]) == (1, 0)
    assert hook["calls"] >= 1


async def test_requests_that_run_at_shutdown_are_finished(serve: Serve) -> None:
    entered = asyncio.Event()

    class Slow:
        @hookimpl
        def register_routes(self, app: object) -> list[Route]:
            async def slow(request: web.Request) -> object:
                entered.set()
                await asyncio.sleep(0.2)
                return {"done": True}

            return [Route("GET", "/slow", slow)]

    client = await serve(Slow())
    running = asyncio.create_task(client.json("GET", "/slow"))
    await entered.wait()
    await client.server.stop()
    assert await running == {"done": True}
