"""A request's way from the router to its answer, the same for every route.

    CORS → request log → fault guard → identity → superuser IPs → rate limit → body limit → guard → on_request → handler

A plugin's middleware stands between those steps by its priority; without one in a gap nothing is called there.
Numbers and
order: operations contract, section 19.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson
from aiohttp import hdrs, web

from pbhost.errors import (
    JSON,
    ApiError,
    BadRequestError,
    DatabaseError,
    ForbiddenError,
    HookError,
    InternalError,
    NotFoundError,
    PayloadTooLargeError,
    TooManyRequestsError,
    UnauthorizedError,
)
from pbhost.hooks import Chain, Skip
from pbhost.hooks.events import RequestEvent
from pbhost.http.answers import PreparedResponse, empty_answer, error_answer
from pbhost.http.body import BODY_LIMIT, MULTIPART, is_multipart
from pbhost.http.context import bearer_token, make_context
from pbhost.http.cors import Cors
from pbhost.http.json_text import dumps
from pbhost.http.outages import outage_behind
from pbhost.http.picker import FieldsError, pick
from pbhost.http.real_ip import real_ip, socket_ip
from pbhost.http.types import CONTEXT, OMITTED_HEADERS, Guard, Middleware, Route
from pbhost.model import Collection, Record, RequestContext
from pbhost.services import RequestLogEntry

if TYPE_CHECKING:
    from pbhost.app import App

log = logging.getLogger("pbhost.http")

Step: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: The priorities of the built-in steps; a middleware below the first number stands outside of it.
BEFORE_IDENTITY: Final = -1020
BEFORE_LIMITS: Final = -1000
BEFORE_GUARD: Final = -990

SECURITY_HEADERS: Final = {
    "X-XSS-Protection": "1; mode=block",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}
NEEDS_TOKEN: Final = "The request requires valid record authorization token."  # noqa: S105  # a message


class Pipeline:
    """What all requests of a server share."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.cors = Cors(app.config.origins)
        self.auth = app.auth if app.has("auth") else None
        self.logs = app.logs if app.has("logs") else None
        self.limiter = app.rate_limiter if app.has("rate_limiter") else None
        self.collections = app.collections if app.has("collections") else None
        self.trusted_headers: tuple[str, ...] = ()
        self.use_leftmost_ip = False
        self._edges: dict[str, tuple[dict[str, str], bytes]] = {}
        if app.has("settings"):
            app.settings.on_change(self._read_settings)
            self._read_settings()

    def _read_settings(self) -> None:
        proxy = self.app.settings.section("trustedProxy")
        headers = proxy.get("headers")
        self.trusted_headers = tuple(str(name) for name in headers) if isinstance(headers, list) else ()
        self.use_leftmost_ip = proxy.get("useLeftmostIP") is True

    def edge(self, request: web.Request) -> tuple[dict[str, str], bytes]:
        """The headers that every answer has, as a mapping and as lines."""
        allowed = self.cors.allowed_origin(request.headers.get(hdrs.ORIGIN, ""))
        found = self._edges.get(allowed)
        if found is None:
            headers = {"Vary": "Origin"} | ({"Access-Control-Allow-Origin": allowed} if allowed else {})
            headers |= SECURITY_HEADERS
            found = headers, "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
            if len(self._edges) < 256:
                self._edges[allowed] = found
        return found

    async def add_edge_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Signal handler: an answer that is not prepared bytes gets the same headers just before it is sent."""
        headers, _ = self.edge(request)
        omitted = request.get(OMITTED_HEADERS, ())
        for name, value in headers.items():
            if name in omitted:
                continue
            if name == "Vary" and (own := response.headers.get("Vary")):
                if "Origin" not in own:
                    response.headers["Vary"] = f"{value}, {own}"
            else:
                response.headers.setdefault(name, value)

    def preflight(self, request: web.Request) -> web.Response:
        """The answer to any ``OPTIONS``: before log, identity and limits."""
        response = empty_answer(204)
        requested = request.headers.get("Access-Control-Request-Headers", "")
        response.headers.update(self.cors.preflight(request.headers.get(hdrs.ORIGIN, ""), requested))
        return response


class Endpoint:
    """One route with the steps around its handler."""

    def __init__(self, pipeline: Pipeline, route: Route, middlewares: Sequence[Middleware] = ()) -> None:
        self.pipeline = pipeline
        self.route = route
        self._is_collection_route = bool(route.tags) and "{collection}" in route.path
        bands: dict[int, list[Middleware]] = {BEFORE_IDENTITY: [], BEFORE_LIMITS: [], BEFORE_GUARD: [], 0: []}
        for middleware in sorted(middlewares, key=lambda item: item.priority):
            band = next(
                (edge for edge in (BEFORE_IDENTITY, BEFORE_LIMITS, BEFORE_GUARD) if middleware.priority < edge), 0
            )
            bands[band].append(middleware)
        self._first_step = self._with_middlewares(bands) if middlewares else self._steps

    # -- the outermost step: log, fault guard ------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The aiohttp handler of this route."""
        pipeline = self.pipeline
        begin = perf_counter()
        remote = socket_ip(request.remote or "")
        ip = remote
        if pipeline.trusted_headers:
            ip = real_ip(request.headers, remote, pipeline.trusted_headers, use_leftmost=pipeline.use_leftmost_ip)
        context = make_context(request, request.rel_url.raw_path, ip, remote)
        request[CONTEXT] = context
        error: ApiError | None = None
        try:
            response = await self._first_step(request)
        except ApiError as raised:
            error = raised if raised.__cause__ is None else outage_behind(raised) or raised
            response = error_answer(error)
        except web.HTTPException as raised:
            response, error = _from_http_exception(raised)
        except ConnectionError as raised:
            if _is_gone(request):
                # Nobody is there to be answered, and nothing went wrong here; what is returned goes nowhere.
                return web.Response()
            if request.writer.output_size:
                raise  # a second head in the middle of an answer would be read as a part of it
            response, error = self._fault(request, raised)
        except Exception as raised:
            response, error = self._fault(request, raised)
        finally:
            if is_multipart(request) and (multipart := request.get(MULTIPART)) is not None:
                multipart.close()
        if isinstance(response, PreparedResponse):
            response.edge = pipeline.edge(request)[1]
        if pipeline.logs is not None and (self.route.log_success or error is not None or response.status >= 400):
            pipeline.logs.write_request(_log_entry(request, context, response, error, perf_counter() - begin))
        return response

    def _fault(self, request: web.Request, raised: Exception) -> tuple[web.Response, ApiError]:
        if isinstance(raised, FileNotFoundError):
            error: ApiError = NotFoundError(cause=str(raised))
            return error_answer(error), error
        if isinstance(raised, DatabaseError):
            log.error("%s %s: %s", request.method, request.path, raised, exc_info=raised)
            error = outage_behind(raised) or BadRequestError(cause=f"{type(raised).__name__}: {raised}")
            return error_answer(error), error
        request_id = secrets.token_hex(8)
        error = outage_behind(raised) or InternalError(cause=f"[{request_id}] {type(raised).__name__}: {raised}")
        # The dispatcher has already written the traceback of a hook's fault.
        trace = None if isinstance(raised, HookError) else raised
        log.error("request %s: %s %s failed: %r", request_id, request.method, request.path, raised, exc_info=trace)
        return error_answer(error, {"X-Request-Id": request_id}), error

    # -- the steps ---------------------------------------------------------------------------------------------------

    # These steps return what is to be awaited rather than await it: each coroutine in a chain costs all those inside of
    # it at every wait.

    def _steps(self, request: web.Request) -> Awaitable[web.StreamResponse]:
        if hdrs.AUTHORIZATION in request.headers and (token := self._recognise(request)):
            return self._steps_with_token(request, token)
        self._limit(request)
        self._check_body(request)
        return self._answer(request)

    async def _steps_with_token(self, request: web.Request, token: str) -> web.StreamResponse:
        await self._look_up(request, token)
        self._limit(request)
        self._check_body(request)
        return await self._answer(request)

    def _with_middlewares(self, bands: Mapping[int, Sequence[Middleware]]) -> Step:
        """The same steps with the middlewares in the gaps."""

        async def check_body(request: web.Request) -> web.StreamResponse:
            self._check_body(request)
            return await answer(request)

        async def limit(request: web.Request) -> web.StreamResponse:
            self._limit(request)
            return await before_body(request)

        async def identify(request: web.Request) -> web.StreamResponse:
            await self._identify(request)
            return await before_limits(request)

        async def guard_and_handler(request: web.Request) -> web.StreamResponse:
            return await self._answer(request)

        answer = _wrap(bands[0], guard_and_handler)
        before_body = _wrap(bands[BEFORE_GUARD], check_body)
        before_limits = _wrap(bands[BEFORE_LIMITS], limit)
        return _wrap(bands[BEFORE_IDENTITY], identify)

    async def _identify(self, request: web.Request) -> None:
        token = self._recognise(request)
        if token:
            await self._look_up(request, token)

    def _recognise(self, request: web.Request) -> str:
        """Whose token it is, if that is remembered; if not, the token to be looked up, "" for none."""
        auth = self.pipeline.auth
        token = bearer_token(request)
        if auth is None or not token:
            return ""
        record = auth.cached_identity(token)
        if record is None:
            return token
        self._admit(request, record, token)
        return ""

    async def _look_up(self, request: web.Request, token: str) -> None:
        auth = self.pipeline.auth
        record = await auth.identify(token) if auth is not None else None
        if record is not None:
            self._admit(request, record, token)

    def _admit(self, request: web.Request, record: Record, token: str) -> None:
        context = request[CONTEXT]
        context.auth = record
        context.token = token
        limiter = self.pipeline.limiter
        if limiter is not None and context.is_superuser and not limiter.allows_superuser(context.ip):
            raise ForbiddenError

    def _limit(self, request: web.Request) -> None:
        limiter = self.pipeline.limiter
        if limiter is not None and limiter.is_active:
            context = request[CONTEXT]
            labels, bucket = self._labels(request, context)
            if labels and not limiter.allow(labels, bucket, context):
                raise TooManyRequestsError

    def _labels(self, request: web.Request, context: RequestContext) -> tuple[Sequence[str], str]:
        """The rate-limit labels, most specific first, and what is counted apart."""
        plain = (f"{context.method} {context.path}", context.path)
        if not self._is_collection_route:
            return plain, ""
        collection = self._collection(request)
        if collection is None:
            # The handler answers 404; there is nothing to protect.
            return (), ""
        tags = self.route.tags
        own = [f"{collection.name}:{tag}" for tag in tags]
        every = [f"*:{tag}" for tag in tags]
        return [*own, *every, *plain], f"{collection.id} {self.route.method} {self.route.path} {','.join(tags)}"

    def _collection(self, request: web.Request) -> Collection | None:
        name = request.match_info.get("collection", "")
        return self.pipeline.collections.find(name) if self.pipeline.collections is not None else None

    def _check_body(self, request: web.Request) -> None:
        if request.body_exists:
            limit = self.route.body_limit
            if callable(limit):
                limit = limit(request)
            if limit and (request.content_length or 0) > limit:
                raise PayloadTooLargeError
            request[BODY_LIMIT] = limit

    def _answer(self, request: web.Request) -> Awaitable[web.StreamResponse]:
        if self.route.guard != "any":
            self._check_guard(self.route.guard, request)
        chain = self.pipeline.app.hooks.chain("on_request")
        return self._handled(request) if chain is None else self._hooked(request, chain)

    async def _handled(self, request: web.Request) -> web.StreamResponse:
        return self._response(request, await self.route.handler(request))

    async def _hooked(self, request: web.Request, chain: Chain) -> web.StreamResponse:
        event = RequestEvent(app=self.pipeline.app, context=request[CONTEXT], request=request)

        async def operation() -> object:
            if event.response is not None:
                return event.response
            return await self.route.handler(request)

        try:
            answer = await chain.run(event, operation)
        except Skip as skip:
            answer = skip.result
        if event.response is not None and not isinstance(answer, web.StreamResponse):
            answer = event.response
        return self._response(request, answer)

    def _check_guard(self, guard: Guard, request: web.Request) -> None:
        context: RequestContext = request[CONTEXT]
        if guard == "guest":
            if context.auth is not None:
                raise BadRequestError("The request can be accessed only by guests.")
            return
        if context.auth is None:
            raise UnauthorizedError(NEEDS_TOKEN)
        if guard == "superuser" and not context.is_superuser:
            raise ForbiddenError("The authorized record is not allowed to perform this action.")
        if guard == "same_collection":
            collection = self._collection(request)
            if collection is None or collection.id != context.auth.collection.id:
                name = context.auth.collection.name
                raise ForbiddenError(f"The request requires auth record from {name} collection.")

    # -- the answer --------------------------------------------------------------------------------------------------

    def _response(self, request: web.Request, answer: object) -> web.StreamResponse:
        # The usual types first: a look at an abstract class takes longer than all of them.
        kind = type(answer)
        if kind is not bytes and kind is not dict:
            if isinstance(answer, web.StreamResponse):
                return answer
            if answer is None:
                return empty_answer()
        body = answer if isinstance(answer, bytes) else dumps(answer)
        if "fields" in request.rel_url.raw_query_string:
            expression = request.query.get("fields", "")
            if expression:
                try:
                    body = dumps(pick(orjson.loads(body), expression))
                except FieldsError:
                    # Found out after the head was sent, at the target; clients see an empty 200.
                    body = b""
        return PreparedResponse(body)


