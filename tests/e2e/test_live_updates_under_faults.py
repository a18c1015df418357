"""Clients that resume hold exactly the committed state, whatever happens to connections and servers meanwhile."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp

from .conftest import Server, free_port

CLIENTS = 6
WRITES = 240
SECONDS = 60


class CuttingProxy:
    """A TCP proxy before the server that cuts connections at random moments until it is told to be gentle."""

    def __init__(self, target: int, random_source: random.Random) -> None:
        self.target, self.random, self.port, self.cuts = target, random_source, free_port(), 0
        self.gentle = False
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        life = None if self.gentle else self.random.uniform(0.05, 0.6)
        pipes = [asyncio.create_task(_pipe(reader, up_writer)), asyncio.create_task(_pipe(up_reader, writer))]
        try:
            done, _ = await asyncio.wait(pipes, timeout=life, return_when=asyncio.FIRST_COMPLETED)
            self.cuts += not done
        finally:
            for task in pipes:
                task.cancel()
            for end in (writer, up_writer):
                end.transport.abort()
            await asyncio.gather(*pipes, return_exceptions=True)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


class ResumingClient:
    """Follows ``items/*`` through cuts and restarts; remembers what it saw."""

    def __init__(self, url: str, wire: str) -> None:
        self.url, self.wire = url, wire
        self.after: int | None = None
        self.seen: list[int] = []
        self.state: dict[str, Any] = {}
        self.reconnects = -1
        self.started = asyncio.Event()

    async def follow(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                self.reconnects += 1
                with suppress(OSError, aiohttp.ClientError, ValueError, TypeError):
                    await (self._stream(session) if self.wire == "sse" else self._socket(session))
                await asyncio.sleep(0.02)

    async def _stream(self, session: aiohttp.ClientSession) -> None:
        async with session.get(self.url + "/api/realtime?seq=true") as stream:
            client_id, hello = await self._event(stream)
            self._begin(hello["seq"])
            body = {"clientId": client_id, "subscriptions": ["items/*"], "after": self.after}
            async with session.post(self.url + "/api/realtime", json=body) as answer:
                assert answer.status in (204, 404), await answer.text()
            while True:
                _, data = await self._event(stream)
                self._take(data["seq"], data)

    @staticmethod
    async def _event(stream: aiohttp.ClientResponse) -> tuple[str, Any]:
        lines = [(await stream.content.readline()).decode() for _ in range(4)]
        if lines[-1] != "\n":
            raise ValueError("the stream ended inside a message")
        return lines[0].strip()[3:], json.loads(lines[2][5:])

    async def _socket(self, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(self.url + "/api/realtime/ws") as socket:
            self._begin((await socket.receive_json())["seq"])
            await socket.send_json({"type": "subscribe", "id": 1, "subscriptions": ["items/*"], "after": self.after})
            while True:
                message = await socket.receive_json()
                assert message["type"] != "error", message
                if message["type"] == "message":
                    self._take(message["seq"], message["data"])

    def _begin(self, newest: int) -> None:
        if self.after is None:
            self.after = newest
            self.started.set()

    def _take(self, seq: int, data: Any) -> None:
        assert self.after is not None
        assert seq > self.after, f"change {seq} came after {self.after}"
        self.after = seq
        self.seen.append(seq)
        if data["action"] == "delete":
            self.state.pop(data["record"]["id"], None)
        else:
            self.state[data["record"]["id"]] = data["record"]["n"]


async def write_under_load(server: Server, chance: random.Random, count: int) -> None:
    """Creates, updates and deletes; an attempt that fails because the server is down is simply dropped."""
    known: list[str] = []
    async with aiohttp.ClientSession() as session:
        records = server.url + "/api/collections/items/records"
        for n in range(count):
            with suppress(OSError, aiohttp.ClientError):
                action = chance.random()
                if not known or action < 0.5:
                    async with session.post(records, json={"n": n}) as answer:
                        known.append((await answer.json())["id"])
                elif action < 0.8:
                    async with session.patch(f"{records}/{chance.choice(known)}", json={"n": n}) as answer:
                        await answer.read()
                else:
                    async with session.delete(f"{records}/{known.pop(chance.randrange(len(known)))}") as answer:
                        await answer.read()
            await asyncio.sleep(0.005)


async def live_through(server: Server, *, kills: int) -> None:
    chance = random.Random(20261124)
    proxy = CuttingProxy(server.port, chance)
    clients = [
        ResumingClient(f"http://127.0.0.1:{proxy.port}", "sse" if index % 2 else "ws") for index in range(CLIENTS)
    ]
    await proxy.start()
    following = [asyncio.create_task(client.follow()) for client in clients]
    try:
        await asyncio.gather(*(client.started.wait() for client in clients))
        begin = max(client.after or 0 for client in clients)
        await make_changes(server, proxy, chance, kills)
        proxy.gentle = True
        feed, committed = what_is_committed(server, begin)
        async with asyncio.timeout(SECONDS):
            while any(client.seen[-1:] != feed[-1:] for client in clients):
                await asyncio.sleep(0.05)
                for task in following:
                    assert not task.done(), task.exception()
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await proxy.stop()
    assert len(feed) > WRITES // 2, "the scenario wrote too little to mean anything"
    assert proxy.cuts > CLIENTS, "the proxy cut too little to mean anything"
    for client in clients:
        assert [seq for seq in client.seen if seq > begin] == feed, f"{client.wire}: each change once, in order"
        assert client.state == committed


async def make_changes(server: Server, proxy: CuttingProxy, chance: random.Random, kills: int) -> None:
    """Writes until enough was written, cut and killed."""
    rounds = 0
    while rounds <= kills or (proxy.cuts <= CLIENTS and rounds < 20):
        await asyncio.gather(*(write_under_load(server, chance, WRITES // 4 // (kills + 1)) for _ in range(4)))
        if rounds < kills:
            writing = asyncio.create_task(write_under_load(server, chance, 30))
            await asyncio.sleep(0.05)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            await writing
        rounds += 1


def what_is_committed(server: Server, begin: int) -> tuple[list[int], dict[str, Any]]:
    """The sequence numbers of the feed after a point, and the records, as they stand in the database."""
    with sqlite3.connect(server.dir / "data.db") as db:
        (collection,) = db.execute("SELECT id FROM _collections WHERE name = 'items'").fetchone()
        rows = db.execute(
            "SELECT seq FROM _pbhost_changes WHERE collection_id = ? AND seq > ? ORDER BY seq", (collection, begin)
        ).fetchall()
        return [row[0] for row in rows], dict(db.execute("SELECT id, n FROM items").fetchall())


def prepare(server: Server) -> None:
    body = {
        "name": "items",
        "fields": [{"name": "n", "type": "number"}],
        **dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), ""),
    }
    status, answer = server.request("POST", "/api/collections", body, token=server.superuser_token())
    assert status == 200, answer


def test_one_process_killed_under_load(start_server: Callable[..., Server]) -> None:
    server = start_server()
    prepare(server)
    asyncio.run(live_through(server, kills=2))


def test_two_workers_behind_a_cutting_proxy(start_server: Callable[..., Server]) -> None:
    server = start_server("--workers", "2")
    prepare(server)
    asyncio.run(live_through(server, kills=0))
