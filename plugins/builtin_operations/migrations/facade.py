"""What ``async def up(app)`` of a migration is given: schema, records and SQL inside the one transaction of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pbhost.errors import JSON
from pbhost.model import Collection

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.database import AsyncTransaction, Row, SqlValue
    from pbhost.services import Records, Settings


class MigrationApp:
    """The application inside a migration.

    Changes of collections are seen at once by everything that follows, also by ``records``. All of it is committed with
    the last pending migration, or not at all.

    Attributes:
        app: the whole application, for what is not here; its calls take part in the transaction too.
        tx: the transaction.
    """

    def __init__(self, app: App, tx: AsyncTransaction) -> None:
        self.app = app
        self.tx = tx

    @property
    def records(self) -> Records:
        """Reading and writing records, as everywhere."""
        return self.app.records

    @property
    def settings(self) -> Settings:
        """The settings; change them with ``await app.update_settings({...})``."""
        return self.app.settings

    # -- SQL ---------------------------------------------------------------------------------------------------------

    async def execute(self, sql: str, params: Sequence[SqlValue] = ()) -> int:
        """Runs a statement; returns the number of rows it changed."""
        return await self.tx.execute(sql, params)

    async def fetch_all(self, sql: str, params: Sequence[SqlValue] = ()) -> list[Row]:
        """The rows of a query."""
        return await self.tx.fetch_all(sql, params)

    # -- schema ------------------------------------------------------------------------------------------------------

    def collection(self, name_or_id: str) -> Collection:
        """A copy of a collection, to be changed and given to :meth:`save_collection`.

        Raises:
            NotFoundError: no such collection.
        """
        return self.app.collections.get(name_or_id).copy()

    async def save_collection(self, collection: Collection) -> Collection:
        """Creates or updates a collection.

        Raises:
            ValidationError: the schema is not acceptable.
        """
        saved = await self.app.collections.save(collection, tx=self.tx)
        await self.app.collections.reload()
        return self.app.collections.get(saved.id)

    async def create_collection(self, data: Mapping[str, JSON]) -> Collection:
        """Creates a collection from its JSON form; what is left out has the defaults of its type."""
        kind = data.get("type")
        collection = self.app.collections.new(kind if isinstance(kind, str) and kind else "base")
        self.app.collections.merge(collection, data)
        return await self.save_collection(collection)

    async def update_collection(
        self,
        name_or_id: str,
        changes: Mapping[str, JSON] | None = None,
        *,
        remove_fields: Sequence[str] = (),
        set_fields: Mapping[int, Mapping[str, JSON]] | None = None,
    ) -> Collection:
        """Changes a collection.

        Args:
            changes: keys of its JSON form.
            remove_fields: ids of fields to be dropped with their data.
            set_fields: new and changed fields by the place in the list they are to have.
        """
        collection = self.collection(name_or_id)
        self.app.collections.merge(collection, changes or {})
        kept = [field for field in collection.fields if field.id not in remove_fields]
        if set_fields:
            # Only fields of their own decode each other's JSON form; the list is then put together by id.
            decoded = self.app.collections.new(collection.type, fields=[dict(data) for data in set_fields.values()])
            for position, data in sorted(set_fields.items()):
                wanted = decoded.field_by_id(str(data.get("id"))) or decoded.field(str(data.get("name")))
                if wanted is None:
                    continue
                kept = [field for field in kept if field.id != wanted.id]
                kept.insert(position, wanted)
        collection.fields = kept
        return await self.save_collection(collection)

    async def delete_collection(self, name_or_id: str) -> None:
        """Deletes a collection with its records."""
        await self.app.collections.delete(self.app.collections.get(name_or_id), tx=self.tx)
        await self.app.collections.reload()

    async def import_collections(
        self, collections: Sequence[Mapping[str, JSON]], *, delete_missing: bool = False
    ) -> None:
        """Creates, updates and (``delete_missing``) deletes collections from their JSON form."""
        await self.app.collections.import_all(collections, delete_missing=delete_missing, tx=self.tx)
        await self.app.collections.reload()

    async def update_settings(self, changes: Mapping[str, JSON]) -> None:
        """Changes settings, in the same transaction."""
        await self.app.settings.update(changes, tx=self.tx)
