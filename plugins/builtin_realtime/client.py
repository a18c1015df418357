"""One open stream: what it is subscribed to, who it is, and how bytes reach its socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Protocol

from builtin_realtime.subscription import Subscription, parse_subscription
from pbhost.model import Record
from pbhost.model.ids import random_text
from pbhost.services import RealtimeMessage


class Socket(Protocol):
    """The part of ``asyncio.Transport`` that a stream needs."""

    def write(self, data: bytes) -> None: ...

    def get_write_buffer_size(self) -> int: ...

    def is_closing(self) -> bool: ...


class Index(Protocol):
    """Told when a client's subscriptions change, so that a topic finds its clients at once."""

    def added(self, client: StreamClient, subscription: Subscription) -> None: ...

    def removed(self, client: StreamClient, subscription: Subscription) -> None: ...

    def schedule(self, client: StreamClient) -> None: ...


class StreamClient:
    """A server-sent-events stream; implements :class:`pbhost.services.RealtimeClient`.

    Messages of one turn of the event loop leave as one write. Nothing here awaits: a client that does not keep up is
    discarded once more than ``max_pending`` bytes wait for it.
    """

    __slots__ = (
        "_index",
        "_pending",
        "_prefix",
        "_socket",
        "_subscriptions",
        "auth",
        "connected_at",
        "done",
        "id",
        "idle_timeout",
        "intercept",
        "ip",
        "is_discarded",
        "last_message_at",
        "max_pending",
        "max_timeout",
        "scheduled",
        "store",
    )

    def __init__(
        self, index: Index, *, id: str, ip: str, idle_timeout: float, max_timeout: float, max_pending: int
    ) -> None:
        self.id = id
        self.ip = ip
        self.auth: Record | None = None
        self.is_discarded = False
        self.store: dict[str, object] = {}
        self.idle_timeout = idle_timeout
        self.max_timeout = max_timeout
        self.max_pending = max_pending
        self.connected_at = self.last_message_at = monotonic()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.scheduled = False
        #: Set when a hook wants to see each message before it is written.
        self.intercept: Callable[[RealtimeMessage], None] | None = None
        self._prefix = b"id:" + id.encode() + b"\n"
        self._index = index
        self._socket: Socket | None = None
        self._pending: list[bytes] = []
        self._subscriptions: dict[str, Subscription] = {}

    # -- subscriptions -----------------------------------------------------------------------------------------------

    def subscriptions(self) -> Mapping[str, Subscription]:
        """Subscription strings and their parsed options."""
        return dict(self._subscriptions)

    def has_subscription(self, subscription: str) -> bool:
        """Whether exactly this string was submitted."""
        return subscription in self._subscriptions

    def subscribe(self, *subscriptions: str) -> None:
        """Adds subscriptions; empty and known ones are skipped."""
        for text in subscriptions:
            if text and text not in self._subscriptions:
                parsed = self._subscriptions[text] = parse_subscription(text)
                self._index.added(self, parsed)

    def unsubscribe(self, *subscriptions: str) -> None:
        """Removes some; all if none is named."""
        for text in subscriptions or tuple(self._subscriptions):
            parsed = self._subscriptions.pop(text, None)
            if parsed is not None:
                self._index.removed(self, parsed)

    # -- messages ----------------------------------------------------------------------------------------------------

    def attach(self, socket: Socket) -> None:
        """From now on messages reach a socket."""
        self._socket = socket

    def send(self, message: RealtimeMessage) -> None:
        """Queues a message; a silent no-op on a discarded client."""
        if self.intercept is not None:
            self.intercept(message)
        else:
            self.write(encode_message(message))

    def write(self, encoded: bytes) -> None:
        """Queues a message that :func:`encode_message` made; the same bytes serve every client."""
        if self.is_discarded:
            return
        self._pending.append(encoded)
        if not self.scheduled:
            self.scheduled = True
            self._index.schedule(self)

    def flush(self) -> None:
        """Writes what is queued as one chunk of the response body."""
        self.scheduled = False
        pending, self._pending = self._pending, []
        socket = self._socket
        if not pending or socket is None or self.is_discarded:
            return
        if socket.is_closing() or socket.get_write_buffer_size() > self.max_pending:
            self.discard()
            return
        prefix = self._prefix
        body = prefix + pending[0] if len(pending) == 1 else b"".join([prefix + item for item in pending])
        socket.write(b"%x\r\n%b\r\n" % (len(body), body))
        self.last_message_at = monotonic()

    def is_overdue(self, now: float) -> bool:
        """Whether a timer has run out, or the peer is gone."""
        return (
            now - self.last_message_at > self.idle_timeout
            or now - self.connected_at > self.max_timeout
            or (self._socket is not None and self._socket.is_closing())
        )

    def discard(self) -> None:
        """Ends the stream; queued messages are dropped."""
        if not self.is_discarded:
            self.is_discarded = True
            self._pending.clear()
            if not self.done.done():
                self.done.set_result(None)


def encode_message(message: RealtimeMessage) -> bytes:
    """A message on the wire, without the ``id`` line that names the client."""
    return b"event:%b\ndata:%b\n\n" % (message.name.encode(), message.data)


def new_client_id() -> str:
    """40 random characters of ``[A-Za-z0-9]``."""
    return random_text(40)
