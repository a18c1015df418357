"""Deleting a record with what refers to it, inside a transaction and in its thread (records.md 5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from pbhost.database import Row, SqlValue, Transaction
from pbhost.errors import BadRequestError, NotFoundError
from pbhost.hooks.events import RecordEvent
from pbhost.model import Collection, Field, Record, RequestContext

from .aftermath import Aftermath
from .chains import Chains, WriteChains
from .codec import Codec, Codecs
from .faults import DELETE_BLOCKED, UNSUPPORTED_TYPE
from .lifecycle import Lifecycles
from .queries import chunks
from .saving import Saving

if TYPE_CHECKING:
    from pbhost.app import App


@dataclass(frozen=True, slots=True)
class _Delete:
    """One delete on its way, with all that it takes along."""

    tx: Transaction
    aftermath: Aftermath
    context: RequestContext | None


@dataclass(frozen=True, slots=True)
class _Removed:
    """Rows of one collection that are gone."""

    codec: Codec
    rows: Sequence[Row]
    ids: Sequence[str]


class Deleting:
    """Deletes records of all collections.

    Rows that nobody's hook wants to see are deleted in sets; the others one by one, so that each has its events.
    """

    def __init__(self, app: App, codecs: Codecs, lifecycles: Lifecycles, chains: Chains, saving: Saving) -> None:
        self._app = app
        self._codecs = codecs
        self._lifecycles = lifecycles
        self._chains = chains
        self._saving = saving

    def delete(
        self, tx: Transaction, record: Record, aftermath: Aftermath, *, context: RequestContext | None = None
    ) -> None:
        """Deletes a record, and by cascades what refers to it.

        Raises:
            NotFoundError: it is gone already.
            BadRequestError: a required reference would be left without a value.
        """
        collection = record.collection
        if collection.is_view:
            raise BadRequestError(UNSUPPORTED_TYPE)
        chains = self._chains.of(collection).delete
        event = RecordEvent(app=self._app, action="delete", context=context, collection=collection, record=record)
        try:
            if chains.whole:
                chains.whole.run_in(tx, event, lambda: self._inside(tx, event, chains, aftermath))
            else:
                self._inside(tx, event, chains, aftermath)
        except Exception as error:
            moment = chains.error
            if moment is not None:
                failed = RecordEvent(
                    app=self._app, action="delete", context=context, collection=collection, record=record, error=error
                )
                aftermath.add(tx, rolled_back=lambda: moment.notify(failed))
            raise

    def needs_loop(self, collection: Collection) -> bool:
        """Whether a hook of the delete, or of one that may follow from it, is asynchronous."""
        seen: set[str] = set()
        pending = [collection]
        while pending:
            current = pending.pop()
            if current.id in seen:
                continue
            seen.add(current.id)
            chains = self._chains.of(current)
            if chains.delete.is_async or (current is not collection and chains.update.is_async):
                return True
            pending += [owner for owner, _ in self._app.collections.references_to(current)]
        return False

    # -- one record --------------------------------------------------------------------------------------------------

    def _inside(self, tx: Transaction, event: RecordEvent, chains: WriteChains, aftermath: Aftermath) -> None:
        if chains.execute:
            chains.execute.run_in(tx, event, lambda: self._execute(tx, event, chains, aftermath))
        else:
            self._execute(tx, event, chains, aftermath)

    def _execute(self, tx: Transaction, event: RecordEvent, chains: WriteChains, aftermath: Aftermath) -> None:
        record = event.record
        codec = self._codecs.of(record.collection)
        rows = self._rows(tx, codec, "id", [str(record.original["id"])])
        if not rows:
            raise NotFoundError()
        self._remove(_Delete(tx, aftermath, event.context), codec, rows)
        if chains.success or chains.error:
            self._tell(tx, event, chains, aftermath)

    def _tell(self, tx: Transaction, event: RecordEvent, chains: WriteChains, aftermath: Aftermath) -> None:
        after = RecordEvent(
            app=self._app, action="delete", context=event.context, collection=event.collection, record=event.record
        )

        success, error = chains.success, chains.error
        if success is not None:
            aftermath.add(tx, committed=lambda: success.notify(after))
        if error is not None:

            async def rolled_back() -> None:
                after.error = after.error or BadRequestError("The transaction was rolled back.")
                await error.notify(after)

            aftermath.add(tx, rolled_back=rolled_back)

    # -- rows --------------------------------------------------------------------------------------------------------

    def _remove(self, delete: _Delete, codec: Codec, rows: Sequence[Row]) -> None:
        """Deletes rows of one collection and what refers to them; then tells the change feed and the fields."""
        removed = [self._drop(delete, codec, rows)]
        # A loop and not a recursion: chains of rows that refer to each other may be of any length.
        for one in removed:
            for owner, field in self._app.collections.references_to(one.codec.collection):
                if not owner.is_view:
                    emptied = self._release(delete, owner, field, one.ids)
                    if emptied:
                        removed.append(self._drop(delete, self._codecs.of(owner), emptied))
        for one in reversed(removed):
            self._tell_gone(delete, one)

    def _drop(self, delete: _Delete, codec: Codec, rows: Sequence[Row]) -> _Removed:
        ids = [str(row[codec.id_index]) for row in rows]
        tx = delete.tx
        table, id_ = tx.dialect.quote(codec.collection.name), tx.dialect.quote("id")
        for some in chunks(ids):
            tx.execute(f"DELETE FROM {table} WHERE {id_} IN ({_marks(some)})", some)
        return _Removed(codec, rows, ids)

    def _tell_gone(self, delete: _Delete, removed: _Removed) -> None:
        codec, collection = removed.codec, removed.codec.collection
        for row, record_id in zip(removed.rows, removed.ids, strict=True):
            delete.tx.record_change(collection.id, record_id, "delete", _last_state(codec, row))
        forget = self._lifecycles.of(collection).forget
        if forget:
            records = [codec.record(row) for row in removed.rows]
            delete.aftermath.add(delete.tx, committed=lambda: self._forget(forget, records))

    async def _forget(self, fields: Sequence[Field], records: Sequence[Record]) -> None:
        for record in records:
            for field in fields:
                await field.deleted(record, self._app)

    def _release(self, delete: _Delete, owner: Collection, field: Field, ids: Sequence[str]) -> list[Row]:
        """Takes deleted ids out of a relation field.

        Returns:
            the rows that the delete cascades to and that no hook wants to see.

        Raises:
            BadRequestError: a required reference would be left without a value.
        """
        codec = self._codecs.of(owner)
        index = codec.names.index(field.name)
        gone = set(ids)
        emptied: list[Row] = []
        shortened: list[tuple[Row, list[str]]] = []
        for row in self._referring(delete.tx, codec, field, ids):
            value = field.from_db(row[index])
            left = [item for item in value if item not in gone] if isinstance(value, list) else []
            if left:
                shortened.append((row, left))
            else:
                emptied.append(row)
        unseen: list[Row] = []
        if emptied and getattr(field, "cascade_delete", False):
            unseen = self._cascade(delete, codec, emptied)
        elif emptied and field.required:
            raise BadRequestError(DELETE_BLOCKED)
        else:
            shortened += [(row, []) for row in emptied]
        for row, left in shortened:
            record = codec.record(row)
            record.put(field.name, field.normalize(left))
            self._saving.save(delete.tx, record, delete.aftermath, context=delete.context, validate=False)
        return unseen

    def _cascade(self, delete: _Delete, codec: Codec, rows: list[Row]) -> list[Row]:
        """Deletes rows one by one if their hooks want that; gives back those that can go as a set."""
        chains = self._chains.of(codec.collection).delete
        if not (chains.in_transaction or chains.success or chains.error):
            return rows
        for row in rows:
            # A hook of an earlier one may have deleted this one too.
            if self._rows(delete.tx, codec, "id", [str(row[codec.id_index])]):
                self.delete(delete.tx, codec.record(row), delete.aftermath, context=delete.context)
        return []

    def _referring(self, tx: Transaction, codec: Codec, field: Field, ids: Sequence[str]) -> list[Row]:
        if not field.is_multiple:
            return self._rows(tx, codec, field.name, ids)
        dialect = tx.dialect
        table, column = dialect.quote(codec.collection.name), dialect.quote(field.name)
        rows: dict[SqlValue, Row] = {}
        for some in chunks(ids):
            statement = (
                f"SELECT {codec.columns()} FROM {table} WHERE EXISTS "
                f"(SELECT 1 FROM {dialect.json_each(f'{table}.{column}')} item WHERE item.value IN ({_marks(some)}))"
            )
            rows.update((row[codec.id_index], row) for row in tx.fetch_all(statement, some))
        return list(rows.values())

    @staticmethod
    def _rows(tx: Transaction, codec: Codec, name: str, values: Sequence[str]) -> list[Row]:
        """Rows whose column has one of the values."""
        table, column = tx.dialect.quote(codec.collection.name), tx.dialect.quote(name)
        rows: list[Row] = []
        for some in chunks(values):
            rows += tx.fetch_all(f"SELECT {codec.columns()} FROM {table} WHERE {column} IN ({_marks(some)})", some)
        return rows


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _last_state(codec: Codec, row: Row) -> str:
    """The stored values of a deleted row as JSON: live updates tell of what is no longer there."""
    try:
        return orjson.dumps(codec.named(row), default=str).decode()
    except TypeError:
        return "{}"
