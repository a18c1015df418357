"""The table ``_logs`` of the auxiliary database: inserting, listing, counting, deleting."""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import orjson

from builtin_operations.logs.entry import LogEntry
from pbhost.database import Compacting, Connection, Engine, Row, Sql, Transaction
from pbhost.errors import JSON
from pbhost.model import clock
from pbhost.model.dates import format_date
from pbhost.model.field import StorageKind
from pbhost.services import TableQuery

TABLE = "_logs"
#: What filters and sorts of the log may name.
COLUMNS: Mapping[str, StorageKind] = {
    "id": "text",
    "created": "text",
    "level": "number",
    "message": "text",
    "data": "json",
}
_DIGITS = string.digits + string.ascii_lowercase
_ROWS = 100
_INSERT = "INSERT INTO _logs (id, level, message, data, created) VALUES "
_VALUES = "(?, ?, ?, ?, ?)"
_INSERT_MANY = _INSERT + ", ".join([_VALUES] * _ROWS)
_COLUMNS = ("id", "created", "data", "message", "level")


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page of entries in the form of the API; the total is -1 if it was not counted."""

    items: list[dict[str, JSON]]
    total: int


class LogStore:
    """The stored entries. Everything runs in the threads of the auxiliary database."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    async def insert(self, entries: Sequence[LogEntry]) -> None:
        """Adds entries, all or none."""

        def write(transaction: Transaction) -> None:
            ids = _growing_ids(len(entries))
            # Many rows in one statement: between two statements the thread has to win Python's lock back from the event
            # loop, which costs both of them more than the insert itself. Rows are shaped for one statement at a time,
            # for the event loop waits as long as that takes.
            for start in range(0, len(entries), _ROWS):
                rows = [
                    (id_, level, _text(message), _json_text(data), created)
                    for (level, message, created, data), id_ in zip(entries[start : start + _ROWS], ids, strict=False)
                ]
                if len(rows) == _ROWS:
                    transaction.execute(_INSERT_MANY, [value for row in rows for value in row])
                else:
                    transaction.execute_many(_INSERT + _VALUES, rows)

        await self._database.write(write)

    async def page(self, query: TableQuery, *, limit: int, offset: int, count: bool) -> LogPage:
        """Entries that match, in order."""

        def read(connection: Connection) -> LogPage:
            counted = connection.fetch_one(query.count()) if count else None
            rows = connection.fetch_all(query.select(_COLUMNS, limit=limit, offset=offset))
            return LogPage([_public(row) for row in rows], _integer(counted[0]) if counted is not None else -1)

        return await self._database.read(read, lane="list")

    async def find(self, id_: str) -> dict[str, JSON] | None:
        """One entry, or None."""
        sql = f"SELECT {', '.join(_COLUMNS)} FROM {TABLE} WHERE id = ?"  # names of ours
        row = await self._database.read(lambda connection: connection.fetch_one(sql, (id_,)))
        return None if row is None else _public(row)

    async def hourly_totals(self, query: TableQuery) -> list[dict[str, JSON]]:
        """How many entries each hour has, in ascending order; hours without entries are left out."""
        hour = self._database.dialect.strftime(["'%Y-%m-%d %H:00:00'", "created"])
        head = f"SELECT {hour} AS hour, count(*) FROM ("  # spelled by the dialect
        sql = Sql(head) + query.select(["created"]) + ") AS entries GROUP BY hour ORDER BY hour"
        rows = await self._database.read(lambda connection: connection.fetch_all(sql), lane="list")
        return [{"date": f"{hour}.000Z", "total": _integer(total)} for hour, total in rows if isinstance(hour, str)]

    async def purge(self, max_days: int, min_level: int | None = None) -> int:
        """Deletes entries older than ``max_days`` days, and those below ``min_level``; all if ``max_days`` is 0."""
        cutoff = format_date(clock.utc_now() - timedelta(days=min(max_days, 365_000)))

        def write(transaction: Transaction) -> int:
            if max_days == 0:
                return transaction.execute("DELETE FROM _logs")
            deleted = transaction.execute("DELETE FROM _logs WHERE created < ?", (cutoff,))
            if min_level is not None:
                deleted += transaction.execute("DELETE FROM _logs WHERE level < ?", (min_level,))
            return deleted

        deleted = await self._database.write(write)
        if max_days == 0 and deleted and isinstance(self._database, Compacting):
            # Who keeps no logs wants their room back.
            await self._database.compact()
        return deleted


def _growing_ids(count: int) -> Iterator[str]:
    """Ids that grow with time: nine digits of milliseconds, and six that count from a random number.

    Ids that are random all over would dirty a page of the key's index for each entry; these share their pages, which
    more than halves what a batch costs.
    """
    first = _base36(time.time_ns() // 1_000_000, 9)
    triples = _triples()
    high, low = divmod(secrets.randbelow(36**6 - count), len(triples))
    while count > 0:
        head = first + triples[high]
        for triple in triples[low : low + count]:
            yield head + triple
        count -= len(triples) - low
        high, low = high + 1, 0


@cache
def _triples() -> list[str]:
    """Every number of three digits: looking three up at once costs a third of making them."""
    return [a + b + c for a in _DIGITS for b in _DIGITS for c in _DIGITS]


def _base36(number: int, width: int) -> str:
    """A number in a multiple of three digits."""
    triples, text = _triples(), ""
    for _ in range(width // 3):
        number, low = divmod(number, 36**3)
        text = triples[low] + text
    return text


def _public(row: Row) -> dict[str, JSON]:
    id_, created, data, message, level = row
    return {
        "id": str(id_),
        "created": str(created),
        "data": _parsed(data),
        "message": str(message),
        "level": _integer(level),
    }


def _parsed(data: object) -> JSON:
    if isinstance(data, (str, bytes)):
        try:
            parsed: JSON = orjson.loads(data)
        except orjson.JSONDecodeError:
            return {}
        return parsed
    return {}


def _integer(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(text: str) -> str:
    """Text that a database takes: headers may hold any bytes, which come as lone surrogates."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _json_text(data: Mapping[str, JSON]) -> str:
    try:
        return orjson.dumps(data).decode()
    except TypeError:
        return _forced_json(data)


def _forced_json(data: Mapping[str, JSON]) -> str:
    """JSON of what is none. One odd entry, perhaps made by a hostile client, must not cost the batch it is in."""
    try:
        return _text(json.dumps(data, default=str, ensure_ascii=False, allow_nan=False, skipkeys=True))
    except Exception as error:
        return orjson.dumps({"unreadable": f"the data could not be written as JSON: {type(error).__name__}"}).decode()
