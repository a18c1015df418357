"""Live updates over WebSocket: the same topics, one JSON object per message in each direction.

The server says::

    {"type": "connect", "clientId": "…", "seq": 41}
    {"type": "message", "topic": "posts/*", "seq": 42, "data": {"record": {…}, "action": "create"}}
    {"type": "ack", "id": 1}       {"type": "error", "id": 1, "error": {"status": …, "message": …, "data": {…}}}

The client says, each with an ``id`` of its own choosing that the answer repeats::

    {"type": "auth", "id": 1, "token": "…"}
    {"type": "subscribe", "id": 2, "subscriptions": ["posts/*"], "after": 41}     adds; "after" resumes
    {"type": "unsubscribe", "id": 3, "subscriptions": ["posts/*"]}                no list: all
    {"type": "ping", "id": 4}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from aiohttp import WSMsgType, web

from builtin_realtime.client import SocketClient
from builtin_realtime.interception import intercept
from builtin_realtime.messages import text_frame
from builtin_realtime.replay import check_resumable, replay
from builtin_realtime.subscribe import MAX_SUBSCRIPTIONS, read_after, read_subscriptions
from pbhost.errors import ApiError, BadRequestError, FieldError, ForbiddenError, ValidationError
from pbhost.hooks.events import RealtimeSubscribeRequestEvent
from pbhost.http import context_of
from pbhost.model import RequestContext

if TYPE_CHECKING:
    from builtin_realtime.service import Broker

#: Seconds between pings; a peer that does not answer is gone.
HEARTBEAT = 30.0
MAX_MESSAGE = 4 * 1024 * 1024


class SocketSession:
    """One WebSocket from its handshake to its end."""

    def __init__(self, broker: Broker, request: web.Request, client: SocketClient) -> None:
        self._broker = broker
        self._request = request
        self._client = client

    async def run(self) -> web.StreamResponse:
        """Serves it."""
        broker, client, request = self._broker, self._client, self._request
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT, compress=False, max_msg_size=MAX_MESSAGE)
        if not socket.can_prepare(request).ok:
            raise BadRequestError("A WebSocket handshake is needed here.")
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        client.attach(transport)
        sender = intercept(broker, request, client)
        broker.identities.bind(client, context_of(request).auth)
        broker.register(client)
        try:
            self._say({"type": "connect", "clientId": client.id, "seq": broker.delivered})
            closing = broker.app.background(self._close_when_done(socket), name=f"realtime socket {client.id}")
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                await self._answer(message.data)
            closing.cancel()
        finally:
            broker.unregister(client.id)
            if sender is not None:
                sender.cancel()
        await socket.close()
        return socket

    async def _close_when_done(self, socket: web.WebSocketResponse) -> None:
        await self._client.done
        await socket.close()

    def _say(self, message: dict[str, object]) -> None:
        self._client.write(text_frame(orjson.dumps(message)))

    async def _answer(self, text: str) -> None:
        """Does what a message asks and acknowledges it; whatever is wrong with it becomes an error message."""
        asked: object = None
        try:
            message = orjson.loads(text)
            if not isinstance(message, dict):
                raise BadRequestError("A message must be a JSON object.")
            asked = message.get("id")
            await self._do(message)
        except orjson.JSONDecodeError:
            self._say({"type": "error", "id": None, "error": BadRequestError("Not valid JSON.").to_json()})
        except ApiError as error:
            self._say({"type": "error", "id": asked, "error": error.to_json()})
        else:
            self._say({"type": "ack", "id": asked})

    async def _do(self, message: dict[str, object]) -> None:
        match message.get("type"):
            case "auth":
                await self._authenticate(message.get("token"))
            case "subscribe":
                await self._subscribe(message)
            case "unsubscribe":
                subscriptions, errors = read_subscriptions(message.get("subscriptions"))
                if errors:
                    raise ValidationError(errors)
                self._client.unsubscribe(*subscriptions)
            case "ping":
                return
            case other:
                raise BadRequestError(f"Unknown message type {other!r:.40}.")

    async def _authenticate(self, token: object) -> None:
        if not isinstance(token, str):
            raise BadRequestError("The token must be a text.")
        auth = await self._broker.app.auth.identify(token)
        if auth is None:
            raise ForbiddenError("The token is not valid.")
        if auth.collection.is_superusers and not self._broker.app.rate_limiter.allows_superuser(self._client.ip):
            raise ForbiddenError()
        self._broker.identities.bind(self._client, auth)

    async def _subscribe(self, message: dict[str, object]) -> None:
        client, broker = self._client, self._broker
        subscriptions, errors = read_subscriptions(message.get("subscriptions"))
        if errors:
            raise ValidationError(errors)
        after = read_after(message.get("after"))
        total = len(set(client.subscriptions()) | set(subscriptions))
        if total > MAX_SUBSCRIPTIONS:
            error = FieldError("validation_length_too_long", f"The length must be no more than {MAX_SUBSCRIPTIONS}.")
            raise ValidationError({"subscriptions": error})
        context = RequestContext(
            method="GET", path="/api/realtime/ws", auth=client.auth, ip=client.ip, context="realtime"
        )
        event = RealtimeSubscribeRequestEvent(
            app=broker.app, context=context, request=self._request, client=client, subscriptions=subscriptions
        )

        async def add() -> None:
            if after is None:
                client.subscribe(*event.subscriptions)
            else:
                # The acknowledgement that follows says that nothing is missing any more.
                await check_resumable(broker, after)
                await replay(broker, client, event.subscriptions, after)

        chain = broker.app.hooks.chain("on_realtime_subscribe_request")
        await (add() if chain is None else chain.run(event, add))
