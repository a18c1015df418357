"""A reader of live updates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import orjson

if TYPE_CHECKING:
    import aiohttp

    from pbhost.errors import JSON
    from pbhost.testing.clients import Client


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """One message: the subscription it is for, and its data (``action`` and ``record`` for a change of a record)."""

    topic: str
    data: JSON

    def __getitem__(self, key: str) -> JSON:
        assert isinstance(self.data, dict), self.data
        return self.data[key]


class OpenReader(Protocol):
    """What the fixture ``realtime_reader`` is."""

    async def __call__(self, client: Client, *subscriptions: str) -> RealtimeReader:
        """A reader with those subscriptions, under that client's identity."""
        ...


class RealtimeReader:
    """An open stream of server-sent events with subscriptions.

    That a message does *not* come is shown by one that comes after it: cause the change that must stay silent, then
    one that must not, and read the next message.
    """

    def __init__(self, client: Client, response: aiohttp.ClientResponse) -> None:
        self._client = client
        self._response = response
        self.id = ""

    @classmethod
    @asynccontextmanager
    async def opened(cls, client: Client, subscriptions: Sequence[str]) -> AsyncIterator[RealtimeReader]:
        """A reader whose subscriptions are in force; closed at the end of the block."""
        running = client.running
        async with running.session.get(f"{running.url}/api/realtime") as response:
            reader = cls(client, response)
            reader.id = str((await reader.next())["clientId"])
            await reader.subscribe(*subscriptions)
            yield reader

    async def subscribe(self, *subscriptions: str) -> None:
        """Replaces the subscriptions."""
        body = {"clientId": self.id, "subscriptions": list(subscriptions)}
        answer = await self._client.post("/api/realtime", body)
        assert answer.status == 204, answer.body

    async def next(self, *, seconds: float = 5) -> LiveMessage:
        """The next message.

        Raises:
            TimeoutError: none came in that time.
            EOFError: the server closed the stream.
        """
        topic, data = "", b""
        async with asyncio.timeout(seconds):
            while line := await self._response.content.readline():
                name, _, value = line.strip().partition(b":")
                if name == b"event":
                    topic = value.decode()
                elif name == b"data":
                    data += value
                elif not name and data:
                    return LiveMessage(topic, orjson.loads(data))
        raise EOFError("the server closed the stream")
