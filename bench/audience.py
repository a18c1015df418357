"""Thousands of realtime clients in one process, for the workloads of ``bench/workloads/realtime.py``.

    python -m bench.audience URL DATA_DIR idle|sse|ws|identities CLIENTS MESSAGES

Prints one JSON object: messages received, seconds from the first create to the last message, and for one message to
all the milliseconds that the last client waited.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import struct
import sys
import time
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import jwt
import uvloop

from bench.environment import MESSAGES, PEOPLE, SUPERUSER

PERSONAL = "personal"
PATIENCE = 120.0
CONNECTING = 200


class Audience:
    """What all clients received, and when the last of it came."""

    def __init__(self) -> None:
        self.expected = 0
        self.received = 0
        self.last = 0.0
        self.complete = asyncio.Event()

    def expect(self, count: int) -> None:
        self.expected, self.received = count, 0
        self.complete.clear()

    def add(self, count: int) -> None:
        self.received += count
        self.last = time.perf_counter()
        if self.received >= self.expected:
            self.complete.set()


class Listener(asyncio.Protocol):
    """One raw connection that counts the occurrences of a marker."""

    def __init__(self, request: bytes, audience: Audience, marker: bytes) -> None:
        self._request, self._audience, self._marker = request, audience, marker
        self._rest = b""
        self.hello: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        text = self._rest + data
        if not self.hello.done():
            if b"clientId" in text:
                self.hello.set_result(text)
                text = b""
            self._rest = text
            return
        found = text.count(self._marker)
        if found:
            self._audience.add(found)
        keep = len(self._marker) - 1
        self._rest = b"" if text.endswith(self._marker) else text[-keep:]


def masked_frame(payload: bytes) -> bytes:
    """A client's text frame."""
    mask = os.urandom(4)
    body = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return b"\x81" + struct.pack("!BH", 0x80 | 126, len(payload)) + mask + body


async def connect(url: str, kind: str, clients: int, audience: Audience) -> list[Listener]:
    """Opens all connections and waits for their first message."""
    address = urlsplit(url)
    if kind == "ws":
        head = "GET /api/realtime/ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        marker = b'"type":"message"'
    else:
        head, marker = "GET /api/realtime HTTP/1.1\r\n", b"\ndata:"
    request = f"{head}Host: {address.netloc}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    listeners: list[Listener] = []
    for start in range(0, clients, CONNECTING):
        opened = await asyncio.gather(
            *(
                loop.create_connection(
                    lambda: Listener(request, audience, marker), address.hostname or "127.0.0.1", address.port or 80
                )
                for _ in range(min(CONNECTING, clients - start))
            )
        )
        listeners += [listener for _, listener in opened]
        await asyncio.wait_for(asyncio.gather(*(item.hello for item in listeners[start:])), PATIENCE)
    return listeners


async def subscribe(
    session: aiohttp.ClientSession, url: str, kind: str, listeners: list[Listener], topic: str, tokens: list[str]
) -> None:
    """Subscribes every client."""
    if kind == "ws":
        frame = masked_frame(json.dumps({"type": "subscribe", "id": 1, "subscriptions": [topic]}).encode())
        for listener in listeners:
            assert listener.transport is not None
            listener.transport.write(frame)
        await asyncio.sleep(1.0)
        return
    gate = asyncio.Semaphore(16)

    async def one(listener: Listener, token: str) -> None:
        text = listener.hello.result()
        client_id = text[text.index(b"id:") + 3 :].split(b"\n", 1)[0].decode()
        body = {"clientId": client_id, "subscriptions": [topic]}
        async with (
            gate,
            session.post(f"{url}/api/realtime", json=body, headers={"Authorization": token} if token else {}) as answer,
        ):
            answer.raise_for_status()

    await asyncio.gather(*(one(item, tokens[index] if tokens else "") for index, item in enumerate(listeners)))


def people(directory: Path, count: int) -> list[str]:
    """Tokens of that many users, made in the database: hashing their passwords is not what is measured."""
    with sqlite3.connect(directory / "data.db", timeout=30) as db:
        collection_id, options = db.execute("SELECT id, options FROM _collections WHERE name = ?", (PEOPLE,)).fetchone()
        secret = json.loads(options)["authToken"]["secret"]
        tokens = []
        for number in range(count):
            record_id, key = f"person{number:09d}", f"{number:050d}"
            db.execute(
                f"INSERT OR IGNORE INTO {PEOPLE} (id, email, tokenKey, password, verified) VALUES (?, ?, ?, '', 1)",
                (record_id, f"person{number}@example.com", key),
            )
            claims = {"id": record_id, "collectionId": collection_id, "type": "auth", "exp": int(time.time()) + 3600}
            tokens.append(jwt.encode({**claims, "refreshable": True}, key + secret, algorithm="HS256"))
    return tokens


async def prepare_personal(session: aiohttp.ClientSession, url: str) -> None:
    """A collection whose list rule names the subscriber."""
    email, password = SUPERUSER
    async with session.post(
        f"{url}/api/collections/_superusers/auth-with-password", json={"identity": email, "password": password}
    ) as answer:
        token = (await answer.json())["token"]
    fields = [{"name": "text", "type": "text"}, {"name": "owner", "type": "text"}]
    rule = '@request.auth.id != "" && (owner = "" || owner = @request.auth.id)'
    body: dict[str, Any] = {"name": PERSONAL, "fields": fields, "listRule": rule, "createRule": ""}
    async with session.post(f"{url}/api/collections", json=body, headers={"Authorization": token}) as answer:
        if answer.status not in (200, 400):
            answer.raise_for_status()


async def main(url: str, directory: Path, kind: str, clients: int, messages: int) -> None:
    audience = Audience()
    async with aiohttp.ClientSession() as session:
        tokens: list[str] = []
        collection = MESSAGES
        if kind == "identities":
            await prepare_personal(session, url)
            tokens, collection = people(directory, clients), PERSONAL
        listeners = await connect(url, kind, clients, audience)
        if kind == "idle":
            print(json.dumps({"connected": len(listeners)}), flush=True)
            await asyncio.to_thread(sys.stdin.read)
            return
        await subscribe(session, url, kind, listeners, f"{collection}/*", tokens)
        audience.expect(clients * messages)
        started = time.perf_counter()
        for number in range(messages):
            path = f"{url}/api/collections/{collection}/records"
            async with session.post(path, json={"text": f"message {number}"}) as answer:
                answer.raise_for_status()
        try:
            await asyncio.wait_for(audience.complete.wait(), PATIENCE)
        except TimeoutError:
            print(f"only {audience.received} of {audience.expected} messages arrived", file=sys.stderr)
        print(json.dumps({"messages": audience.received, "seconds": audience.last - started}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
