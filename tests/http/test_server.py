"""What a client sees of the kernel: every step of the pipeline through a real socket."""

from __future__ import annotations

import asyncio
import io
import json
from types import SimpleNamespace

import aiohttp
import orjson
import pytest
from aiohttp import web

from pbhost import (
    BadRequestError,
    Collection,
    FieldError,
    ForbiddenError,
    Middleware,
    NotFoundError,
    Route,
    Skip,
    ValidationError,
    hookimpl,
)
from pbhost.errors import JSON, DatabaseError
from pbhost.http import context_of, encoded_answer, read_body
from pbhost.model import UploadedFile

from .conftest import FakeAuth, FakeLimiter, FakeLogs, Serve

DEFAULT = {"data": {}, "message": "Something went wrong while processing your request.", "status": 400}


class Demo:
    """Routes of every kind."""

    @hookimpl
    def register_routes(self, app: object) -> list[Route]:
        return [
            Route("GET", "/api/data", self.data),
            Route("GET", "/api/bytes", self.bytes),
            Route("GET", "/api/nothing", self.nothing),
            Route("GET", "/api/response", self.response),
            Route("GET", "/api/picked", self.picked),
            Route("GET", "/api/error/{kind}", self.error),
            Route("POST", "/api/echo", self.echo, body_limit=2000),
            Route("POST", "/api/dynamic", self.echo, body_limit=lambda request: int(request.query["limit"])),
            Route("GET", "/api/who", self.who),
            Route("GET", "/api/guest", self.who, guard="guest"),
            Route("GET", "/api/auth", self.who, guard="auth"),
            Route("GET", "/api/super", self.who, guard="superuser"),
            Route("GET", "/api/collections/{collection}/mine", self.who, guard="same_collection"),
            Route("GET", "/api/collections/{collection}/records", self.data, tags=("list",)),
            Route("GET", "/api/quiet", self.data, log_success=False),
        ]

    async def data(self, request: web.Request) -> object:
        return {"items": [{"id": "a", "n": 5.0}], "page": 1, "perPage": 30, "totalItems": 1, "totalPages": 1}

    async def bytes(self, request: web.Request) -> object:
        return b'{"a":1,"b":{"c":2,"d":3}}\n'

    async def nothing(self, request: web.Request) -> object:
        return None

    async def response(self, request: web.Request) -> object:
        return web.Response(text="plain", headers={"X-Own": "1"})

    async def picked(self, request: web.Request) -> object:
        return encoded_answer(b'{"picked":true}')

    async def error(self, request: web.Request) -> object:
        raise ERRORS[request.match_info["kind"]]

    async def echo(self, request: web.Request) -> object:
        def show(value: object) -> JSON:
            if isinstance(value, UploadedFile):
                with value.open() as file:
                    content = file.read()
                return {"file": value.original_name, "size": value.size, "start": content[:5].decode("latin-1")}
            return [show(item) for item in value] if isinstance(value, list) else value  # type: ignore[return-value]

        return {key: show(value) for key, value in (await read_body(request)).items()}

    async def who(self, request: web.Request) -> object:
        context = context_of(request)
        return {
            "auth": context.auth.collection.name if context.auth else "",
            "id": context.auth.id if context.auth else "",
            "token": context.token,
            "ip": context.ip,
            "header": context.headers.get("x_api_key", ""),
            "query": dict(context.query),
        }


ERRORS: dict[str, Exception] = {
    "field": ValidationError(
        {"title": FieldError("validation_required", "cannot be blank")}, "Failed to create record."
    ),
    "forbidden": ForbiddenError("nope", cause="because"),
    "missing": NotFoundError(),
    "file": FileNotFoundError("/secret/path"),
    "database": DatabaseError("SELECT secret FROM x"),
    "bug": RuntimeError("traceback material"),
    "http": web.HTTPNotFound(),
    "redirect": web.HTTPFound("/elsewhere"),
}


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


# -- bodies ------------------------------------------------------------------------------------------------------------


async def test_bodies_of_every_type(serve: Serve) -> None:
    client = await serve(Demo())
    assert await client.json("POST", "/api/echo", json={"a": 1}) == {"a": 1}
    assert await client.json("POST", "/api/echo?q=7", data={"a": "1", "b": "x"}) == {"a": 1, "b": "x", "q": 7}
    assert await client.json("POST", "/api/echo") == {}
    assert await client.json("POST", "/api/echo", headers={"Content-Type": "application/json"}) == {}
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("title", "true")
    form.add_field("@jsonPayload", '{"docs":["old.txt"],"n":"5"}')
    form.add_field("docs", b"hello world", filename="dir/new.txt")
    form.add_field("cover", b"image", filename="a/b.png")
    assert await client.json("POST", "/api/echo?q=1", data=form) == {
        "q": 1,
        "title": True,
        "n": "5",
        "docs": ["old.txt", {"file": "new.txt", "size": 11, "start": "hello"}],
        "cover": {"file": "b.png", "size": 5, "start": "image"},
    }


