"""What happens in the transaction of a write: versions are kept, and a delete becomes a mark."""

from __future__ import annotations

import json

from pbhost import App, NotFoundError, Record, Skip
from pbhost.database import SqlValue, Transaction
from pbhost.hooks.events import RecordEvent
from pbhost_soft_delete.history import Action, History
from pbhost_soft_delete.options import Options

#: Key of ``Record.notes``: the record whose delete takes this one along.
_CAUSE = "soft_delete.cause"


class Marking:
    """The write hooks of one application; each method runs in the thread of the write's transaction."""

    def __init__(self, app: App, options: Options) -> None:
        self._app = app
        self._options = options

    def keep_version(self, event: RecordEvent) -> None:
        """After a create or an update was written: keeps what stands in the row."""
        tx = _transaction(event)
        was_marked, is_marked = event.record.original.get(self._options.field), event.record[self._options.field]
        action: Action = (
            "create" if event.action == "create" else "restore" if was_marked and not is_marked else "update"
        )
        record = event.record
        state = _row(tx, record)
        key = (record.collection.id, record.id)
        History(tx).add(tx, key, action, state, event.context, keep=self._options.keep_versions)

    def delete(self, event: RecordEvent) -> None:
        """Marks a record instead of deleting it; one that is marked already goes for good, with its history.

        Raises:
            Skip: always, unless it really is to be deleted.
            NotFoundError: it is gone.
        """
        tx, record, name = _transaction(event), event.record, self._options.field
        if record.original.get(name):
            History(tx).forget(tx, record.collection.id, record.id)
            return
        quote = tx.dialect.quote
        before = _row(tx, record)
        tx.execute(
            f"UPDATE {quote(record.collection.name)} SET {quote(name)} = ? WHERE {quote('id')} = ?", (tx.now, record.id)
        )
        own = f"{record.collection.id}/{record.id}"
        cause = str(record.notes.get(_CAUSE) or own)
        key = (record.collection.id, record.id)
        after = {**before, name: tx.now}
        History(tx).add(tx, key, "delete", after, event.context, keep=self._options.keep_versions, cause=cause)
        # Live updates and everything else that follows the change feed hear of a delete, with the last living state.
        tx.record_change(record.collection.id, record.id, "delete", json.dumps(before))
        self._cascade(tx, event, cause)
        raise Skip

    def _cascade(self, tx: Transaction, event: RecordEvent, cause: str) -> None:
        """Records that would have been deleted along are marked along, so that they can be restored along."""
        records, id_ = self._app.records.within(tx), event.record.id
        for owner, field in self._app.collections.references_to(event.record.collection):
            if owner.name not in self._options.collections or not field.encode().get("cascadeDelete"):
                continue
            living = f"{field.name} ?= {{:id}} && {self._options.field} = ''"
            for referrer in records.find_many(owner, living, {"id": id_}):
                value = referrer[field.name]
                if isinstance(value, list) and any(item != id_ for item in value):
                    continue  # it still refers to others
                referrer.notes[_CAUSE] = cause
                records.delete(referrer, context=event.context)


def _transaction(event: RecordEvent) -> Transaction:
    assert event.connection is not None, "a hook of a write has its transaction"
    return event.connection


def _row(tx: Transaction, record: Record) -> dict[str, SqlValue]:
    """The stored row by column.

    Raises:
        NotFoundError: it is gone.
    """
    table, id_ = tx.dialect.quote(record.collection.name), tx.dialect.quote("id")
    names, rows = tx.column_names(f"SELECT * FROM {table} WHERE {id_} = ?", (record.id,))
    if not rows:
        raise NotFoundError
    return dict(zip(names, rows[0], strict=True))
