"""From committed changes to messages: who may see what, evaluated once for all who would get the same answer.

Subscribers of a change fall into groups: the same rule, the same options, and, unless the rule depends on it, the same
identity. Each group costs one evaluation; groups that would read the same bytes share one encoding. All groups of a
batch of changes share one job in a database thread.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson

from builtin_realtime.client import Client
from builtin_realtime.deletions import StateBefore, deleted_together, last_state
from builtin_realtime.subscription import Subscription
from builtin_realtime.topics import TopicIndex
from pbhost.database import Change, Connection
from pbhost.errors import ApiError
from pbhost.hooks import HookRegistry
from pbhost.http.picker import FieldsError, pick
from pbhost.model import Collection, Record, RequestContext, Rule
from pbhost.services import Collections, Records, SyncRecords

log = logging.getLogger("pbhost.realtime")

#: An identity: collection id and record id; None for nobody in particular.
Who: TypeAlias = "tuple[str, str] | None"

#: The last state of a record that was deleted after a change of it.
_DELETED_STATE = (
    "SELECT payload FROM _pbhost_changes "
    "WHERE seq > ? AND collection_id = ? AND record_id = ? AND action = 'delete' ORDER BY seq LIMIT 1"
)


@dataclass(slots=True)
class Group:
    """Subscribers that get the same answer for one change.

    Attributes:
        looks_alike: equal for groups of one change that would read the same bytes, if they may read them.
        targets: the clients by the subscription string that names their message.
    """

    rule: Rule
    subscription: Subscription
    auth: Record | None
    looks_alike: object
    targets: list[tuple[str, list[Client]]] = field(default_factory=list)

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
class State:
    """What a change tells of: the record, whether it is still stored, and what was encoded of it already."""

    record: Record
    stored: bool
    encoded: dict[object, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Delivery:
    """One change with its groups, and after evaluation the payload of each (None: they may not see it)."""

    change: Change
    collection: Collection
    groups: list[Group]
    #: For a delete: every change of the transaction that deleted it, itself among them.
    together: Sequence[Change] = ()
    payloads: list[bytes | None] = field(default_factory=list)


class Fanout:
    """Groups subscribers and evaluates what they may see.

    Attributes:
        evaluations: how often a rule or filter was evaluated; encodings: how often a record was serialised.
    """

    def __init__(self, index: TopicIndex, collections: Collections, records: Records, hooks: HookRegistry) -> None:
        self._index = index
        self._collections = collections
        self._records = records
        self._hooks = hooks
        self.evaluations = 0
        self.encodings = 0

    # -- on the event loop: who is concerned ---------------------------------------------------------------------------

    def plan(self, changes: Iterable[Change], index: TopicIndex | None = None) -> list[Delivery]:
        """The deliveries that anybody is subscribed to; only look-ups.

        Args:
            changes: in commit order.
            index: whose subscriptions count, if not everybody's.
        """
        deliveries = []
        changes = list(changes)
        together = deleted_together(changes)
        for change in changes:
            collection = self._collections.find(change.collection_id)
            if collection is None or collection.is_view:
                continue
            groups = self._group(collection, change, index or self._index)
            if groups:
                deliveries.append(Delivery(change, collection, groups, together.get(change.seq, ())))
        return deliveries

    def _group(self, collection: Collection, change: Change, index: TopicIndex) -> list[Group]:
        groups: dict[object, Group] = {}
        enriched = self._hooks.chain("on_record_enrich", collection.tags) is not None or bool(collection.read_rules)
        for kind, subscription, clients in index.concerned(collection, change.record_id):
            rule = collection.rule(kind)
            looks_personal = enriched or collection.is_auth or "expand" in subscription.query
            personal = looks_personal or "@request.auth" in (rule or "") or "filter" in subscription.query
            for members in _by_identity(clients.values(), personal=personal):
                auth = members[0].auth if personal or _is_superuser(members[0]) else None
                superuser = _is_superuser(members[0])
                if rule is None and not superuser:
                    continue
                who = None if auth is None else (auth.collection.id, auth.id)
                key = (rule, who, subscription.options_key)
                group = groups.get(key)
                if group is None:
                    alike = (who if looks_personal else superuser, subscription.options_key)
                    group = groups[key] = Group(rule, subscription, auth, alike)
                group.targets.append((subscription.text, members))
        return list(groups.values())

    # -- in a database thread: what they see ---------------------------------------------------------------------------

    def evaluate(self, connection: Connection, deliveries: Sequence[Delivery]) -> None:
        """Fills the payloads, on one snapshot."""
        records = self._records.within(connection)
        before = StateBefore(records, self._collections)
        for delivery in deliveries:
            try:
                state = self._load(connection, records, delivery)
            except Exception:
                log.exception("a change of %s could not be read", delivery.collection.name)
                state = None
            delivery.payloads = [
                None if state is None else self._payload(records, before, delivery, group, state)
                for group in delivery.groups
            ]

    def _load(self, connection: Connection, records: SyncRecords, delivery: Delivery) -> State | None:
        """The record of a change; a deleted one as it was last."""
        change, collection = delivery.change, delivery.collection
        payload = change.payload
        if change.action != "delete":
            record = records.find(collection, change.record_id)
            if record is not None:
                return State(record, stored=True)
            # Deleted since: the message still goes out, in its place, before that of the delete.
            row = connection.fetch_one(_DELETED_STATE, (change.seq, change.collection_id, change.record_id))
            payload = str(row[0]) if row is not None else ""
        if not payload:
            return None
        return State(last_state(collection, payload), stored=False)

    def _payload(
        self, records: SyncRecords, before: StateBefore, delivery: Delivery, group: Group, state: State
    ) -> bytes | None:
        context = group.context()
        rule = "" if context.is_superuser else group.rule
        wanted = group.subscription.query.get("filter", "")
        try:
            if rule or wanted:
                self.evaluations += 1
                if len(delivery.together) > 1:
                    held = before.held(delivery.change, delivery.together, rule, context, wanted)
                else:
                    check = records.satisfies if state.stored else records.would_satisfy
                    held = check(state.record, rule, context, filter=wanted)
                if not held:
                    return None
            if group.looks_alike not in state.encoded:
                state.encoded[group.looks_alike] = self._encode(records, delivery, state.record, context)
            return state.encoded[group.looks_alike]
        except ApiError as error:
            # A broken filter, or a hook that keeps the record from this caller; others still get their message.
            log.debug("no realtime message of %s for a subscriber: %s", delivery.collection.name, error)
        except Exception:
            log.exception("a realtime message of %s was skipped", delivery.collection.name)
        return None

    def _encode(self, records: SyncRecords, delivery: Delivery, record: Record, context: RequestContext) -> bytes:
        self.encodings += 1
        copy = record.copy()
        records.enrich([copy], context, expand=context.query.get("expand", ""))
        shown: object = copy.to_json()
        if context.query.get("fields"):
            shown = _picked(shown, context.query["fields"])
        return orjson.dumps({"record": shown, "action": delivery.change.action})


def _is_superuser(client: Client) -> bool:
    return client.auth is not None and client.auth.collection.is_superusers


def _by_identity(clients: Iterable[Client], *, personal: bool) -> list[list[Client]]:
    """The clients of each identity; if nothing depends on it, everybody but the superusers is one."""
    groups: dict[Who, list[Client]] = {}
    for client in clients:
        auth = client.auth
        who = (
            (auth.collection.id, auth.id) if auth is not None and (personal or auth.collection.is_superusers) else None
        )
        groups.setdefault(who, []).append(client)
    return list(groups.values())


def _picked(shown: object, fields: str) -> object:
    plain = orjson.loads(orjson.dumps(shown))
    try:
        return pick(plain, fields)
    except FieldsError:
        return plain