@pytest.mark.parametrize(
    ("content_type", "body", "status", "message"),
    [
        ("application/json", b"{", 400, DEFAULT["message"]),
        ("application/json", b"[1]", 400, DEFAULT["message"]),
        ("application/x-www-form-urlencoded", b"a=%zz", 400, DEFAULT["message"]),
        ("multipart/form-data", b"x", 400, DEFAULT["message"]),
        ("multipart/form-data; boundary=b", b"no boundary here", 400, DEFAULT["message"]),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\ncut",
            400,
            DEFAULT["message"],
        ),
        ("text/xml", b"<a/>", 400, DEFAULT["message"]),
        ("text/plain", b"a", 400, "Unsupported Content-Type."),
        ("Application/JSON", b"{}", 400, "Unsupported Content-Type."),
        ("application/json", b'{"a":"' + b"x" * 2000 + b'"}', 413, "Request entity too large."),
    ],
)
async def test_bodies_that_are_refused(serve: Serve, content_type: str, body: bytes, status: int, message: str) -> None:
    client = await serve(Demo())
    answered, text, _ = await client("POST", "/api/echo", data=body, headers={"Content-Type": content_type})
    assert (answered, json.loads(text)["message"]) == (status, message)


async def test_the_limit_counts_while_reading_when_no_length_is_declared(serve: Serve) -> None:
    client = await serve(Demo())

    async def chunks() -> object:
        for _ in range(30):
            yield b"x" * 100

    status, _, _ = await client("POST", "/api/echo", data=chunks(), headers={"Content-Type": "application/json"})
    assert status == 413
    form = aiohttp.FormData()
    form.add_field("f", b"x" * 3000, filename="a")
    assert (await client("POST", "/api/dynamic?limit=2000", data=form))[0] == 413
    assert (await client("POST", "/api/dynamic?limit=0", data=form))[0] == 200