def _is_gone(request: web.Request) -> bool:
    """Whether the client has closed its connection."""
    transport = request.transport
    return transport is None or transport.is_closing()


def _wrap(middlewares: Sequence[Middleware], step: Step) -> Step:
    for middleware in reversed(middlewares):
        step = _around(middleware, step)
    return step


def _around(middleware: Middleware, step: Step) -> Step:
    async def call(request: web.Request) -> web.StreamResponse:
        return await middleware.call(request, step)

    return call


def _from_http_exception(raised: web.HTTPException) -> tuple[web.StreamResponse, ApiError | None]:
    """aiohttp's own errors in our form; redirects and successes stay what they are."""
    if raised.status < 400:
        response = web.Response(status=raised.status, headers=raised.headers, body=raised.body)
        return response, None
    error = _CLASSES.get(raised.status, ApiError)(status=raised.status, cause=raised.reason)
    return error_answer(error), error


_CLASSES: Final[dict[int, type[ApiError]]] = {
    cls.status: cls
    for cls in (
        UnauthorizedError,
        ForbiddenError,
        NotFoundError,
        PayloadTooLargeError,
        TooManyRequestsError,
        InternalError,
    )
}


def _log_entry(
    request: web.Request,
    context: RequestContext,
    response: web.StreamResponse,
    error: ApiError | None,
    seconds: float,
) -> RequestLogEntry:
    # Decoding and cutting is the business of the log, off the event loop.
    headers = request.headers
    auth = context.auth
    # By position: thirteen names would cost as much again.
    return RequestLogEntry(
        context.method,
        request.raw_path,
        response.status,
        seconds,
        context.ip,
        context.remote_ip,
        headers.get(hdrs.REFERER, ""),
        headers.get(hdrs.USER_AGENT, ""),
        "" if auth is None else auth.collection.name,
        "" if auth is None else auth.id,
        "" if error is None else error.message,
        None if error is None else _details(error),
        context.extra.get("log.meta"),  # type: ignore[arg-type]  # JSON by agreement with plugins
    )


def _details(error: ApiError) -> JSON:
    if error.cause:
        return error.cause
    data = error.to_json()["data"]
    return data or None
