"""Keeps pbhost's files in any file system that fsspec knows."""

from __future__ import annotations

from pbhost import App, hookimpl
from pbhost_memory_storage.storage import FsspecStorage


class MemoryStoragePlugin:
    """Provides the storage service."""

    NAME = "memory_storage"
    requires_pbhost = ">=0.1,<1"
    CONFIG_SCHEMA = {  # noqa: RUF012  # read once, never changed
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "url": {"type": "string", "minLength": 1, "default": "memory://pbhost"},
            "options": {"type": "object", "default": {}},
            "threads": {"type": "integer", "minimum": 1, "maximum": 64, "default": 4},
        },
    }

    @hookimpl
    def provide_storage(self, app: App) -> FsspecStorage:
        """The storage of all files. Nothing is opened before it is started."""
        options = app.options(self.NAME)
        arguments = options["options"]
        return FsspecStorage(
            str(options["url"]), arguments if isinstance(arguments, dict) else {}, int(str(options["threads"]))
        )


plugin = MemoryStoragePlugin()
