"""One open connection: what it is subscribed to, who it is, and how bytes reach its socket."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Protocol

from builtin_realtime.messages import Wire, encode
from builtin_realtime.subscription import Subscription, parse_subscription
from pbhost.model import Record
from pbhost.model.ids import random_text
from pbhost.services import RealtimeMessage


class Socket(Protocol):
    """The part of ``asyncio.Transport`` that a connection needs."""

    def write(self, data: bytes) -> None: ...

    def get_write_buffer_size(self) -> int: ...

    def is_closing(self) -> bool: ...


class Index(Protocol):
    """Told when a client's subscriptions change, so that a topic finds its clients at once."""

    def added(self, client: Client, subscription: Subscription) -> None: ...

    def removed(self, client: Client, subscription: Subscription) -> None: ...

    def schedule(self, client: Client) -> None: ...


class Client(ABC):
    """A connected client; implements :class:`pbhost.services.RealtimeClient`.

    Messages of one turn of the event loop leave as one write. Nothing here awaits: a client that does not keep up is
    discarded once more than ``max_pending`` bytes wait for it.
    """

    __slots__ = (
        "_index",
        "_pending",
        "_pending_size",
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
        "replay",
        "scheduled",
        "store",
        "wire",
    )

    def __init__(
        self, index: Index, *, ip: str, wire: Wire, idle_timeout: float, max_timeout: float, max_pending: int
    ) -> None:
        self.id = random_text(40)
        self.ip = ip
        self.wire: Wire = wire
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
        #: The task that sends what the client missed, while it runs.
        self.replay: asyncio.Task[object] | None = None
        self._index = index
        self._socket: Socket | None = None
        self._pending: list[bytes] = []
        self._pending_size = 0
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
            self.write(encode(message, self.wire))

    def write(self, encoded: bytes) -> None:
        """Queues a message that is encoded for this client's wire."""
        if self.is_discarded:
            return
        self._pending.append(encoded)
        self._pending_size += len(encoded)
        if not self.scheduled:
            self.scheduled = True
            self._index.schedule(self)

    def flush(self, now: float) -> None:
        """Writes what is queued with one call; ``now`` is the loop's clock."""
        self.scheduled = False
        pending, self._pending, self._pending_size = self._pending, [], 0
        socket = self._socket
        if not pending or socket is None or self.is_discarded:
            return
        if socket.get_write_buffer_size() > self.max_pending or socket.is_closing():
            self.discard()
            return
        socket.write(self.frame(pending))
        self.last_message_at = now

    @abstractmethod
    def frame(self, pending: list[bytes]) -> bytes:
        """Several encoded messages as one piece of the connection."""

    @property
    def backlog(self) -> int:
        """Bytes that wait for the peer."""
        return self._pending_size + (self._socket.get_write_buffer_size() if self._socket is not None else 0)

    @property
    def is_gone(self) -> bool:
        """Whether it was discarded, or the peer closed the connection."""
        return self.is_discarded or (self._socket is not None and self._socket.is_closing())

    def is_overdue(self, now: float) -> bool:
        """Whether a timer has run out, or the peer is gone."""
        return (
            self.is_gone or now - self.last_message_at > self.idle_timeout or now - self.connected_at > self.max_timeout
        )

    def discard(self) -> None:
        """Ends the connection; queued messages are dropped."""
        if not self.is_discarded:
            self.is_discarded = True
            self._pending.clear()
            if self.replay is not None:
                self.replay.cancel()
            if not self.done.done():
                self.done.set_result(None)


class StreamClient(Client):
    """A server-sent-events stream: chunks of a response body, each message with the client's id."""

    __slots__ = ("_prefix",)

    def __init__(
        self, index: Index, *, ip: str, with_seq: bool, idle_timeout: float, max_timeout: float, max_pending: int
    ) -> None:
        super().__init__(
            index,
            ip=ip,
            wire="sse+seq" if with_seq else "sse",
            idle_timeout=idle_timeout,
            max_timeout=max_timeout,
            max_pending=max_pending,
        )
        self._prefix = b"id:" + self.id.encode() + b"\n"

    def frame(self, pending: list[bytes]) -> bytes:
        """One chunk (RFC 9112 §7.1)."""
        prefix = self._prefix
        body = prefix + pending[0] if len(pending) == 1 else b"".join([prefix + item for item in pending])
        return b"%x\r\n%b\r\n" % (len(body), body)


class SocketClient(Client):
    """A WebSocket: whole frames, one after the other."""

    __slots__ = ()

    def __init__(self, index: Index, *, ip: str, max_pending: int) -> None:
        # Pings keep a WebSocket alive and find a dead peer; it needs no other timer.
        never = float("inf")
        super().__init__(index, ip=ip, wire="ws", idle_timeout=never, max_timeout=never, max_pending=max_pending)

    def frame(self, pending: list[bytes]) -> bytes:
        """The frames as they are."""
        return pending[0] if len(pending) == 1 else b"".join(pending)
