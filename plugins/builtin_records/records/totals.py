"""How many rows a list has, counted again only when something it depends on has changed.

Counting 100,000 rows takes milliseconds each time. The change feed tells, inside the same snapshot and for writes of
every process, whether a collection has changed since a total was counted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import TYPE_CHECKING, cast

from pbhost.database import Connection

from ..filter import BoundQuery
from .repeatable import Repeatable
from .sizes import Sizes

if TYPE_CHECKING:
    from pbhost.app import App

_NEWEST = "SELECT max(seq) FROM _pbhost_changes"
_SINCE = "SELECT collection_id, max(seq) FROM _pbhost_changes WHERE seq > ? GROUP BY collection_id"
#: A change of the schema itself.
_SCHEMA = "_collections"
_MOST = 1000
#: Totals below this are cheap to count; remembering them would only push out others.
_WORTH_KEEPING = 200


class Totals:
    """Counts rows. Safe to use from several threads."""

    def __init__(self, app: App, sizes: Sizes, repeatable: Repeatable) -> None:
        self._app = app
        self._repeatable = repeatable
        self._sizes = sizes
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()
        self._known = 0
        self._last: dict[str, int] = {}

    def count(self, connection: Connection, query: BoundQuery) -> int:
        """The number of rows of a query in the connection's snapshot."""
        return self._sizes.best(
            connection, query, lambda by_sets: self._count(connection, query, by_sets), counting=True
        )

    def _count(self, connection: Connection, query: BoundQuery, by_sets: bool) -> int:
        statement = query.count(by_sets=by_sets)
        key = (statement.text, statement.params)
        newest = self._follow(connection)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                total, counted_at = kept
                if self._unchanged(query.tables, min(counted_at, newest)):
                    self._kept.move_to_end(key)
                    return total
        row = connection.fetch_one(statement)
        total = int(row[0] or 0) if row else 0
        if total >= _WORTH_KEEPING and self._repeatable.is_repeatable(query, statement):
            with self._lock:
                self._kept[key] = (total, newest)
                self._kept.move_to_end(key)
                if len(self._kept) > _MOST:
                    self._kept.popitem(last=False)
        return total

    def _follow(self, connection: Connection) -> int:
        """Reads what the feed has beyond what is known; returns the newest change of the snapshot."""
        row = connection.fetch_one(_NEWEST)
        newest = cast("int", row[0]) if row and row[0] is not None else 0
        if newest > self._known:
            rows = connection.fetch_all(_SINCE, (self._known,))
            with self._lock:
                for collection_id, seq in rows:
                    name, number = str(collection_id), cast("int", seq)
                    self._last[name] = max(self._last.get(name, 0), number)
                self._known = max(self._known, newest)
        return newest

    def _unchanged(self, tables: frozenset[str], since: int) -> bool:
        """Whether nothing that a query reads has changed after a sequence number."""
        last = self._last
        if last.get(_SCHEMA, 0) > since:
            return False
        for table in tables:
            collection = self._app.collections.find(table)
            if collection is None or collection.is_view:
                # What is behind a view is not known: any change may matter.
                if any(seq > since for seq in last.values()):
                    return False
            elif last.get(collection.id, 0) > since:
                return False
        return True
