"""What a change of an auth record brings with it, in the same transaction. Source: auth contract, section 1.6."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from builtin_auth import superusers, totp
from builtin_auth.errors import INVALID_AUTH_ID, StaleCredentials
from builtin_auth.record_checks import CHECKED_KEY, WRONG_OLD_PASSWORD
from builtin_auth.references import AUTH_ORIGINS, EXTERNAL_AUTHS, MFAS, OTPS, REFERENCES, clear
from pbhost.database import Sql, Transaction
from pbhost.errors import ValidationError
from pbhost.model import Record
from pbhost.model.ids import secret

if TYPE_CHECKING:
    from builtin_auth.service import AuthService
    from pbhost.app import App
    from pbhost.hooks.events import RecordEvent


class RecordEffects:
    """Plain in-transaction hooks of all auth collections."""

    def __init__(self, app: App, auth: AuthService) -> None:
        self._app = app
        self._auth = auth

    def create(self, event: RecordEvent) -> Iterator[None]:
        """Around the insert."""
        record, connection = event.record, _connection(event)
        self._check_id(record, connection)
        if record.collection.is_superusers:
            record["verified"] = True
        yield
        if record.collection.is_superusers:
            superusers.drop_installer(self._app, connection, record)

    def update(self, event: RecordEvent) -> Iterator[None]:
        """Around the update: new credentials end all tokens and half-done sign-ins made with the old ones."""
        record, connection = event.record, _connection(event)
        if record.collection.is_superusers:
            record["verified"] = True
        password, email, key = (record.changed(name) for name in ("password", "email", "tokenKey"))
        verified = record.changed("verified") and record.get("verified") is True
        if (password or email) and self._is_stale(event, connection):
            raise (
                ValidationError({"oldPassword": WRONG_OLD_PASSWORD})
                if CHECKED_KEY in record.notes
                else StaleCredentials
            )
        linked = verified and self._is_linked(record, connection)
        if (password or email or linked) and not key:
            record["tokenKey"] = secret()
        yield
        if password or email or key or linked:
            clear(self._app, connection, OTPS, record)
        if password:
            clear(self._app, connection, MFAS, record)
            clear(self._app, connection, AUTH_ORIGINS, record)
        if linked:
            clear(self._app, connection, EXTERNAL_AUTHS, record)
        self._forget(record, connection)

    def delete(self, event: RecordEvent) -> Iterator[None]:
        """Around the delete."""
        record, connection = event.record, _connection(event)
        if record.collection.is_superusers:
            superusers.keep_one(self._app, connection)
        yield
        for name in REFERENCES:
            clear(self._app, connection, name, record)
        totp.forget(connection, record.collection.id, record.id)
        self._forget(record, connection)

    def _forget(self, record: Record, connection: Transaction) -> None:
        collection_id, record_id = record.collection.id, record.id
        connection.on_commit(lambda: self._auth.identities.forget(collection_id, record_id))

    def _is_stale(self, event: RecordEvent, connection: Transaction) -> bool:
        """Whether the stored token key is not the one that was read. Checked in the write, so that of several
        requests with one reset link (or one old password) at the same time a single one succeeds."""
        record, quote = event.record, connection.dialect.quote
        # A request of the API has been judged anew on the newer read; code has seen no more than what it read.
        seen = record.as_read if event.api is None else record.original
        query = f"SELECT {quote('tokenKey')} FROM {quote(record.collection.name)} WHERE id = ?"
        row = connection.fetch_one(Sql(query, (record.id,)))
        return row is not None and row[0] != record.notes.get(CHECKED_KEY, seen.get("tokenKey"))

    def _is_linked(self, record: Record, connection: Transaction) -> bool:
        if self._app.collections.find(EXTERNAL_AUTHS) is None:
            return False
        quote = connection.dialect.quote
        query = f"SELECT 1 FROM {quote(EXTERNAL_AUTHS)} WHERE {quote('collectionRef')} = ? AND {quote('recordRef')} = ?"
        return connection.fetch_one(Sql(query + " LIMIT 1", (record.collection.id, record.id))) is not None

    def _check_id(self, record: Record, connection: Transaction) -> None:
        """Ids are unique over all auth collections, so that ``@request.auth.id`` alone never means two people."""
        quote = connection.dialect.quote
        for collection in self._app.collections.all():
            if not collection.is_auth or collection.id == record.collection.id:
                continue
            query = f"SELECT 1 FROM {quote(collection.name)} WHERE id = ?"
            if connection.fetch_one(Sql(query, (record.id,))) is not None:
                raise ValidationError({"id": INVALID_AUTH_ID})


def _connection(event: RecordEvent) -> Transaction:
    assert event.connection is not None
    return event.connection
