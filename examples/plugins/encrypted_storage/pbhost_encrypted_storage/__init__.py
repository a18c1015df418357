"""Encryption at rest for files, over whatever storage would keep them without this plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pbhost import App, hookimpl
from pbhost.errors import JSON
from pbhost.services import Storage
from pbhost_encrypted_storage.keyring import KEY_ID, Keyring
from pbhost_encrypted_storage.storage import EncryptedStorage

if TYPE_CHECKING:
    import click

__all__ = ["EncryptedStorage", "EncryptedStoragePlugin", "Keyring", "plugin"]

CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "current": {"type": "string", "default": ""},
        "keys": {
            "type": "object",
            "propertyNames": {"pattern": f"^{KEY_ID}$"},
            "additionalProperties": {"type": "string"},
            "default": {},
            "writeOnly": True,
        },
        "accept_plain": {"type": "boolean", "default": False},
    },
}


class EncryptedStoragePlugin:
    """The hooks of this plugin."""

    NAME = "encrypted_storage"
    requires_pbhost = ">=0.1,<1"
    CONFIG_SCHEMA = CONFIG_SCHEMA

    @hookimpl
    def provide_storage(self, app: App) -> EncryptedStorage:
        """Wraps the storage of the next plugin: a directory, S3, or any file system of fsspec.

        Raises:
            ConfigError: there is no usable key.
        """
        options = app.options(self.NAME)
        keys = Keyring.load(options)
        inner = cast(Storage, app.inherited("storage", by=self))
        return EncryptedStorage(inner, keys, accept_plain=options["accept_plain"] is True)

    @hookimpl
    def register_commands(self, app: App) -> list[click.Command]:
        """``pbhost encrypted-storage new-key|status|rotate``."""
        from pbhost_encrypted_storage.commands import storage_commands

        return [storage_commands(app)]


plugin = EncryptedStoragePlugin()
