"""The broker: clients of this process, the change feed that drives them, and messages from code."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic

import orjson

from builtin_realtime.client import Client, SocketClient, StreamClient
from builtin_realtime.config import RealtimeConfig
from builtin_realtime.fanout import Delivery, Fanout
from builtin_realtime.identities import Identities
from builtin_realtime.messages import Wire, encode
from builtin_realtime.peers import Peers
from builtin_realtime.topics import TopicIndex
from pbhost import App, Record
from pbhost.database import Change
from pbhost.errors import JSON
from pbhost.services import RealtimeClient, RealtimeMessage

log = logging.getLogger("pbhost.realtime")

#: Changes handled by one database job; bounds both its length and the memory of a burst.
BATCH = 500
#: How often timers and lost connections are looked for; the server does not tell a handler that its peer is gone.
SWEEP_SECONDS = 0.5
SCHEMA = "_collections"


class Broker:
    """Live updates of this process; implements :class:`pbhost.services.Realtime`.

    One task follows the change feed. Per batch it looks up who is subscribed (memory), evaluates all of it in one
    database job, and writes to the sockets in commit order.
    """

    def __init__(self, app: App, config: RealtimeConfig) -> None:
        self.app = app
        self.config = config
        self.topics = TopicIndex()
        self.identities = Identities()
        self.peers = Peers(app.config.runtime_dir, app.config.worker, self)
        self._clients: dict[str, Client] = {}
        self._fanout: Fanout | None = None
        self._tasks: list[asyncio.Task[object]] = []
        #: The newest change whose messages were handed to the sockets; changes only while ``in_step`` is held.
        self.delivered = 0
        self.in_step = asyncio.Lock()

    # -- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Follows the change feed from its current end."""
        self._fanout = Fanout(self.topics, self.app.collections, self.app.records, self.app.hooks)
        self.identities.schema_changed(list(self.app.collections.all()))
        self.delivered = (await self.app.db.last_change())[1]
        await self.peers.start()
        self._tasks = [
            self.app.background(self._follow(), name="realtime feed"),
            self.app.background(self._sweep(), name="realtime timers"),
        ]

    async def stop(self) -> None:
        """Ends every stream."""
        for task in self._tasks:
            task.cancel()
        await self.peers.stop()
        self.close_all()

    def close_all(self) -> None:
        """Ends every stream; they end before the server waits for running requests."""
        for client in list(self._clients.values()):
            client.discard()

    @property
    def fanout(self) -> Fanout:
        """What evaluates and counts."""
        assert self._fanout is not None, "the broker was not started"
        return self._fanout

    # -- clients -----------------------------------------------------------------------------------------------------

    def new_stream(self, *, ip: str, with_seq: bool) -> StreamClient:
        """A server-sent-events client that is not registered yet."""
        return StreamClient(
            self.topics,
            ip=ip,
            with_seq=with_seq,
            idle_timeout=self.config.idle_timeout,
            max_timeout=self.config.max_lifetime,
            max_pending=self.config.max_pending_bytes,
        )

    def new_socket(self, *, ip: str) -> SocketClient:
        """A WebSocket client that is not registered yet."""
        return SocketClient(self.topics, ip=ip, max_pending=self.config.max_pending_bytes)

    def clients(self) -> Mapping[str, RealtimeClient]:
        """A snapshot of the connected clients by id."""
        return dict(self._clients)

    def client(self, id: str) -> Client | None:
        """A connected client of this process; one whose peer is gone is forgotten at once."""
        client = self._clients.get(id)
        if client is not None and client.is_gone:
            self.unregister(id)
            return None
        return client

    def register(self, client: RealtimeClient) -> None:
        """Adds a client."""
        if not isinstance(client, Client):
            raise TypeError("a client must come from new_stream() or new_socket()")
        self._clients[client.id] = client

    def unregister(self, id: str) -> None:
        """Removes and discards a client."""
        client = self._clients.pop(id, None)
        if client is not None:
            client.unsubscribe()
            self.identities.release(client)
            client.discard()

    # -- messages from code ------------------------------------------------------------------------------------------

    async def send(self, topic: str, data: JSON) -> int:
        """Sends to every client subscribed to exactly that string, here and in the other workers."""
        payload = orjson.dumps(data)
        await self.peers.tell_all("send", {"topic": topic, "data": data})
        return self.send_here(topic, payload)

    def send_here(self, topic: str, payload: bytes) -> int:
        """Sends to the clients of this process; returns how many."""
        clients = self.topics.clients_of(topic)
        for client in clients:
            client.send(RealtimeMessage(topic, payload))
        return len(clients)

    async def deliver_once(self, client_id: str, topic: str, data: JSON, *, ip: str) -> bool:
        """One message to one client of any worker, who loses the subscription."""
        if self.client(client_id) is not None:
            return self.deliver_here(client_id, topic, data, ip=ip)
        answer = await self.peers.ask("deliver_once", {"client": client_id, "topic": topic, "data": data, "ip": ip})
        return answer is not None and answer.get("sent") is True

    def deliver_here(self, client_id: str, topic: str, data: JSON, *, ip: str) -> bool:
        """As :meth:`deliver_once`, for a client of this process."""
        client = self.client(client_id)
        if client is None or not client.has_subscription(topic):
            return False
        allowed = not client.ip or client.ip == ip
        if allowed:
            client.send(RealtimeMessage(topic, orjson.dumps(data)))
        client.unsubscribe(topic)
        return allowed

    # -- the feed ----------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        async for newest in self.app.db.watch_changes():
            while self.delivered < newest:
                async with self.in_step:
                    await self._advance(newest)

    async def _advance(self, newest: int) -> None:
        if not self._clients:
            self.delivered = newest
            return
        changes = await self.app.db.changes(self.delivered, BATCH)
        try:
            await self._handle(changes)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("changes after %s were not broadcast", self.delivered)
        self.delivered = changes[-1].seq if changes else newest

    async def _handle(self, changes: Sequence[Change]) -> None:
        """Broadcasts in order; a change of a bound identity takes effect before what follows it is evaluated."""
        pending: list[Change] = []
        for change in changes:
            if change.collection_id == SCHEMA:
                await self._broadcast(pending)
                pending = []
                self.identities.schema_changed(list(self.app.collections.all()))
            elif self.identities.has(change.collection_id, change.record_id):
                await self._broadcast(pending)
                pending = []
                await self._follow_identity(change)
                await self._broadcast([change])
            else:
                pending.append(change)
        await self._broadcast(pending)

    async def _follow_identity(self, change: Change) -> None:
        fresh: Record | None = None
        if change.action != "delete":
            fresh = await self.app.records.find(change.collection_id, change.record_id)
        self.identities.record_changed(change.collection_id, change.record_id, fresh)

    async def _broadcast(self, changes: Sequence[Change]) -> None:
        for delivery in await self.evaluated(changes):
            for group, payload in zip(delivery.groups, delivery.payloads, strict=True):
                if payload is None:
                    continue
                for name, clients in group.targets:
                    self._write(RealtimeMessage(name, payload, delivery.change.seq), clients)

    async def evaluated(self, changes: Sequence[Change], index: TopicIndex | None = None) -> list[Delivery]:
        """What changes mean for subscribers: everybody, or those of an index; one database job for all."""
        deliveries = self.fanout.plan(changes, index)
        if deliveries:
            hooked = any(self._enriches_async(delivery) for delivery in deliveries)
            await self.app.db.read(
                lambda connection: self.fanout.evaluate(connection, deliveries), lane="hooked" if hooked else "list"
            )
        return deliveries

    @staticmethod
    def _write(message: RealtimeMessage, clients: Sequence[Client]) -> None:
        encoded: dict[Wire, bytes] = {}
        for client in clients:
            if client.intercept is not None:
                client.intercept(message)
                continue
            wire = client.wire
            if wire not in encoded:
                encoded[wire] = encode(message, wire)
            client.write(encoded[wire])

    def _enriches_async(self, delivery: Delivery) -> bool:
        chain = self.app.hooks.chain("on_record_enrich", delivery.collection.tags)
        return chain is not None and chain.is_async

    # -- timers ------------------------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        with suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(SWEEP_SECONDS)
                now = monotonic()
                for client in list(self._clients.values()):
                    if client.is_overdue(now):
                        client.discard()
