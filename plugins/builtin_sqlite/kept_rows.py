"""Results of slow statements, given again as long as nothing has been committed since."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from time import monotonic
from typing import TypeAlias

from pbhost.database import Row, SqlValue

#: Seconds from which a statement is worth it; for the others looking is most of the work.
_SLOW = 0.003
_MOST_RESULTS = 64
#: Roughly in bytes, of all results of a connection and of one.
_MOST_BYTES = 8_000_000
_MOST_BYTES_OF_ONE = 1_000_000
_CELL_BYTES = 40

_Key: TypeAlias = tuple[str, tuple[SqlValue, ...], tuple[type, ...]]


class KeptRows:
    """The results of one connection that reads only; used in its thread, inside a transaction.

    ``PRAGMA data_version`` tells whether any other connection, of this process or another, has committed anything
    between two snapshots of this one; so a result is never older than the snapshot that it is given in.

    Source: https://www.sqlite.org/pragma.html#pragma_data_version
    """

    def __init__(self) -> None:
        self._version = -1
        self._results: OrderedDict[_Key, tuple[list[Row], int]] = OrderedDict()
        self._bytes = 0

    def fetch(self, raw: sqlite3.Connection, text: str, params: Sequence[SqlValue]) -> list[Row]:
        """The rows of a statement in the snapshot of the running transaction, perhaps from an earlier one.

        Raises:
            sqlite3.Error: as ``execute``.
        """
        key = (text, tuple(params), tuple(map(type, params)))  # 1 and 1.0 are equal, their results may differ
        kept = self._results.get(key)
        if kept is not None and self._is_current(raw):
            self._results.move_to_end(key)
            return kept[0].copy()
        begun = monotonic()
        rows: list[Row] = raw.execute(text, params).fetchall()
        if monotonic() - begun >= _SLOW:
            self._keep(raw, key, rows)
        return rows

    def _is_current(self, raw: sqlite3.Connection) -> bool:
        """Whether what is kept belongs to the snapshot; if not, it is gone."""
        version: int = raw.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return True
        self._version = version
        self._results.clear()
        self._bytes = 0
        return False

    def _keep(self, raw: sqlite3.Connection, key: _Key, rows: list[Row]) -> None:
        size = sum(map(_size, key[1])) + sum(_size(cell) for row in rows for cell in row)
        if size > _MOST_BYTES_OF_ONE:
            return
        self._is_current(raw)
        self._results[key] = (rows.copy(), size)
        self._bytes += size
        while self._bytes > _MOST_BYTES or len(self._results) > _MOST_RESULTS:
            self._bytes -= self._results.popitem(last=False)[1][1]


def _size(cell: SqlValue) -> int:
    return _CELL_BYTES + (len(cell) if isinstance(cell, str | bytes) else 0)
