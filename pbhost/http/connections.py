"""aiohttp's server, with errors in the form of the API also where no request came to be."""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.web_request import BaseRequest

from pbhost.errors import ApiError, BadRequestError, InternalError
from pbhost.http.answers import PreparedResponse
from pbhost.http.json_text import dumps
from pbhost.http.pipeline import SECURITY_HEADERS

log = logging.getLogger("pbhost.http")

_EDGE = "".join(f"{name}: {value}\r\n" for name, value in SECURITY_HEADERS.items()).encode()


class Runner(web.AppRunner):
    """Runs an application with connections of our kind."""

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,
            **made._kwargs,
        )


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    """One connection; what its parser refuses is answered as every other error, and the connection ends."""

    __slots__ = ()

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
