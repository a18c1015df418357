"""Live updates: clients, messages, the broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pbhost.errors import JSON
from pbhost.model import Record


@dataclass(slots=True)
class RealtimeMessage:
    """One message.

    Attributes:
        name: the event's name, which is the subscription string.
        data: JSON, sent verbatim.
        seq: the sequence number of the change it tells of, 0 for a custom message.
    """

    name: str
    data: bytes
    seq: int = 0


class RealtimeClient(Protocol):
    """One open connection."""

    id: str
    auth: Record | None
    ip: str
    is_discarded: bool
    #: Free store of plugins.
    store: dict[str, object]

    def subscriptions(self) -> Mapping[str, object]:
        """Subscription strings and their parsed options."""
        ...

    def has_subscription(self, subscription: str) -> bool: ...

    def subscribe(self, *subscriptions: str) -> None: ...

    def unsubscribe(self, *subscriptions: str) -> None:
        """Removes some; all if none is named."""
        ...

    def send(self, message: RealtimeMessage) -> None:
        """Queues a message; never blocks. A client that is too slow is discarded."""
        ...

    def discard(self) -> None:
        """Closes the connection."""
        ...


class Realtime(Protocol):
    """The broker of live updates of this process."""

    def clients(self) -> Mapping[str, RealtimeClient]: ...

    def client(self, id: str) -> RealtimeClient | None: ...

    def register(self, client: RealtimeClient) -> None: ...

    def unregister(self, id: str) -> None: ...

    async def send(self, topic: str, data: JSON) -> int:
        """Sends a custom message to every client subscribed to exactly that string, in every worker process.
        Returns how many clients of this process got it."""
        ...

    async def deliver_once(self, client_id: str, topic: str, data: JSON, *, ip: str) -> bool:
        """Sends one message to one client, of any worker process, and takes the subscription from it.

        Returns:
            Whether it was sent: the client is connected, subscribed to exactly ``topic``, and connected from ``ip``. A
            client with another IP loses the subscription too, but gets nothing.
        """
        ...
