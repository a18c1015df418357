"""Many clients of the event stream in one process; creates records and counts what arrives.

    python -m bench.subscribers URL COLLECTION CLIENTS CREATES

Prints one JSON object: messages received, and seconds from the first create to the last message.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast
from urllib.parse import urlsplit

import aiohttp
import uvloop

_AT_ONCE = 8
_PATIENCE = 60.0


class Subscriber(asyncio.Protocol):
    """Counts the messages of one event stream without parsing them further."""

    def __init__(self, host: str, totals: Totals) -> None:
        self._host = host
        self._totals = totals
        self._rest = b""
        self.id: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        request = f"GET /api/realtime HTTP/1.1\r\nHost: {self._host}\r\n\r\n"
        cast("asyncio.Transport", transport).write(request.encode())  # uvloop's own class does not inherit from it

    def data_received(self, data: bytes) -> None:
        if self.id.done():
            # A marker may be cut in two by the ends of packets.
            text = self._rest + data
            self._totals.add(text.count(b"\ndata:"))
            self._rest = text[-5:] if not text.endswith(b"\ndata:") else b""
            return
        self._rest += data
        at = self._rest.find(b"id:")
        end = self._rest.find(b"\n\n", at)
        if at >= 0 and end >= 0:
            self.id.set_result(self._rest[at + 3 :].split(b"\n", 1)[0].decode().strip())
            self._rest = b""


class Totals:
    """What all clients have received."""

    def __init__(self, expected: int) -> None:
        self.received = 0
        self.last = 0.0
        self._expected = expected
        self.complete = asyncio.Event()

    def add(self, count: int) -> None:
        self.received += count
        self.last = time.perf_counter()
        if self.received >= self._expected:
            self.complete.set()


async def main(url: str, collection: str, clients: int, creates: int) -> None:
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    totals = Totals(clients * creates)
    subscribers: list[Subscriber] = []
    for _ in range(clients):
        _, subscriber = await loop.create_connection(
            lambda: Subscriber(address.netloc, totals), address.hostname or "127.0.0.1", address.port or 80
        )
        subscribers.append(subscriber)
    async with aiohttp.ClientSession() as session:
        for subscriber in subscribers:
            client = await asyncio.wait_for(subscriber.id, _PATIENCE)
            body = {"clientId": client, "subscriptions": [f"{collection}/*"]}
            async with session.post(f"{url}/api/realtime", json=body) as answer:
                answer.raise_for_status()
        numbers = iter(range(creates))

        async def create() -> None:
            for number in numbers:
                path = f"{url}/api/collections/{collection}/records"
                async with session.post(path, json={"text": f"message {number}"}) as answer:
                    answer.raise_for_status()

        started = time.perf_counter()
        await asyncio.gather(*(create() for _ in range(_AT_ONCE)))
        try:
            await asyncio.wait_for(totals.complete.wait(), _PATIENCE)
        except TimeoutError:
            print(f"only {totals.received} messages arrived", file=sys.stderr)
    print(json.dumps({"messages": totals.received, "seconds": totals.last - started}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
