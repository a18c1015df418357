"""Hooks around a connection's life and around each of its messages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from builtin_realtime.client import Client
from builtin_realtime.messages import encode
from pbhost.errors import ApiError
from pbhost.hooks import Chain, Skip
from pbhost.hooks.events import RealtimeConnectRequestEvent, RealtimeMessageSendEvent
from pbhost.http import context_of
from pbhost.services import RealtimeMessage

if TYPE_CHECKING:
    from builtin_realtime.service import Broker

log = logging.getLogger("pbhost.realtime")

#: Messages that wait for a slow message hook before the client counts as too slow.
MAX_WAITING = 10_000


async def connected(
    broker: Broker, request: web.Request, client: Client, serve: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Serves a connection inside the ``on_realtime_connect_request`` hooks.

    Raises:
        ApiError: a hook refused, or there are too many connections.
    """
    if len(broker.clients()) >= broker.config.max_clients:
        raise ApiError("Too many realtime connections.", status=503)
    chain = broker.app.hooks.chain("on_realtime_connect_request")
    if chain is None:
        return await serve()
    event = RealtimeConnectRequestEvent(
        app=broker.app,
        context=context_of(request),
        request=request,
        client=client,
        idle_timeout=client.idle_timeout,
        max_timeout=client.max_timeout,
    )

    async def operation() -> web.StreamResponse:
        client.idle_timeout = event.idle_timeout
        client.max_timeout = event.max_timeout
        return await serve()

    response = await chain.run(event, operation)
    return response if isinstance(response, web.StreamResponse) else web.Response()


def intercept(broker: Broker, request: web.Request, client: Client) -> asyncio.Task[object] | None:
    """Lets ``on_realtime_message_send`` hooks see each message of a client, in order, before it is written.

    Returns:
        The task that does it, to be cancelled with the connection; None if nobody listens.
    """
    chain = broker.app.hooks.chain("on_realtime_message_send")
    if chain is None:
        return None
    waiting: asyncio.Queue[RealtimeMessage] = asyncio.Queue(maxsize=MAX_WAITING)

    def accept(message: RealtimeMessage) -> None:
        try:
            waiting.put_nowait(message)
        except asyncio.QueueFull:
            client.discard()

    client.intercept = accept
    return broker.app.background(_send(broker, request, client, chain, waiting), name=f"realtime client {client.id}")


async def _send(
    broker: Broker, request: web.Request, client: Client, chain: Chain, waiting: asyncio.Queue[RealtimeMessage]
) -> None:
    context = context_of(request)
    while True:
        event = RealtimeMessageSendEvent(
            app=broker.app, context=context, request=request, client=client, message=await waiting.get()
        )

        async def write(event: RealtimeMessageSendEvent = event) -> None:
            client.write(encode(event.message, client.wire))

        try:
            await chain.run(event, write)
        except Skip:
            continue
        except Exception as error:
            log.info("a message hook closed the realtime client %s: %s", client.id, error)
            client.discard()
            return
