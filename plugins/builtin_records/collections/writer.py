"""Saving and deleting collections inside one transaction: hooks, checks, the row, the table, dependent views.

A writer lives as long as the function that runs in the transaction's thread; nothing here awaits.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

from pbhost.database import Transaction
from pbhost.errors import BadRequestError, DatabaseError, ErrorTree, FieldError, ValidationError
from pbhost.hooks.events import CollectionEvent, ModelEvent
from pbhost.model import FIELD_RULES, Collection, Field, RequestContext, SchemaCheck
from pbhost.model.ids import collection_id

from ..indexes import parse_index, unique_column_index
from ..viewquery import InvalidViewQuery
from .codec import COLUMNS, TABLE, Codec
from .fieldlist import build_fields, ensure_system_fields
from .rules import RuleChecker
from .schema import Schema
from .tablesync import create_table, drop_table, update_table
from .types import view_query
from .validation import Validator, field_errors
from .views import InspectedView, MissingIdColumn, create_view, inspect_view, invalid_view_query, same_fields

if TYPE_CHECKING:
    from pbhost.app import App

log = logging.getLogger("pbhost.records")

Action: TypeAlias = Literal["create", "update", "delete"]
_SCAFFOLD_INDEX = re.compile(r" ON `` \(")
#: The change feed's name for the schema itself.
FEED = "_collections"
#: System collections whose rows belong to a record of any auth collection.
_OWNED_BY_RECORDS = ("_externalAuths", "_mfas", "_otps", "_authOrigins")


class SchemaWriter:
    """One transaction's worth of schema changes.

    Attributes:
        transaction: what it writes to.
        schema: the state as changed so far.
        events: what was begun, in order, for the after-hooks.
        own_changes: sequence numbers of the changes recorded here.
        renamed: old and new names of collections that were renamed.
        deleted: ids of collections that were deleted.
    """

    def __init__(
        self,
        app: App,
        codec: Codec,
        transaction: Transaction,
        schema: Schema,
        *,
        context: RequestContext | None = None,
        publish: Callable[[Schema], None] = lambda _schema: None,
    ) -> None:
        self._app = app
        self._codec = codec
        self.transaction = self._transaction = transaction
        self._context = context
        self._publish = publish
        self.schema = schema
        self.events: list[CollectionEvent] = []
        self.own_changes: list[int] = []
        self.renamed: list[tuple[str, str]] = []
        self.deleted: list[str] = []

    # -- saving ------------------------------------------------------------------------------------------------------

    def save(self, collection: Collection, *, validate: bool = True) -> Collection:
        """Creates or updates a collection, changing the given object in place.

        Raises:
            ValidationError: it is not acceptable.
            DatabaseError: its table cannot be changed.
        """
        old = self._stored(collection)
        action: Action = "create" if old is None else "update"
        event = self._begin(action, collection, old)

        def operation() -> None:
            view = self._prepare(collection, old)
            if validate:
                self._hooked("validate", event, lambda: self.check(collection, old, view))
            self._hooked(f"{action}_execute", event, lambda: self._store(collection, old, view))

        self._hooked(action, event, operation)
        self._refresh_views(collection)
        return collection

    def check(
        self,
        collection: Collection,
        old: Collection | None,
        view: InspectedView | InvalidViewQuery | None = None,
        *,
        has_table: bool = False,
    ) -> None:
        """Raises the errors of a collection against its former state.

        Raises:
            ValidationError: with every error by key.
        """
        # Rules and relations may refer to the collection itself, so it has to be found while it is checked.
        before = self.schema
        self._publish(before.with_collection(collection))
        try:
            checks = SchemaCheck(collection=collection, old=old, services=self._app)
            types = dict(self._app.collections.types)
            rules = RuleChecker(self._app)
            errors = dict(Validator(self._transaction, before, types, checks, rules, has_table=has_table).errors())
        finally:
            self._publish(before)
        if isinstance(view, InvalidViewQuery) and "viewQuery" not in errors:
            errors.update(invalid_view_query(view))
        if errors:
            raise ValidationError(errors)

    def recheck(self, collection: Collection, old: Collection | None) -> None:
        """As :meth:`check`, for a collection that is saved already.

        Raises:
            ValidationError: with every error by key.
        """
        saved = self.schema
        self.schema = saved.with_collection(old) if old is not None else saved.without(collection.id)
        try:
            self.check(collection, old, has_table=True)
        finally:
            self.schema = saved
            self._publish(saved)

    def _stored(self, collection: Collection) -> Collection | None:
        if not collection.version:
            return None
        old = self.schema.by_id(collection.id)
        if old is None:
            raise BadRequestError(
                "Failed to update collection. Raw error: \n"
                "failed to retrieve old cached collection: sql: no rows in result set."
            )
        return old

    def _prepare(self, collection: Collection, old: Collection | None) -> InspectedView | InvalidViewQuery | None:
        """The automatic changes of every save; for a view what its query would give, or what is wrong with it."""
        now = self._transaction.now
        collection.updated = now
        if old is None:
            collection.created = now
            collection.id = collection.id or self._free_id(collection)
        kind = self._app.collections.types.get(collection.type)
        if kind is not None:
            kind.prepare(collection, old)
        # fields that code added may have no id yet
        if not all(field.id for field in collection.fields):
            collection.fields = build_fields(collection.fields)
        ensure_system_fields(collection, kind)
        if old is not None:
            _follow_fields(collection, old)
        if old is None:
            # those of a scaffold name no table yet; the required ones come back below under their final names
            collection.indexes = [text for text in collection.indexes if not _SCAFFOLD_INDEX.search(text)]
        self._rename_indexes(collection)
        for name, text in kind.required_indexes(collection) if kind is not None else ():
            if unique_column_index(collection.indexes, name) is None:
                collection.indexes.append(text)
        return self._infer(collection) if collection.is_view else None

    def _free_id(self, collection: Collection) -> str:
        wanted = collection_id(collection.type, collection.name)
        free, number = wanted, 2
        while self.schema.by_id(free) is not None:
            free = f"{wanted}{number}"
            number += 1
        return free

    def _rename_indexes(self, collection: Collection) -> None:
        """The table named by an index is always the collection's; a text that says so already stays verbatim."""
        for position, text in enumerate(collection.indexes):
            index = parse_index(text)
            if index.is_valid and index.table != collection.name and collection.name:
                collection.indexes[position] = index.on(collection.name).canonical()

    def _infer(self, collection: Collection) -> InspectedView | InvalidViewQuery:
        try:
            view = self.inspect(view_query(collection))
        except MissingIdColumn as error:
            collection.fields = error.fields
            return error
        except InvalidViewQuery as error:
            collection.fields = []
            return error
        collection.fields = view.fields
        return view

    def inspect(self, query: str) -> InspectedView:
        """What a view of that query would be.

        Raises:
            InvalidViewQuery: it cannot be one.
        """
        return inspect_view(self._transaction, query, self.schema, self._field_problem)

    def _field_problem(self, field: Field, owner: Collection) -> str:
        errors = field_errors(field, SchemaCheck(collection=owner, old=None, services=self._app))
        return "; ".join(f"{key}: {_first_message(error)}" for key, error in errors.items())

    def _store(
        self, collection: Collection, old: Collection | None, view: InspectedView | InvalidViewQuery | None
    ) -> None:
        self._write_row(collection, old)
        if collection.is_view:
            self._replace_view(collection, old, view)
        elif old is None:
            create_table(self._transaction, collection)
        else:
            update_table(self._transaction, old, collection)
        self._changed(collection, "create" if old is None else "update")
        if old is not None and old.name != collection.name:
            self.renamed.append((old.name, collection.name))

    def _write_row(self, collection: Collection, old: Collection | None) -> None:
        quote = self._transaction.dialect.quote
        values = self._codec.to_row(collection)
        if old is None:
            names, marks = ", ".join(map(quote, COLUMNS)), ", ".join("?" * len(COLUMNS))
            self._transaction.execute(f"INSERT INTO {quote(TABLE)} ({names}) VALUES ({marks})", values)
        else:
            changes = ", ".join(f"{quote(name)} = ?" for name in COLUMNS)
            self._transaction.execute(f"UPDATE {quote(TABLE)} SET {changes} WHERE id = ?", [*values, old.id])

    def _replace_view(
        self, collection: Collection, old: Collection | None, view: InspectedView | InvalidViewQuery | None
    ) -> None:
        if isinstance(view, InvalidViewQuery):
            raise ValidationError(invalid_view_query(view))
        assert view is not None
        if old is not None:
            drop_table(self._transaction, old)
        create_view(self._transaction, collection.name, view)

    def _changed(self, collection: Collection, action: Action) -> None:
        if action == "delete":
            self.deleted.append(collection.id)
            self.schema = self.schema.without(collection.id)
        else:
            self.schema = self.schema.with_collection(collection)
        self._publish(self.schema)
        self.own_changes.append(self._transaction.record_change(FEED, collection.id, action))

    def _refresh_views(self, changed: Collection) -> None:
        """Views infer their fields from other collections, so each save may change theirs."""
        for view in [item for item in self.schema.collections if item.is_view and item.id != changed.id]:
            try:
                fields = self.inspect(view_query(view)).fields
            except InvalidViewQuery as error:
                log.warning("view %r no longer works: %s", view.name, error)
                continue
            if not same_fields(fields, view.fields):
                self.save(view.copy(), validate=False)

    # -- deleting ----------------------------------------------------------------------------------------------------

    def delete(self, collection: Collection, *, check_references: bool = True) -> None:
        """Deletes a collection with its table.

        Raises:
            BadRequestError: a system collection, or something refers to it.
        """
        event = self._begin("delete", collection, collection)

        def execute() -> None:
            if collection.system:
                raise BadRequestError("Failed to delete collection.", cause="system collections cannot be deleted")
            if check_references:
                self._refuse_references(collection)
            self._drop(collection, check_views=check_references)

        self._hooked("delete", event, lambda: self._hooked("delete_execute", event, execute))

    def _refuse_references(self, collection: Collection) -> None:
        owners = [owner.name for owner, _field in self.schema.references_to(collection.id) if owner.id != collection.id]
        if owners:
            named = ", ".join(dict.fromkeys(owners))
            raise BadRequestError(f"Failed to delete collection probably due to existing reference in {named}.")

    def _drop(self, collection: Collection, *, check_views: bool) -> None:
        working = self._working_views(collection) if check_views else set()
        drop_table(self._transaction, collection)
        broken = working - self._working_views(collection) if check_views else set()
        if broken:
            raise BadRequestError(
                "Failed to delete collection.", cause=f"existing view dependency in {', '.join(sorted(broken))}"
            )
        quote = self._transaction.dialect.quote
        self._transaction.execute(f"DELETE FROM {quote(TABLE)} WHERE id = ?", (collection.id,))
        for name in _OWNED_BY_RECORDS:
            if self.schema.by_name(name) is not None:
                self._transaction.execute(
                    f"DELETE FROM {quote(name)} WHERE {quote('collectionRef')} = ?", (collection.id,)
                )
        self._changed(collection, "delete")

    def _working_views(self, apart_from: Collection) -> set[str]:
        working: set[str] = set()
        for view in self.schema.collections:
            if view.is_view and view.id != apart_from.id:
                try:
                    self._transaction.fetch_one(f"SELECT 1 FROM {self._transaction.dialect.quote(view.name)} LIMIT 0")
                except DatabaseError:
                    continue
                working.add(view.name)
        return working

    # -- hooks -------------------------------------------------------------------------------------------------------

    def _begin(self, action: Action, collection: Collection, old: Collection | None) -> CollectionEvent:
        event = CollectionEvent(
            app=self._app,
            action=action,
            context=self._context,
            collection=collection,
            old=None if action == "create" else old,
        )
        self.events.append(event)
        return event

    def _hooked(self, moment: str, event: CollectionEvent, operation: Callable[[], None]) -> None:
        """Runs an operation inside the collection hooks of a moment, and those inside the model hooks."""
        collection = event.collection
        hooks = self._app.hooks
        model_chain = hooks.chain(f"on_model_{moment}", collection.tags)
        if model_chain is not None:
            model_event = ModelEvent(
                app=self._app, action=event.action, context=self._context, collection=collection, record=None
            )
            inner = operation
            operation = lambda: model_chain.run_in(self._transaction, model_event, inner)  # noqa: E731
        chain = hooks.chain(f"on_collection_{moment}", collection.tags)
        if chain is not None:
            chain.run_in(self._transaction, event, operation)
        else:
            operation()


def _follow_fields(collection: Collection, old: Collection) -> None:
    """The rules of renamed fields go with them, those of removed ones go away."""
    rules = collection.options.get(FIELD_RULES)
    if not isinstance(rules, dict):
        return
    followed = dict(rules)
    for name in rules:
        before = old.field(name)
        if before is None or collection.field(name) is not None:
            continue
        rule, now = followed.pop(name), collection.field_by_id(before.id)
        if now is not None:
            followed.setdefault(now.name, rule)
    collection.options[FIELD_RULES] = followed
    if not followed:
        del collection.options[FIELD_RULES]


def _first_message(error: FieldError | ErrorTree) -> str:
    while isinstance(error, Mapping):
        error = next(iter(error.values()))
    assert isinstance(error, FieldError)
    return error.message[:1].lower() + error.message[1:]
