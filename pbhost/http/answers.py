"""Answers: JSON bodies as prepared bytes, head and body in one write."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import ClientConnectionResetError, HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest
from multidict import CIMultiDict

from pbhost.errors import ApiError
from pbhost.http.json_text import dumps

JSON_TYPE: Final = "application/json"
_STATUS_LINES: Final[dict[int, bytes]] = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_NO_BODY: Final = frozenset({204, 304})


class PreparedResponse(web.Response):
    """A response with a body in memory that is written in one piece.

    It is an ordinary ``web.Response`` to a middleware: once somebody looks at its headers it is sent the ordinary way.
    ``edge`` holds the header lines that the kernel adds to every answer.
    """

    # The base class is not initialised: that, and writing headers one by one, is a third of the time of a small answer.
    def __init__(self, body: bytes, status: int = 200, content_type: str = JSON_TYPE) -> None:
        self._body: bytes = body
        self._status = status
        self._content_type_line = content_type
        self._own_headers: CIMultiDict[str] | None = None
        self._req: BaseRequest | None = None
        self._payload_writer: AbstractStreamWriter | None = None
        self._keep_alive: bool | None = None
        self._eof_sent = False
        self.edge = b""

    @property
    def _reason(self) -> str:
        return HTTPStatus(self._status).phrase if self._status in _STATUS_LINES else ""

    @_reason.setter
    def _reason(self, reason: str) -> None:
        """Reason phrases are those of the standard."""

    @property  # type: ignore[override]  # an attribute of the base class, made on first use here
    def _headers(self) -> CIMultiDict[str]:
        headers = self._own_headers
        if headers is None:
            super().__init__(status=self._status, body=self._body)
            headers = CIMultiDict()
            if self._content_type_line and self._status not in _NO_BODY:
                headers[hdrs.CONTENT_TYPE] = self._content_type_line
            self._own_headers = headers
        return headers

    @_headers.setter
    def _headers(self, headers: CIMultiDict[str]) -> None:
        self._own_headers = headers

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Writes the whole answer at once, unless a middleware took to the headers."""
        if self._eof_sent or self._payload_writer is not None or self._own_headers is not None:
            return await super().prepare(request)
        writer = self._payload_writer = request.writer
        self._req = request
        keep_alive = self._keep_alive
        if keep_alive is None:
            keep_alive = self._keep_alive = request.keep_alive
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ClientConnectionResetError("the client closed the connection")
        body = self._body
        status = self._status
        head = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n".encode()
        connection = b""
        if not keep_alive:
            connection = b"Connection: close\r\n"
        elif request.version != HttpVersion11:
            connection = b"Connection: keep-alive\r\n"
        if status in _NO_BODY:
            transport.write(b"%b%b%bDate: %b\r\n\r\n" % (head, self.edge, connection, http_date()))
        else:
            lines = b"%b%b%bContent-Type: %b\r\nContent-Length: %d\r\nDate: %b\r\n\r\n" % (
                head,
                self.edge,
                connection,
                self._content_type_line.encode("latin-1"),
                len(body),
                http_date(),
            )
            transport.write(lines if request.method == hdrs.METH_HEAD else lines + body)
        self._eof_sent = True
        if request.protocol.writing_paused:
            await writer.drain()
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Does nothing when everything was written at once."""
        if not self._eof_sent:
            await super().write_eof(data)


_date = b""
_date_second = 0


def http_date() -> bytes:
    """The time of now for a ``Date`` header, formatted once a second."""
    global _date, _date_second  # noqa: PLW0603  # a cache of one value
    second = int(time.time())
    if second != _date_second:
        _date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second)).encode()
        _date_second = second
    return _date


def json_answer(data: object, status: int = 200) -> PreparedResponse:
    """JSON from plain data."""
    return PreparedResponse(dumps(data), status)


def encoded_answer(body: bytes, status: int = 200) -> PreparedResponse:
    """JSON that is text already. ``?fields=`` is not applied to it: whoever made it did that."""
    return PreparedResponse(body, status)


def empty_answer(status: int = 204) -> PreparedResponse:
    """No content."""
    return PreparedResponse(b"", status)


def error_answer(error: ApiError, headers: Mapping[str, str] | None = None) -> web.Response:
    """The JSON form of an error."""
    response = PreparedResponse(dumps(error.to_json()), error.status)
    if headers:
        response.headers.update(headers)
    return response
