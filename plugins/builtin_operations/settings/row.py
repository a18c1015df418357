"""The settings row of the database: reading it in any of its forms, writing it in PocketBase's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from builtin_operations.settings.cipher import SettingsCipherError, decrypt, encrypt
from pbhost.database import Connection, Row, Transaction
from pbhost.errors import JSON, ConfigError

ROW_ID = "settings"


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """What the row holds; ``updated`` tells one saved state from another."""

    values: dict[str, JSON]
    updated: str


class SettingsRow:
    """The row ``settings`` of ``_params``, encrypted if there is a key.

    Args:
        key_variable: name of the environment variable with the key; "" for none.
    """

    def __init__(self, key_variable: str = "") -> None:
        self._variable = key_variable
        self._key = os.environ.get(key_variable, "").encode() if key_variable else b""

    def fetch(self, connection: Connection) -> Row | None:
        """``(value, updated)``, or None if the row is missing; in the connection's thread."""
        return connection.fetch_one("SELECT value, updated FROM _params WHERE id = ?", (ROW_ID,))

    def decode(self, row: Row) -> StoredSettings:
        """What a fetched row holds.

        Raises:
            ConfigError: it is neither JSON nor something that the key opens.
        """
        value, updated = row
        text = value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else b""
        parsed = _object(text)
        if parsed is None:
            if not self._key:
                raise ConfigError(f'invalid settings db data or missing encryption key "{self._variable}"')
            try:
                parsed = _object(decrypt(text, self._key))
            except SettingsCipherError as error:
                raise ConfigError(str(error)) from error
            if parsed is None:
                raise ConfigError("invalid settings db data: the decrypted text is no JSON object")
        return StoredSettings(parsed, str(updated or ""))

    def encode(self, values: Mapping[str, JSON]) -> bytes | str:
        """The stored form: JSON as a blob, or the encrypted text.

        Raises:
            ConfigError: the key has the wrong length.
        """
        plain = orjson.dumps(values)
        if not self._key:
            return plain
        try:
            return encrypt(plain, self._key)
        except SettingsCipherError as error:
            raise ConfigError(str(error)) from error

    def write(self, transaction: Transaction, encoded: bytes | str) -> str:
        """Creates or replaces the row; returns its new ``updated``. In the transaction's thread."""
        now = transaction.now
        if not transaction.execute("UPDATE _params SET value = ?, updated = ? WHERE id = ?", (encoded, now, ROW_ID)):
            transaction.execute(
                "INSERT INTO _params (id, value, created, updated) VALUES (?, ?, ?, ?)", (ROW_ID, encoded, now, now)
            )
        # The feed has no row for settings in PocketBase; ours wakes the other processes.
        transaction.record_change("", ROW_ID, "update")
        return now


def _object(text: bytes) -> dict[str, JSON] | None:
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None
