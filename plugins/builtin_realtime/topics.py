"""Which clients a change concerns: an index from topics to subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic

from builtin_realtime.client import Client
from builtin_realtime.subscription import Subscription
from pbhost.model import Collection, RuleKind


class TopicIndex:
    """Subscriptions by topic, and the clients that have something to write in this turn of the event loop."""

    def __init__(self) -> None:
        #: topic → subscription string → (parsed, clients by id)
        self._topics: dict[str, dict[str, tuple[Subscription, dict[str, Client]]]] = {}
        self._dirty: list[Client] = []

    def added(self, client: Client, subscription: Subscription) -> None:
        """A client subscribed."""
        strings = self._topics.setdefault(subscription.topic, {})
        strings.setdefault(subscription.text, (subscription, {}))[1][client.id] = client

    def removed(self, client: Client, subscription: Subscription) -> None:
        """A client unsubscribed."""
        strings = self._topics.get(subscription.topic, {})
        if (entry := strings.get(subscription.text)) is not None:
            entry[1].pop(client.id, None)
            if not entry[1]:
                del strings[subscription.text]
                if not strings:
                    del self._topics[subscription.topic]

    def schedule(self, client: Client) -> None:
        """Writes the client's queue at the end of this turn, together with everybody else's."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(client)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        now = monotonic()
        for client in dirty:
            client.flush(now)

    def clients_of(self, subscription: str) -> list[Client]:
        """Clients that submitted exactly this string."""
        entry = self._topics.get(subscription.partition("?")[0], {}).get(subscription)
        return list(entry[1].values()) if entry is not None else []

    def concerned(
        self, collection: Collection, record_id: str
    ) -> Iterator[tuple[RuleKind, Subscription, dict[str, Client]]]:
        """Subscriptions that a change of this record concerns, with the rule that decides."""
        for name in dict.fromkeys((collection.name, collection.id)):
            for rule, topic in (("list", f"{name}/*"), ("list", name), ("view", f"{name}/{record_id}")):
                for subscription, clients in self._topics.get(topic, {}).values():
                    yield rule, subscription, clients  # type: ignore[misc]  # the literal widened to str
