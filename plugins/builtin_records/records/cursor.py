"""Cursors of lists: where a page ended, as text that only this application can read or make.

A position holds values of the sort fields, which the caller may not be allowed to see (an e-mail), so it is encrypted.
The key follows from the secret of the superusers' tokens: it is the same in every worker and after a restart.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
from typing import TYPE_CHECKING

from pbhost.database import Connection, Row, Sql, SqlValue
from pbhost.errors import BadRequestError
from pbhost.model import SUPERUSERS, Collection

from ..filter import BoundQuery, Keyset, NoKeyset, Position
from .codec import Codec

if TYPE_CHECKING:
    from pbhost.app import App

MAX_CURSOR = 8192
#: Characters of the text of one sort key; a cursor has to fit into a URL.
_MAX_KEY = 1000
_NONCE = 12
_INVALID = "The cursor is not valid."
_OTHER_QUERY = "The cursor belongs to another query: collection, filter and sort must stay the same."
_TOO_LONG = "A cursor cannot be made: a value of the sort field is too long."


class Cursors:
    """Positions to text and back."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._fallback = os.urandom(32)

    def encode(self, position: Position, collection: Collection, filter: str, sort: str) -> str:
        """The cursor of a position in a query.

        Raises:
            BadRequestError: it would be too long.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if any(isinstance(key, (str, bytes)) and len(key) > _MAX_KEY for key in position.keys):
            raise BadRequestError(_TOO_LONG)
        keys = [{"hex": key.hex()} if isinstance(key, bytes) else key for key in position.keys]
        plain = json.dumps([_digest(collection, filter, sort), position.id, keys], separators=(",", ":")).encode()
        nonce = os.urandom(_NONCE)
        return base64.urlsafe_b64encode(nonce + AESGCM(self._key()).encrypt(nonce, plain, None)).rstrip(b"=").decode()

    def decode(self, cursor: str, collection: Collection, filter: str, sort: str) -> Position | None:
        """The position of a cursor; None for the empty one, before the first row.

        Raises:
            BadRequestError: it was not made here, or for another query.
        """
        if not cursor:
            return None
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            if len(cursor) > MAX_CURSOR:
                raise BadRequestError(_INVALID)
            sealed = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True)
            plain = AESGCM(self._key()).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except (binascii.Error, UnicodeError, ValueError, InvalidTag) as error:
            raise BadRequestError(_INVALID) from error
        digest, id_, keys = json.loads(plain)
        if digest != _digest(collection, filter, sort):
            raise BadRequestError(_OTHER_QUERY)
        return Position(tuple(bytes.fromhex(key["hex"]) if isinstance(key, dict) else key for key in keys), id_)

    def _key(self) -> bytes:
        superusers = self._app.collections.find(SUPERUSERS)
        token = superusers.options.get("authToken") if superusers is not None else None
        secret = token.get("secret") if isinstance(token, dict) else None
        base = secret.encode() if isinstance(secret, str) and secret else self._fallback
        return hmac.new(base, b"pbhost: cursors of lists", hashlib.sha256).digest()


def rows_after(
    connection: Connection, query: BoundQuery, codec: Codec, position: Position | None, limit: int
) -> tuple[list[Row], Position | None]:
    """The rows after a position, and the position of the last one if there are more.

    Raises:
        BadRequestError: the sort gives rows no place of their own, or the position is none in it.
    """
    names = codec.names
    try:
        keyset = query.compiled.keyset()
        if position is not None:
            if len(position.keys) != len(keyset.terms):
                raise BadRequestError(_OTHER_QUERY)
            if keyset.ends_with_row:
                position = _moved(connection, codec.collection, keyset, position)
        found: list[Row] = []
        for sql in query.after(names, position):
            found += connection.fetch_all(Sql(sql.text + " LIMIT ?", (*sql.params, limit + 1 - len(found))))
            if len(found) > limit:
                break
    except NoKeyset as error:
        raise BadRequestError(f"The sort cannot be combined with a cursor: {error.reason}.") from error
    width = len(names)
    rows = [row[:width] for row in found[:limit]]
    if len(found) <= limit:
        return rows, None
    last = found[limit - 1]
    return rows, Position(last[width:], str(last[codec.id_index]))


def _moved(connection: Connection, collection: Collection, keyset: Keyset, position: Position) -> Position:
    """The position with the present number of its row.

    Rows are numbered anew when the database is compacted, and the number of a deleted last row is given away again.
    """
    dialect = connection.dialect
    number, id_ = dialect.row_number("t"), f"t.{dialect.quote('id')}"
    *keys, row_number = position.keys
    rows = connection.fetch_all(
        f"SELECT {id_}, {number} FROM {dialect.quote(collection.name)} t WHERE {id_} = ? OR {number} = ?",
        (position.id, row_number),
    )
    known: dict[SqlValue, SqlValue] = dict(rows)  # type: ignore[arg-type]  # rows of two columns
    if position.id in known:
        return Position((*keys, known[position.id]), position.id)
    if known and isinstance(row_number, int) and not keyset.terms[-1].descending:
        # Its number belongs to a newer row, which has not been seen yet.
        return Position((*keys, row_number - 1), position.id)
    return position


def _digest(collection: Collection, filter: str, sort: str) -> str:
    parts = "\0".join((collection.id, filter, sort))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]
