"""Deletes that belong together: a cascade's rules are asked about the state before all of it was gone."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from pbhost.database import Change
from pbhost.model import Collection, Record, RequestContext, Rule
from pbhost.services import Collections, SyncRecords


def last_state(collection: Collection, payload: str) -> Record:
    """A deleted record from what the feed kept of it."""
    values = orjson.loads(payload)
    return Record.from_row(collection, tuple(values), tuple(values.values()))


def deleted_together(changes: Sequence[Change]) -> dict[int, Sequence[Change]]:
    """For each delete, by its sequence number, the deletes of the same write: neighbours with the same time."""
    found: dict[int, Sequence[Change]] = {}
    run: list[Change] = []
    for change in changes:
        if change.action != "delete" or not run or run[-1].created != change.created:
            run = []
        if change.action == "delete":
            run.append(change)
            found[change.seq] = run
    return found


class StateBefore:
    """Asks once per rule and caller for all records of a collection that were deleted together."""

    def __init__(self, records: SyncRecords, collections: Collections) -> None:
        self._records = records
        self._collections = collections
        self._deleted: dict[int, list[Record]] = {}
        self._held: dict[object, set[str]] = {}

    def held(
        self, change: Change, together: Sequence[Change], rule: Rule, context: RequestContext, filter: str
    ) -> bool:
        """Whether the record of a delete fulfilled a rule and a filter before the write that deleted it."""
        who = None if context.auth is None else (context.auth.collection.id, context.auth.id)
        options = (tuple(sorted(context.query.items())), tuple(sorted(context.headers.items())))
        key = (together[0].seq, change.collection_id, rule, filter, who, options)
        if key not in self._held:
            collection = self._collections.get(change.collection_id)
            ids = [item.record_id for item in together if item.collection_id == change.collection_id]
            self._held[key] = self._records.satisfied_before(
                collection, ids, rule, context, self._records_of(together), filter=filter
            )
        return change.record_id in self._held[key]

    def _records_of(self, together: Sequence[Change]) -> list[Record]:
        first = together[0].seq
        if first not in self._deleted:
            records = []
            for item in together:
                collection = self._collections.find(item.collection_id)
                if collection is not None and item.payload:
                    records.append(last_state(collection, item.payload))
            self._deleted[first] = records
        return self._deleted[first]
