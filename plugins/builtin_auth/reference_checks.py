"""Rules common to the four reference collections. Source: auth contract, section 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builtin_auth import totp
from builtin_auth.errors import NOT_IN_LIST
from builtin_auth.references import EXTERNAL_AUTHS, REFERENCES, clear_collection
from pbhost.database import Sql, Transaction
from pbhost.errors import ErrorTree, FieldError, ValidationError
from pbhost.model import Record
from pbhost.validation import collect

if TYPE_CHECKING:
    from collections.abc import Container

    from pbhost.app import App
    from pbhost.hooks.events import CollectionEvent, RecordEvent

_NO_COLLECTION = FieldError("validation_invalid_collection_id", "Missing or invalid collection.")
_NOT_AUTH = FieldError("validation_invalid_collection_type", "Invalid collection type - must be auth.")
_NO_RECORD = FieldError("validation_invalid_record", "Missing or invalid record.")


class ReferenceChecks:
    """Plain in-transaction hooks; they run after the field checks."""

    def __init__(self, app: App, providers: Container[str]) -> None:
        self._app = app
        self._providers = providers

    def check(self, event: RecordEvent) -> None:
        """Refuse a row that does not belong to an existing auth record.

        Raises:
            ValidationError: with the errors by field.
        """
        assert event.connection is not None
        record = event.record
        checks = dict(self._owner_errors(record, event.connection))
        if record.collection.name == EXTERNAL_AUTHS and record.text("provider") not in self._providers:
            checks["provider"] = NOT_IN_LIST
        errors = collect(checks)
        if errors:
            raise ValidationError(errors)

    def _owner_errors(self, record: Record, connection: Transaction) -> ErrorTree:
        wanted = record.text("collectionRef")
        collection = self._app.collections.find(wanted)
        if collection is None or collection.id != wanted:
            return {"collectionRef": _NO_COLLECTION}
        if not collection.is_auth:
            return {"collectionRef": _NOT_AUTH}
        query = f"SELECT 1 FROM {connection.dialect.quote(collection.name)} WHERE id = ?"
        found = connection.fetch_one(Sql(query, (record.text("recordRef"),)))
        return {} if found is not None else {"recordRef": _NO_RECORD}

    def collection_deleted(self, event: CollectionEvent) -> None:
        """The rows of a deleted auth collection's records go with it."""
        assert event.connection is not None
        if event.collection.is_auth:
            for name in REFERENCES:
                clear_collection(self._app, event.connection, name, event.collection.id)
            totp.forget(event.connection, event.collection.id)
