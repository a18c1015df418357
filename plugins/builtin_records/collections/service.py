"""The schema service: all collections in memory, changed through hooks and one transaction at a time."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, TypeVar, cast

from pbhost.database import AsyncTransaction, Connection, Row, Transaction
from pbhost.errors import (
    JSON,
    BadRequestError,
    DatabaseError,
    DatabaseUnusableError,
    NotFoundError,
    PbhostError,
)
from pbhost.hooks.events import CollectionEvent, ModelEvent
from pbhost.model import Collection, CollectionType, Field, RequestContext
from pbhost.model.ids import random_text

from ..presets import mark_migrations, missing_presets
from .codec import COLUMNS, TABLE, Codec
from .fieldlist import add_field, build_fields, ensure_system_fields
from .importing import ImportPlan
from .introspection import column_types
from .schema import Schema
from .types import BaseType
from .views import source_of_column
from .workers import WorkerAgreement
from .writer import FEED, SchemaWriter

if TYPE_CHECKING:
    from pbhost.app import App

T = TypeVar("T")

log = logging.getLogger("pbhost.records")

_TRUNCATE_BATCH = 500
#: A view's query runs once before it is stored; one that does not end must not hold up all writes for long.
_VIEW_SECONDS = 15.0
#: Changes of the feed read at a time while looking for those of the schema.
_FEED_PAGE = 1000
#: Commits within this many seconds are looked at together.
_FEED_PAUSE = 0.05


class CollectionsService:
    """Provides :class:`pbhost.services.Collections`."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._schema = Schema()
        self._generation = 0
        self._versions = count(1)
        self._own_changes: set[int] = set()
        # While a thread changes the schema it sees its own changes before they are committed, everyone else after.
        self._changing = threading.local()
        field_types = cast("list[type[Field]]", app.collect("register_field_types"))
        types = cast("list[CollectionType]", app.collect("register_collection_types"))
        self._field_types = {kind.type: kind for kind in field_types}
        self._types = {kind.name: kind for kind in types}
        self._codec = Codec(self._field_types, self._types)
        self._agreement = WorkerAgreement(app.config)
        self._watcher: asyncio.Task[object] | None = None

    # -- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Loads the schema; a fresh database gets the system collections first."""
        _oldest, seen = await self._app.db.last_change()
        schema = await self._app.db.read(self._first_look)
        if missing_presets(schema, self):
            await self._write(self._create_presets)
        else:
            self._swap(schema)
        self._agreement.loaded(seen)
        self._watcher = self._app.background(self._watch(seen), name="collections: schema changes of other processes")

    async def inspect(self) -> None:
        """Loads the schema as it is stored; for a look at an application that is not started."""
        self._swap(await self._app.db.read(self._first_look))

    async def stop(self) -> None:
        """Stops looking for changes of other processes."""
        if self._watcher is not None:
            self._watcher.cancel()

    def _first_look(self, connection: Connection) -> Schema:
        if "fields" not in column_types(connection, TABLE):
            raise DatabaseUnusableError(
                "the data directory was written by a PocketBase before 0.23; open it once with PocketBase 0.23 or newer"
            )
        return self._read_schema(connection)

    def _create_presets(self, writer: SchemaWriter) -> None:
        # another process may have been faster between the look and this transaction
        is_fresh = not writer.schema.collections
        for collection in missing_presets(writer.schema, self):
            # Their index texts are not canonical and their rules name fields of auth records: nothing to check.
            writer.save(collection, validate=False)
        if is_fresh:
            mark_migrations(writer.transaction)

    # -- reading -----------------------------------------------------------------------------------------------------

    @property
    def generation(self) -> int:
        return self._generation

    @property
    def field_types(self) -> Mapping[str, type[Field]]:
        return self._field_types

    @property
    def types(self) -> Mapping[str, CollectionType]:
        return self._types

    @property
    def schema(self) -> Schema:
        """The current state; in a thread that is changing it, the state as changed so far."""
        changed: Schema | None = getattr(self._changing, "schema", None)
        return self._schema if changed is None else changed

    def find(self, name_or_id: str) -> Collection | None:
        # As `schema` does; each request asks once or twice.
        changed: Schema | None = getattr(self._changing, "schema", None)
        return (self._schema if changed is None else changed).find(name_or_id)

    def get(self, name_or_id: str) -> Collection:
        found = self.schema.find(name_or_id)
        if found is None:
            raise NotFoundError()
        return found

    def all(self) -> Sequence[Collection]:
        return self.schema.collections

    def references_to(self, collection: Collection) -> Sequence[tuple[Collection, Field]]:
        return self.schema.references_to(collection.id)

    def source_of(self, view: Collection, name: str) -> tuple[Collection, Field] | None:
        return source_of_column(view, name, self.schema)

    def new(self, type: str = "base", **values: object) -> Collection:
        kind = self._types.get(type) or BaseType()
        collection = Collection(type=type)
        for attribute, value in values.items():
            if not hasattr(collection, attribute):
                raise TypeError(f"a collection has no attribute {attribute!r}")
            setattr(collection, attribute, value)
        collection.fields = build_fields(
            field if isinstance(field, Field) else self._codec.decode_field(field) for field in collection.fields
        )
        given = dict(collection.options)
        collection.options = {**kind.defaults(collection), **given}
        ensure_system_fields(collection, kind)
        return collection

    def scaffold(self, type: str) -> Collection:
        """As :meth:`new`, with the indexes that the type requires under provisional names (operations.md 9)."""
        collection = self.new(type)
        kind = self._types.get(type)
        if kind is not None:
            named = replace(collection, id=random_text(10))
            collection.indexes = [text for _name, text in kind.required_indexes(named)]
        return collection

    def public_json(self, collection: Collection) -> dict[str, JSON]:
        return self._codec.public_json(collection)

    def merge(self, collection: Collection, data: Mapping[str, JSON]) -> None:
        """Changes a collection (a copy) by submitted JSON.

        Raises:
            pbhost.model.OptionTypeError: a key has the wrong JSON type.
        """
        self._codec.merge(collection, data)

    def add_fields(self, collection: Collection, fields: Sequence[Mapping[str, JSON]]) -> None:
        """Adds fields in their JSON form to a collection that is being prepared.

        Raises:
            pbhost.model.OptionTypeError: one cannot be decoded.
        """
        for data in fields:
            add_field(collection.fields, self._codec.decode_field(dict(data)))

    async def reload(self) -> None:
        self._swap(await self._app.db.read(self._read_schema))

    def _read_schema(self, connection: Connection) -> Schema:
        dialect = connection.dialect
        columns = ", ".join(map(dialect.quote, COLUMNS))
        rows = connection.fetch_all(
            f"SELECT {columns} FROM {dialect.quote(TABLE)} ORDER BY {dialect.row_number(dialect.quote(TABLE))}"
        )
        return Schema([self._collection(row) for row in rows], {str(row[0]): row for row in rows})

    def _collection(self, row: Row) -> Collection:
        """The collection of a row; the known object if the row is the same as before."""
        known = self._schema.by_id(str(row[0]))
        if known is not None and self._schema.rows.get(known.id) == row:
            return known
        collection = self._codec.from_row(row)
        collection.version = next(self._versions)
        return collection

    def _swap(self, schema: Schema) -> None:
        """Makes a state the current one. On the event loop, in one step."""
        rows = dict(schema.rows)
        for collection in schema.collections:
            if self._schema.by_id(collection.id) is not collection:
                collection.version = next(self._versions)
            if collection.id not in rows:
                rows[collection.id] = tuple(self._codec.to_row(collection))
        self._schema = Schema(schema.collections, rows)
        self._generation += 1

    # -- writing -----------------------------------------------------------------------------------------------------

    async def save(
        self, collection: Collection, *, context: RequestContext | None = None, tx: AsyncTransaction | None = None
    ) -> Collection:
        work = collection.copy()
        timeout = _VIEW_SECONDS if work.is_view else None
        return await self._write(lambda writer: writer.save(work), context=context, tx=tx, timeout=timeout)

    async def delete(
        self, collection: Collection, *, context: RequestContext | None = None, tx: AsyncTransaction | None = None
    ) -> None:
        await self._write(lambda writer: writer.delete(collection), context=context, tx=tx)

    async def truncate(self, collection: Collection, *, context: RequestContext | None = None) -> None:
        if collection.is_view:
            raise BadRequestError("View collections cannot be truncated since they don't store their own records.")
        records = self._app.records

        def delete_all(transaction: Transaction) -> None:
            within = records.within(transaction)
            while found := within.find_many(collection, limit=_TRUNCATE_BATCH):
                for record in found:
                    # a cascade may have taken it with an earlier one of the batch
                    if within.find(collection, record.id) is not None:
                        within.delete(record, context=context)

        await self._app.db.write(delete_all, exclusive=True)

    async def import_all(
        self,
        collections: Sequence[Mapping[str, JSON]],
        *,
        delete_missing: bool = False,
        context: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> None:
        plan = ImportPlan(self, self._codec, collections, delete_missing=delete_missing)
        await self._write(plan.run, context=context, tx=tx)

    async def inspect_view(self, query: str) -> tuple[Collection, list[dict[str, object]]]:
        """What a view of that query would be: a temporary collection and the public form of its first records.

        Raises:
            InvalidViewQuery: it cannot be a view.
        """
        from .dryrun import dry_run

        return await self._write(lambda writer: dry_run(writer, query), timeout=_VIEW_SECONDS)

    async def _write(
        self,
        work: Callable[[SchemaWriter], T],
        *,
        context: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
        timeout: float | None = None,
    ) -> T:
        """Runs schema changes in one transaction and makes them visible when it is committed."""
        begun: list[CollectionEvent] = []
        changes: list[int] = []

        def in_thread(transaction: Transaction) -> T:
            with self._writer(transaction, context) as writer:
                writer.events = begun
                writer.own_changes = changes
                result = work(writer)
                if writer.renamed:
                    self._rename_labels(transaction, writer.renamed)
            if writer.own_changes:
                transaction.on_commit(lambda: self._committed(writer))
            return result

        try:
            if tx is not None:
                result = await tx.run(lambda transaction: self._within(transaction, in_thread, begun))
            else:
                result = await self._app.db.write(in_thread, exclusive=True, timeout=timeout)
        except BaseException as error:
            await self._notify(begun, "error", error)
            raise
        if tx is None:
            await self._agreement.wait(max(changes, default=0))
            await self._notify(begun, "success")
        return result

    def _within(self, transaction: Transaction, work: Callable[[Transaction], T], begun: list[CollectionEvent]) -> T:
        """In somebody else's transaction the after-hooks wait for its end."""
        with transaction.savepoint():
            result = work(transaction)
        undone = DatabaseError("the transaction was rolled back")
        transaction.on_commit(lambda: self._notify_later(begun, "success"))
        transaction.on_rollback(lambda: self._notify_later(begun, "error", undone))
        return result

    def _notify_later(self, begun: list[CollectionEvent], outcome: str, error: BaseException | None = None) -> None:
        self._app.background(self._notify(begun, outcome, error), name="collections: after-hooks")

    @contextmanager
    def _writer(self, transaction: Transaction, context: RequestContext | None) -> Iterator[SchemaWriter]:
        def publish(schema: Schema) -> None:
            self._changing.schema = schema

        schema = self._read_schema(transaction)
        publish(schema)
        try:
            yield SchemaWriter(self._app, self._codec, transaction, schema, context=context, publish=publish)
        finally:
            self._changing.schema = None

    def _committed(self, writer: SchemaWriter) -> None:
        self._own_changes.update(writer.own_changes)
        self._swap(writer.schema)
        self._app.background(self._optimize(), name="collections: optimize")
        if self._app.has("storage"):
            for id_ in writer.deleted:
                self._app.background(self._app.storage.delete_prefix(f"{id_}/"), name=f"delete the files of {id_}")

    async def _optimize(self) -> None:
        def optimize(transaction: Transaction) -> None:
            for statement in transaction.dialect.optimize():
                transaction.execute(statement)

        await self._app.db.write(optimize)

    def _rename_labels(self, transaction: Transaction, renamed: Sequence[tuple[str, str]]) -> None:
        """Rate-limit rules name collections, so they follow a rename."""
        if not self._app.has("settings"):
            return
        limits = self._app.settings.section("rateLimits")
        rules = limits.get("rules")
        if not isinstance(rules, list):
            return
        changed: list[JSON] = [_relabelled(rule, renamed) for rule in rules]
        if changed != rules:
            update: Mapping[str, JSON] = {"rateLimits": {"rules": changed}}
            transaction.run_async(lambda tx: self._app.settings.update(update, tx=tx))

    async def _notify(
        self, events: Sequence[CollectionEvent], outcome: str, error: BaseException | None = None
    ) -> None:
        for event in events:
            event.connection = event.tx = None
            event.error = error
            collection = event.collection
            moment = f"after_{event.action}_{outcome}"
            chain = self._app.hooks.chain(f"on_collection_{moment}", collection.tags)
            if chain is not None:
                await chain.notify(event)
            model_chain = self._app.hooks.chain(f"on_model_{moment}", collection.tags)
            if model_chain is not None:
                await model_chain.notify(
                    ModelEvent(
                        app=self._app,
                        action=event.action,
                        context=event.context,
                        collection=collection,
                        record=None,
                        error=error,
                    )
                )

    # -- other processes ---------------------------------------------------------------------------------------------

    async def _watch(self, seen: int) -> None:
        """Reloads when another process changed the schema since the change ``seen``."""
        async for newest in self._app.db.watch_changes():
            foreign = newest_of_schema = 0
            while seen < newest:
                changes = await self._app.db.changes(seen, _FEED_PAGE)
                if not changes:
                    break
                seen = changes[-1].seq
                for change in changes:
                    if change.collection_id == FEED:
                        newest_of_schema = change.seq
                        foreign += change.seq not in self._own_changes
                        self._own_changes.discard(change.seq)
            if foreign:
                try:
                    await self.reload()
                except PbhostError as error:
                    log.error("the changed schema cannot be loaded", exc_info=error)
            if newest_of_schema:
                self._agreement.loaded(newest_of_schema)
            await asyncio.sleep(_FEED_PAUSE)


def _relabelled(rule: JSON, renamed: Sequence[tuple[str, str]]) -> JSON:
    label = str(rule.get("label") or "") if isinstance(rule, dict) else ""
    for old, new in renamed:
        if label.startswith(f"{old}:"):
            label = f"{new}:{label.removeprefix(f'{old}:')}"
    return {**rule, "label": label} if isinstance(rule, dict) else rule
