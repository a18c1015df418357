"""``/api/realtime``: streams of server-sent events, and their subscriptions."""

from __future__ import annotations

from contextlib import suppress

from aiohttp import web

from builtin_realtime.client import StreamClient
from builtin_realtime.interception import connected, intercept
from builtin_realtime.service import Broker
from builtin_realtime.subscribe import read_form, subscribe_anywhere
from builtin_realtime.websocket import SocketSession
from pbhost.errors import ApiError, BadRequestError
from pbhost.http import Route, context_of, read_body
from pbhost.services import RealtimeMessage

HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class RealtimeApi:
    """The routes of live updates."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def routes(self) -> list[Route]:
        """All of them; a connection that ended well is not worth a log entry."""
        return [
            Route("GET", "/api/realtime", self.connect, log_success=False, summary="Open a stream of live updates"),
            Route("POST", "/api/realtime", self.subscribe, summary="Replace the subscriptions of a stream"),
            Route("GET", "/api/realtime/ws", self.open_socket, log_success=False, summary="Open a WebSocket"),
        ]

    async def subscribe(self, request: web.Request) -> None:
        """Replaces the set of subscriptions of a client."""
        try:
            body = await read_body(request)
        except ApiError as error:
            raise BadRequestError(cause=error.message) from error
        await subscribe_anywhere(self._broker, read_form(dict(body)), context_of(request), request)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Opens a stream and keeps it until a timer runs out, the peer goes away, or somebody discards it.

        ``?seq=true`` asks for sequence numbers in the data of the messages, to resume from later.
        """
        context = context_of(request)
        client = self._broker.new_stream(ip=context.ip, with_seq=context.query.get("seq") in ("1", "true"))
        return await connected(self._broker, request, client, lambda: self._stream(request, client))

    async def open_socket(self, request: web.Request) -> web.StreamResponse:
        """Opens a WebSocket; see the docs for what is said on it."""
        client = self._broker.new_socket(ip=context_of(request).ip)
        session = SocketSession(self._broker, request, client)
        return await connected(self._broker, request, client, session.run)

    async def _stream(self, request: web.Request, client: StreamClient) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS)
        response.enable_chunked_encoding()
        await response.prepare(request)
        transport = request.transport
        if transport is None:
            return response
        client.attach(transport)
        sender = intercept(self._broker, request, client)
        self._broker.register(client)
        try:
            hello = b'{"clientId":"%b"}' % client.id.encode()
            client.send(RealtimeMessage("PB_CONNECT", hello, self._broker.delivered))
            await client.done
        finally:
            self._broker.unregister(client.id)
            if sender is not None:
                sender.cancel()
        with suppress(ConnectionError):
            await response.write_eof()
        return response
