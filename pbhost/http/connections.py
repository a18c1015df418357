"""aiohttp's server, with errors in the form of the API also where no request came to be."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from aiohttp import hdrs, web
from aiohttp.web_request import BaseRequest
from aiohttp.web_urldispatcher import UrlMappingMatchInfo

from pbhost.errors import ApiError, BadRequestError, InternalError
from pbhost.http.answers import PreparedResponse
from pbhost.http.json_text import dumps
from pbhost.http.pipeline import SECURITY_HEADERS

log = logging.getLogger("pbhost.http")

_EDGE = "".join(f"{name}: {value}\r\n" for name, value in SECURITY_HEADERS.items()).encode()


Match: TypeAlias = Callable[[web.Request], UrlMappingMatchInfo]


class Runner(web.AppRunner):
    """Runs an application with connections of our kind.

    Args:
        app: the application, without middlewares of aiohttp's kind.
        match: finds the handler of any request; the router of the application is not asked.
        options: as of ``web.AppRunner``.
    """

    __slots__ = ("_match",)

    def __init__(self, app: web.Application, match: Match, **options: Any) -> None:
        super().__init__(app, **options)
        self._match = match

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(
            _entrance(self.app, self._match),  # type: ignore[arg-type]  # the factory makes a web.Request
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,
            **made._kwargs,
        )


def _entrance(app: web.Application, match: Match) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """What ``web.Application`` does with a request, without the looks that only its own router and middlewares need."""

    def enter(request: web.Request) -> Awaitable[web.StreamResponse]:
        found = match(request)
        found.add_app(app)
        found.freeze()
        request._match_info = found
        if request.headers.get(hdrs.EXPECT):
            return _enter_expecting(request, found)
        return found.handler(request)

    return enter


async def _enter_expecting(request: web.Request, found: UrlMappingMatchInfo) -> web.StreamResponse:
    """As ``web.Application``: ``Expect: 100-continue`` gets its answer before the handler runs."""
    refusal = await found.expect_handler(request)
    await request.writer.drain()
    return await found.handler(request) if refusal is None else refusal


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    """One connection; what its parser refuses is answered as every other error, and the connection ends."""

    __slots__ = ()

    def resume_reading(self, resume_parser: bool = True) -> None:
        # Each body that was read asks for this. Where reading was not paused there is nothing to be taken up again, and
        # the base class would run the parser on nothing.
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        if status < 500:
            log.debug("a malformed request from %s: %s", request.remote, message)
            error: ApiError = BadRequestError("The request is malformed, or its address or a header is too long.")
        else:
            log.error("a connection from %s failed: %r", request.remote, exc, exc_info=exc)
            error = InternalError()
        response = PreparedResponse(dumps(error.to_json()), error.status)
        response.edge = _EDGE
        response.force_close()
        return response
