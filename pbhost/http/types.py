"""What a plugin says of a route or a middleware, and how a handler reaches its context."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from aiohttp import web

from pbhost.errors import JSON
from pbhost.model import RequestContext

if TYPE_CHECKING:
    from pbhost.app import App

#: What a handler may return: a response; ``None`` for 204; ``bytes`` for JSON that is already encoded; anything else is
#: encoded as JSON. ``?fields=`` is applied to data, and to bytes too unless the handler did it itself.
Answer: TypeAlias = object
Handler: TypeAlias = Callable[[web.Request], Awaitable[Answer]]
#: ``same_collection``: an auth record of the collection in the path.
Guard: TypeAlias = Literal["any", "guest", "auth", "superuser", "same_collection"]

DEFAULT_BODY_LIMIT = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RouteSchema:
    """What goes into a route and comes out, for the published description (``/api/openapi.json``); checks nothing.

    Attributes:
        query: JSON Schemas of query parameters by name.
        body: JSON Schema of the request body, None for none.
        answer: JSON Schema of the answer, None for an answer without a body (204).
        status: of the answer when all went well.
        content_type: of the answer.
        request_type: of the request body.
    """

    query: Mapping[str, JSON] = field(default_factory=dict)
    body: JSON = None
    answer: JSON = None
    status: int = 200
    content_type: str = "application/json"
    request_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """One route.

    Attributes:
        method: upper case; GET also answers HEAD.
        path: static segments, ``{name}`` for one segment, ``{name...}`` at the end for the rest.
        tags: rate-limit tags of a collection route (``list``, ``auth`` …); its path has ``{collection}``.
        guard: who may call it.
        body_limit: bytes; a function of the request where it depends on the collection; 0 for no limit.
        log_success: whether successful requests are written to the request log.
        summary: one line for the published route description.
        schema: what goes in and comes out, for the same.
    """

    method: str
    path: str
    handler: Handler
    tags: tuple[str, ...] = ()
    guard: Guard = "any"
    body_limit: int | Callable[[web.Request], int] = DEFAULT_BODY_LIMIT
    log_success: bool = True
    summary: str = ""
    schema: RouteSchema | None = None


@dataclass(frozen=True, slots=True)
class Middleware:
    """A step around every request. ``call(request, next)`` awaits ``next(request)`` and returns a response.

    Attributes:
        id: unique; a later one of the same id replaces the earlier one.
        priority: lower is outer; the built-in steps are at the numbers of the operations contract (docs: http).
    """

    id: str
    call: Callable[[web.Request, Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[web.StreamResponse]]
    priority: int = 0


#: Set by a handler: names of the headers of every answer that this one goes without (``X-Frame-Options`` for files).
OMITTED_HEADERS = web.RequestKey("pbhost_omitted_headers", frozenset[str])
#: The routes that can be reached now, by path and method.
ROUTES: web.AppKey[Callable[[], list[Route]]] = web.AppKey("pbhost_routes")
CONTEXT = web.RequestKey("pbhost_context", RequestContext)
APP: web.AppKey[App] = web.AppKey("pbhost_app", object)  # type: ignore[arg-type]  # the class is imported for typing only


def context_of(request: web.Request) -> RequestContext:
    """The context of a request; its ``body`` is empty until :func:`pbhost.http.read_body` was awaited."""
    return request[CONTEXT]


def app_of(request: web.Request) -> App:
    """The application that serves a request."""
    return request.config_dict[APP]


def routes_of(request: web.Request) -> list[Route]:
    """All routes of the server that serves a request, those of plugins included."""
    return request.config_dict[ROUTES]()
