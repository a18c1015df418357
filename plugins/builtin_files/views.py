"""Files of view records: a view owns none, so the record that does is looked for through the view's column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbhost.database import Connection
from pbhost.model import Collection, Field

if TYPE_CHECKING:
    from pbhost import App

#: How many views may stand on top of each other.
MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Source:
    """The collection and field that a view's column comes from."""

    collection: Collection
    field: Field


def source_of(app: App, view: Collection, field: Field) -> Source | None:
    """The table field at the bottom of a view's column; None if the column is not traced to one."""
    collection = view
    for _ in range(MAX_DEPTH):
        below = app.collections.source_of(collection, field.name)
        if below is None:
            return None
        collection, field = below
        if not collection.is_view:
            return Source(collection, field)
    return None


async def owner_of(app: App, source: Source, filename: str) -> str | None:
    """The base path of a record of the source collection whose field has the file; None if there is none."""
    record_id = await app.db.read(lambda connection: _owner(connection, source, filename), lane="list")
    return None if record_id is None else f"{source.collection.id}/{record_id}"


def _owner(connection: Connection, source: Source, filename: str) -> str | None:
    dialect = connection.dialect
    table, column = dialect.quote(source.collection.name), dialect.quote(source.field.name)
    if source.field.is_multiple:
        condition = f"EXISTS (SELECT 1 FROM {dialect.json_each(f'{table}.{column}')} AS item WHERE item.value = ?)"
    else:
        condition = f"{table}.{column} = ?"
    row = connection.fetch_one(
        f"SELECT {table}.{dialect.quote('id')} FROM {table} WHERE {condition} LIMIT 1", [filename]
    )
    return str(row[0]) if row else None
