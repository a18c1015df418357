"""Finding an auth record by one of its identity fields, as the field's unique index compares."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from builtin_auth.unique_index import UniqueIndex, single_column
from pbhost.database import Connection, Row, Sql
from pbhost.errors import InternalError
from pbhost.model import Collection, Record

if TYPE_CHECKING:
    from pbhost.app import App


# "$2a$10$" and "$argon2": a bcrypt cost is a kind of its own.
_KIND_LENGTH = 7
_MAX_KINDS = 4
_KINDS_SECONDS = 300.0


class Lookup:
    """Reads of auth records that are not by id."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._decoys: dict[str, tuple[float, dict[str, str]]] = {}

    async def by_email(self, collection: Collection, email: str) -> Record | None:
        """The record with that e-mail. Without a unique index the comparison is exact."""
        if not email:
            return None
        return await self._first(collection, "email", email, single_column(collection, "email"))

    async def by_identity(self, collection: Collection, field: str, value: str) -> Record | None:
        """The record whose identity field has that value.

        Raises:
            InternalError: the field has lost its unique index, so that more than one record might match.
        """
        index = single_column(collection, field)
        if index is None or collection.field(field) is None:
            raise InternalError(cause=f"identity field {field!r} of {collection.name!r} has no unique index")
        return await self._first(collection, field, value, index)

    async def decoy_hashes(self, collection: Collection) -> dict[str, str]:
        """One stored hash of each kind that the collection's records have, by kind; empty for an empty collection.

        Remembered for some minutes, because it looks at every row.
        """
        known = self._decoys.get(collection.id)
        now = time.monotonic()
        if known is not None and now < known[0]:
            return known[1]

        def read(connection: Connection) -> list[Row]:
            column, table = connection.dialect.quote("password"), connection.dialect.quote(collection.name)
            head = f"substr({column}, 1, {_KIND_LENGTH})"
            return connection.fetch_all(
                f"SELECT min({column}) FROM {table} WHERE {column} != '' GROUP BY {head} LIMIT {_MAX_KINDS}"
            )

        rows = await self._app.db.read(read, lane="list")
        found = {hash_kind(str(row[0])): str(row[0]) for row in rows}
        if found:
            self._decoys[collection.id] = (now + _KINDS_SECONDS, found)
        return found

    async def _first(self, collection: Collection, field: str, value: str, index: UniqueIndex | None) -> Record | None:
        def read(connection: Connection) -> Record | None:
            dialect = connection.dialect
            column = dialect.quote(field)
            same = f"{column} = ?"
            if index is not None and index.collate:
                same = dialect.collated_equal(column, "?", index.collate)
            columns = tuple(item.name for item in collection.fields)
            selected = ", ".join(dialect.quote(name) for name in columns)
            query = Sql(f"SELECT {selected} FROM {dialect.quote(collection.name)} WHERE {same} LIMIT 1", (value,))
            row = connection.fetch_one(query)
            return None if row is None else Record.from_row(collection, columns, row)

        return await self._app.db.read(read)


def hash_kind(stored: str) -> str:
    """What a hash costs to verify, as far as its head tells."""
    return stored[:_KIND_LENGTH]


def password_hash(record: Record) -> str:
    """The stored hash of a record's password."""
    field = record.collection.field("password")
    stored = field.to_db(record["password"]) if field is not None else ""
    return stored if isinstance(stored, str) else ""


def stored_password_hash(record: Record) -> str:
    """The hash that the stored row has, whatever was assigned since."""
    field = record.collection.field("password")
    stored = field.to_db(record.original["password"]) if field is not None else ""
    return stored if isinstance(stored, str) else ""
