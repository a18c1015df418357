"""From committed changes to messages: who may see what, evaluated once for all who would get the same answer.

Subscribers of a change fall into groups: the same rule, the same options, and, unless nothing depends on it, the
same identity. Each group costs one evaluation and one encoding, whatever its size; all groups of a batch of changes share one
job in a database thread.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson

from builtin_realtime.client import StreamClient
from builtin_realtime.subscription import Subscription
from builtin_realtime.topics import TopicIndex
from pbhost.database import Change, Connection
from pbhost.hooks import HookRegistry
from pbhost.http.picker import FieldsError, pick
from pbhost.model import Collection, Record, RequestContext, Rule
from pbhost.services import Collections, Records, SyncRecords

log = logging.getLogger("pbhost.realtime")

#: Identity of a group: nobody in particular, or one record.
Who: TypeAlias = "tuple[str, str] | None"


@dataclass(slots=True)
class Group:
    """Subscribers that get the same answer for one change."""

    rule: Rule
    subscription: Subscription
    auth: Record | None
    targets: list[tuple[str, list[StreamClient]]] = field(default_factory=list)

    def context(self) -> RequestContext:
        """The request that stands for the group's subscribers."""
        return RequestContext(
            method="GET",
            path="/api/realtime",
            query=self.subscription.query,
            headers=self.subscription.headers,
            auth=self.auth,
            context="realtime",
        )


@dataclass(slots=True)
class Delivery:
    """One change with its groups, and after evaluation the payload of each (None: they may not see it)."""

    change: Change
    collection: Collection
    groups: list[Group]
    payloads: list[bytes | None] = field(default_factory=list)


class Fanout:
    """Groups subscribers and evaluates what they may see."""

    def __init__(self, index: TopicIndex, collections: Collections, records: Records, hooks: HookRegistry) -> None:
        self._index = index
        self._collections = collections
        self._records = records
        self._hooks = hooks
        #: How often rules were evaluated and messages encoded; for tests and metrics.
        self.evaluations = 0
        self.encodings = 0

    def plan(self, changes: Iterable[Change]) -> list[Delivery]:
        """The deliveries that anybody is subscribed to. On the event loop; only look-ups."""
        deliveries = []
        for change in changes:
            collection = self._collections.find(change.collection_id)
            if collection is None or collection.is_view:
                continue
            groups = self._group(collection, change)
            if groups:
                deliveries.append(Delivery(change, collection, groups))
        return deliveries

    def _group(self, collection: Collection, change: Change) -> list[Group]:
        groups: dict[object, Group] = {}
        enriched = self._hooks.chain("on_record_enrich", collection.tags) is not None
        for kind, subscription, clients in self._index.concerned(collection, change.record_id):
            rule = collection.rule(kind)
            personal = enriched or _depends_on_identity(collection, rule, subscription)
            by_who: dict[Who, list[StreamClient]] = {}
            if personal:
                for client in clients.values():
                    by_who.setdefault(_who(client), []).append(client)
            else:
                for client in clients.values():
                    superuser = client.auth is not None and client.auth.collection.is_superusers
                    by_who.setdefault(_who(client) if superuser else None, []).append(client)
            for who, members in by_who.items():
                if rule is None and not (members[0].auth is not None and members[0].auth.collection.is_superusers):
                    continue
                key = (rule, who, subscription.options_key)
                group = groups.get(key)
                if group is None:
                    group = groups[key] = Group(rule, subscription, members[0].auth if who is not None else None)
                group.targets.append((subscription.text, members))
        return list(groups.values())

    def evaluate(self, connection: Connection, deliveries: Sequence[Delivery]) -> None:
        """Fills the payloads. Runs in a database thread, on one snapshot."""
        records = self._records.within(connection)
        for delivery in deliveries:
            try:
                record = self._load(records, delivery)
            except Exception:
                log.exception("a %s change could not be read", delivery.collection.name)
                record = None
            delivery.payloads = [
                None if record is None else self._payload(records, delivery, group, record) for group in delivery.groups
            ]

    def _load(self, records: SyncRecords, delivery: Delivery) -> Record | None:
        change = delivery.change
        if change.action != "delete":
            return records.find(delivery.collection, change.record_id)
        stored = orjson.loads(change.payload) if change.payload else {"id": change.record_id}
        return Record.from_row(delivery.collection, tuple(stored), tuple(stored.values()))

    def _payload(self, records: SyncRecords, delivery: Delivery, group: Group, record: Record) -> bytes | None:
        context = group.context()
        query = group.subscription.query
        rule = "" if context.is_superuser else group.rule
        try:
            if rule or query.get("filter"):
                self.evaluations += 1
                check = records.would_satisfy if delivery.change.action == "delete" else records.satisfies
                if not check(record, rule, context, filter=query.get("filter", "")):
                    return None
            copy = record.copy()
            records.enrich([copy], context, expand=query.get("expand", ""))
            shown: object = copy.to_json()
            if query.get("fields"):
                shown = _picked(shown, query["fields"])
            self.encodings += 1
            return orjson.dumps({"record": shown, "action": delivery.change.action})
        except Exception:
            # One subscriber's broken filter or one failing hook must not take the others' messages.
            log.exception("a realtime message of %s was skipped", delivery.collection.name)
            return None


def _who(client: StreamClient) -> Who:
    return None if client.auth is None else (client.auth.collection.id, client.auth.id)


def _depends_on_identity(collection: Collection, rule: Rule, subscription: Subscription) -> bool:
    return (
        collection.is_auth
        or "@request.auth" in (rule or "")
        or "expand" in subscription.query
        or "filter" in subscription.query
    )


def _picked(shown: object, fields: str) -> object:
    plain = orjson.loads(orjson.dumps(shown))
    try:
        return pick(plain, fields)
    except FieldsError:
        return plain
