"""Which way a list is better looked up, by the sizes of the tables that it reads (see :mod:`..filter.scopes`)."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from pbhost.database import Connection
from pbhost.errors import MalformedValueError

from ..filter import BoundQuery

T = TypeVar("T")

#: Seconds that a size is remembered; it only has to be right by the order of magnitude.
_REMEMBERED = 10.0
#: A page usually ends after a part of its rows; only a small table is worth being gone through for it.
_PART_OF_PAGE = 8


class Sizes:
    """Estimates the numbers of rows, from the newest row's number. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, int]] = {}

    def best(self, connection: Connection, query: BoundQuery, fetch: Callable[[bool], T], *, counting: bool) -> T:
        """What ``fetch`` gives for the better way; where a row made by hand fails that, for the other one.

        Args:
            fetch: runs a statement of the query, by sets or not.
            counting: all rows are gone through, rather than those of a page.
        """
        if self.by_sets(connection, query, counting=counting):
            try:
                return fetch(True)
            except MalformedValueError:
                pass
        return fetch(False)

    def by_sets(self, connection: Connection, query: BoundQuery, *, counting: bool) -> bool:
        """Whether going through the other tables as a whole costs less than looking them up for each row.

        Args:
            counting: all rows are gone through, rather than those of a page.
        """
        scanned = query.scanned(counting=counting)
        if scanned is None:
            return False
        if not scanned:
            return True
        others = sum(self._rows(connection, table) for table in scanned)
        own = self._rows(connection, query.compiled.collection.name)
        return others <= own if counting else others * _PART_OF_PAGE <= own

    def _rows(self, connection: Connection, table: str) -> int:
        now = monotonic()
        known = self._known.get(table)
        if known is not None and now - known[0] < _REMEMBERED:
            return known[1]
        dialect = connection.dialect
        found = connection.fetch_one(f"SELECT max({dialect.row_number('t')}) FROM {dialect.quote(table)} t")
        rows = int(found[0] or 0) if found else 0
        self._known[table] = (now, rows)
        return rows
