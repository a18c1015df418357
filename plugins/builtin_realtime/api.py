"""``GET`` and ``POST /api/realtime``."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from aiohttp import web

from builtin_realtime.client import StreamClient, encode_message
from builtin_realtime.service import Broker
from builtin_realtime.subscribe import read_form, subscribe_anywhere
from pbhost.errors import ApiError, BadRequestError
from pbhost.hooks import Chain, Skip
from pbhost.hooks.events import RealtimeConnectRequestEvent, RealtimeMessageSendEvent
from pbhost.http import Route, context_of, read_body
from pbhost.services import RealtimeMessage

log = logging.getLogger("pbhost.realtime")

HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class RealtimeApi:
    """The two routes of live updates over server-sent events."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def routes(self) -> list[Route]:
        """Both routes; a stream that ended well is not worth a log entry."""
        return [
            Route("GET", "/api/realtime", self.connect, log_success=False, summary="Open a stream of live updates"),
            Route("POST", "/api/realtime", self.subscribe, summary="Replace the subscriptions of a stream"),
        ]

    async def subscribe(self, request: web.Request) -> None:
        """Replaces the set of subscriptions of a client."""
        try:
            body = await read_body(request)
        except ApiError as error:
            raise BadRequestError(cause=error.message) from error
        client_id, subscriptions = read_form(dict(body))
        await subscribe_anywhere(self._broker, client_id, subscriptions, context_of(request), request)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Opens a stream and keeps it until a timer runs out, the peer goes away, or somebody discards it."""
        broker = self._broker
        if len(broker.clients()) >= broker.config.max_clients:
            raise ApiError("Too many realtime connections.", status=503)
        context = context_of(request)
        client = broker.new_client(
            ip=context.ip, idle_timeout=broker.config.idle_timeout, max_timeout=broker.config.max_lifetime
        )
        chain = broker.app.hooks.chain("on_realtime_connect_request")
        if chain is None:
            return await self._stream(request, client)
        event = RealtimeConnectRequestEvent(
            app=broker.app,
            context=context,
            request=request,
            client=client,
            idle_timeout=client.idle_timeout,
            max_timeout=client.max_timeout,
        )

        async def stream() -> web.StreamResponse:
            client.idle_timeout = event.idle_timeout
            client.max_timeout = event.max_timeout
            return await self._stream(request, client)

        response = await chain.run(event, stream)
        return response if isinstance(response, web.StreamResponse) else web.Response()

    async def _stream(self, request: web.Request, client: StreamClient) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS)
        response.enable_chunked_encoding()
        await response.prepare(request)
        transport = request.transport
        if transport is None:
            return response
        client.attach(transport)
        broker = self._broker
        sender: asyncio.Task[object] | None = None
        if (chain := broker.app.hooks.chain("on_realtime_message_send")) is not None:
            sender = self._intercept(request, client, chain)
        broker.register(client)
        try:
            client.send(RealtimeMessage("PB_CONNECT", b'{"clientId":"%b"}' % client.id.encode()))
            await client.done
        finally:
            broker.unregister(client.id)
            if sender is not None:
                sender.cancel()
        with suppress(ConnectionError):
            await response.write_eof()
        return response

    def _intercept(self, request: web.Request, client: StreamClient, chain: Chain) -> asyncio.Task[object]:
        """Lets hooks see each message of a client, one after the other, before it is written."""
        waiting: asyncio.Queue[RealtimeMessage] = asyncio.Queue(maxsize=10_000)
        context = context_of(request)
        app = self._broker.app

        def accept(message: RealtimeMessage) -> None:
            try:
                waiting.put_nowait(message)
            except asyncio.QueueFull:
                client.discard()

        async def send() -> None:
            while True:
                event = RealtimeMessageSendEvent(
                    app=app, context=context, request=request, client=client, message=await waiting.get()
                )

                async def write(event: RealtimeMessageSendEvent = event) -> None:
                    client.write(encode_message(event.message))

                try:
                    await chain.run(event, write)
                except Skip:
                    continue
                except Exception as error:
                    log.info("a message hook closed the realtime client %s: %s", client.id, error)
                    client.discard()
                    return

        client.intercept = accept
        return app.background(send(), name=f"realtime client {client.id}")
