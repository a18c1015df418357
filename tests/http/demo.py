"""A plugin with routes of every kind, and fakes of the services that the pipeline asks."""

from __future__ import annotations

from types import SimpleNamespace

from aiohttp import web

from pbhost import (
    Collection,
    FieldError,
    ForbiddenError,
    NotFoundError,
    Route,
    ValidationError,
    hookimpl,
)
from pbhost.errors import JSON, DatabaseError
from pbhost.http import context_of, encoded_answer, read_body
from pbhost.model import UploadedFile

from .conftest import FakeAuth, FakeLimiter, FakeLogs

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
