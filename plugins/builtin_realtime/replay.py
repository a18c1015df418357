"""What a client missed: the changes after the last one it saw, in order, each once, and then live without a gap."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from builtin_realtime.client import Client
from builtin_realtime.subscription import parse_subscription
from builtin_realtime.topics import TopicIndex
from pbhost.errors import ApiError, FieldError
from pbhost.services import RealtimeMessage

if TYPE_CHECKING:
    from builtin_realtime.service import Broker

log = logging.getLogger("pbhost.realtime")

BATCH = 500
#: A client that reads slowly is waited for once this many bytes are under way to it.
PAUSE_AT_BYTES = 1024 * 1024
PAUSE_SECONDS = 0.02


async def check_resumable(broker: Broker, after: int) -> None:
    """Whether every change after a sequence number is still known.

    Raises:
        ApiError: 410; the client has to load its data anew. ``data.after.params`` has the numbers that are held.
    """
    oldest, newest = await broker.app.db.last_change()
    if after == newest or oldest - 1 <= after <= newest:
        return
    error = FieldError(
        "realtime_sequence_too_old" if after < oldest else "realtime_sequence_unknown",
        "The changes after this sequence number are not known any more.",
        {"oldest": oldest, "newest": newest},
    )
    raise ApiError("The sequence number can't be resumed, load the data anew.", {"after": error}, status=410)


async def replay(broker: Broker, client: Client, subscriptions: Sequence[str], after: int) -> None:
    """Sends what the subscriptions missed, then makes them live."""
    missed = TopicIndex()
    for text in dict.fromkeys(subscriptions):
        if text:
            missed.added(client, parse_subscription(text))
    position = after
    while not client.is_discarded:
        async with broker.in_step:
            # Nothing is broadcast meanwhile: what was delivered is exactly what a live client has seen.
            if position >= broker.delivered:
                client.subscribe(*subscriptions)
                return
            until = broker.delivered
        changes = [item for item in await broker.app.db.changes(position, BATCH) if item.seq <= until]
        if not changes:
            position = until
            continue
        for delivery in await broker.evaluated(changes, missed):
            for group, payload in zip(delivery.groups, delivery.payloads, strict=True):
                if payload is not None:
                    for name, _ in group.targets:
                        client.send(RealtimeMessage(name, payload, delivery.change.seq))
        position = changes[-1].seq
        while client.backlog > PAUSE_AT_BYTES and not client.is_discarded:  # noqa: ASYNC110  # the owner learns of drains
            await asyncio.sleep(PAUSE_SECONDS)