async def test_a_large_upload_goes_through_a_temp_file_that_is_gone_afterwards(
    serve: Serve, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile
    from pathlib import Path

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    client = await serve(Demo())
    form = aiohttp.FormData()
    form.add_field("f", io.BytesIO(b"start" + b"x" * (17 * 1024 * 1024)), filename="big.bin")
    answer = await client.json("POST", "/api/dynamic?limit=0", data=form)
    assert answer["f"] == {"file": "big.bin", "size": 17 * 1024 * 1024 + 5, "start": "start"}  # type: ignore[index,call-overload]
    assert not list(Path(str(tmp_path)).glob("pbhost-upload-*"))


async def test_too_many_parts_are_refused(serve: Serve) -> None:
    client = await serve(Demo())
    form = aiohttp.FormData()
    for index in range(1001):
        form.add_field(f"f{index}", "", filename="x")
    assert (await client("POST", "/api/dynamic?limit=0", data=form))[0] == 400


# -- identity, limits, guards, log -------------------------------------------------------------------------------------


class Services:
    """Services of the kernel's steps, as fakes."""

    def __init__(self) -> None:
        self.logs = FakeLogs()
        self.limiter = FakeLimiter()
        self.proxy: dict[str, JSON] = {}

    @hookimpl
    def provide_auth(self, app: object) -> object:
        return FakeAuth()

    @hookimpl
    def provide_logs(self, app: object) -> object:
        return self.logs

    @hookimpl
    def provide_rate_limiter(self, app: object) -> object:
        return self.limiter

    @hookimpl
    def provide_settings(self, app: object) -> object:
        return SimpleNamespace(section=lambda name: self.proxy, on_change=lambda callback: None)

    @hookimpl
    def provide_collections(self, app: object) -> object:
        known = {"posts": Collection(id="c1", name="posts"), "users": Collection(id="id_users", name="users")}
        return SimpleNamespace(find=known.get)


@pytest.mark.parametrize("value", ["users/u1", "Bearer users/u1", "bearer users/u1"])
async def test_the_token_names_the_caller(serve: Serve, value: str) -> None:
    client = await serve(Demo(), Services())
    answer = await client.json("GET", "/api/who?a=1&a=2", headers={"Authorization": value, "X-Api-Key": "k"})
    assert answer == {
        "auth": "users",
        "id": "u1",
        "token": "users/u1",
        "ip": "127.0.0.1",
        "header": "k",
        "query": {"a": "1"},
    }


@pytest.mark.parametrize("value", ["", "nonsense", "Bearer  users/u1".replace("users/", "")])
async def test_a_bad_token_is_a_guest(serve: Serve, value: str) -> None:
    client = await serve(Demo(), Services())
    answer = await client.json("GET", "/api/who", headers={"Authorization": value})
    assert answer["auth"] == ""  # type: ignore[index,call-overload]


NEEDS_TOKEN = "The request requires valid record authorization token."


@pytest.mark.parametrize(
    ("path", "token", "status", "message"),
    [
        ("/api/auth", "", 401, NEEDS_TOKEN),
        ("/api/auth", "users/u1", 200, None),
        ("/api/super", "", 401, NEEDS_TOKEN),
        ("/api/super", "users/u1", 403, "The authorized record is not allowed to perform this action."),
        ("/api/super", "_superusers/s", 200, None),
        ("/api/plugins", "users/u1", 403, "The authorized record is not allowed to perform this action."),
        ("/api/plugins", "_superusers/s", 200, None),
        ("/api/collections/users/mine", "", 401, NEEDS_TOKEN),
        ("/api/collections/users/mine", "users/u1", 200, None),
        ("/api/collections/posts/mine", "users/u1", 403, "The request requires auth record from users collection."),
        ("/api/guest", "", 200, None),
        ("/api/guest", "users/u1", 400, "The request can be accessed only by guests."),
    ],
)
async def test_guards(serve: Serve, path: str, token: str, status: int, message: str | None) -> None:
    client = await serve(Demo(), Services())
    answered, body, _ = await client("GET", path, headers={"Authorization": token} if token else {})
    assert answered == status
    if message is not None:
        assert json.loads(body) == {"data": {}, "message": message, "status": status}


async def test_superusers_from_elsewhere_are_refused(serve: Serve) -> None:
    services = Services()
    services.limiter.superusers_allowed = False
    client = await serve(Demo(), services)
    assert (await client("GET", "/api/who", headers={"Authorization": "_superusers/s"}))[0] == 403
    assert (await client("GET", "/api/who", headers={"Authorization": "users/u1"}))[0] == 200


async def test_rate_limits_see_labels_from_the_most_specific_to_the_path(serve: Serve) -> None:
    services = Services()
    client = await serve(Demo(), services)
    await client("GET", "/api/collections/posts/records?x=1")
    await client("GET", "/api/data")
    await client("GET", "/api/collections/unknown/records")
    assert services.limiter.seen == [
        (
            ["posts:list", "*:list", "GET /api/collections/posts/records", "/api/collections/posts/records"],
            "c1 GET /api/collections/{collection}/records list",
        ),
        (["GET /api/data", "/api/data"], ""),
    ]
    services.limiter.refused = {"*:list"}
    status, body, headers = await client("GET", "/api/collections/posts/records")
    assert (status, json.loads(body)) == (429, {"data": {}, "message": "Too Many Requests.", "status": 429})
    assert "Retry-After" not in headers


async def test_the_real_ip_comes_from_trusted_headers_only(serve: Serve) -> None:
    services = Services()
    services.proxy = {"headers": ["X-Forwarded-For"], "useLeftmostIP": False}
    client = await serve(Demo(), services)
    answer = await client.json("GET", "/api/who", headers={"X-Forwarded-For": "1.1.1.1, 2.2.2.2"})
    assert answer["ip"] == "2.2.2.2"  # type: ignore[index,call-overload]


async def test_the_request_log(serve: Serve) -> None:
    services = Services()
    client = await serve(Demo(), services)
    await client("GET", "/api/quiet")
    await client("GET", "/api/data?q=%C3%A9", headers={"Authorization": "users/u1", "Referer": "http://r"})
    await client("GET", "/api/error/forbidden")
    await client("GET", "/api/error/field")
    good, forbidden, field = services.logs.requests
    assert (good.method, good.url, good.status, good.error) == ("GET", "/api/data?q=%C3%A9", 200, "")
    assert (good.auth_collection, good.auth_id, good.ip, good.referer) == ("users", "u1", "127.0.0.1", "http://r")
    assert 0 < good.seconds < 5
    assert (forbidden.status, forbidden.error, forbidden.details) == (403, "Nope.", "because")
    assert isinstance(field.details, dict)
    assert "title" in field.details


# -- CORS --------------------------------------------------------------------------------------------------------------


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


# -- hooks and middlewares ---------------------------------------------------------------------------------------------


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
