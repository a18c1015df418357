"""Files: the storage and what file fields make of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from pbhost.model import Record


@dataclass(frozen=True, slots=True)
class FileAttributes:
    """What is known of a stored file."""

    size: int
    modified: datetime
    content_type: str = "application/octet-stream"
    metadata: Mapping[str, str] = field(default_factory=dict)
    md5: str = ""


class Storage(Protocol):
    """Where files are kept. Keys are ``/``-separated and relative; all methods keep the event loop free.

    Missing keys raise ``FileNotFoundError``; a storage that cannot be reached raises ``OSError``.
    """

    async def attributes(self, key: str) -> FileAttributes: ...

    async def exists(self, key: str) -> bool: ...

    def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes ``[start, end)`` in chunks."""
        ...

    async def write(
        self,
        key: str,
        source: BinaryIO | bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> FileAttributes:
        """Stores a file whole or not at all; an existing one is replaced."""
        ...

    async def delete(self, key: str) -> None: ...

    async def delete_prefix(self, prefix: str) -> None:
        """Deletes every key that starts with the prefix; errors of single keys are logged."""
        ...

    def list(self, prefix: str = "") -> AsyncIterator[tuple[str, FileAttributes]]:
        """Keys and attributes in lexical order."""
        ...

    def local_path(self, key: str) -> Path | None:
        """The path of a file on this machine if there is one (for sendfile), else None."""
        ...

    async def presigned_url(self, key: str, *, seconds: int) -> str | None:
        """A URL that lets the client fetch the file from the storage itself, or None."""
        ...


class Files(Protocol):
    """File fields in terms of a storage."""

    def base_path(self, record: Record) -> str:
        """``{collectionId}/{recordId}``."""
        ...

    def url(self, record: Record, filename: str, *, thumb: str = "", token: str = "", download: bool = False) -> str:
        """The path of the download endpoint."""
        ...

    async def thumbnail(self, record: Record, filename: str, size: str) -> str:
        """The key of a thumbnail, made if it is not there yet.

        Raises:
            ValueError: the image or the size is not supported.
        """
        ...
