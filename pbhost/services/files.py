"""Files: the storage and what file fields make of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from pbhost.errors import JSON
from pbhost.model import Record, UploadedFile


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

    async def presigned_url(
        self, key: str, *, seconds: int, content_type: str = "", content_disposition: str = ""
    ) -> str | None:
        """A URL that lets the client fetch the file from the storage itself, or None.

        Args:
            key: of a file, whose existence is not checked.
            seconds: how long the URL is valid.
            content_type: what the storage shall say the type is, "" for the stored one.
            content_disposition: what it shall send as that header, "" for none.

        Raises:
            OSError: the storage has such URLs but cannot make one.
        """
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

    async def begin_write(self, record: Record, uploads: Sequence[UploadedFile], leaving: Sequence[str]) -> None:
        """Before the transaction of a record's write: stores its uploads, all or none. Until :meth:`end_write` a crash
        is mended at the next start.

        Args:
            record: with its id assigned.
            uploads: with their stored names set.
            leaving: stored names that the row is going to stop naming; their files stay until the write is over.

        Raises:
            OSError: the storage refused; nothing of it is left.
        """
        ...

    async def end_write(self, record: Record, names: Sequence[str]) -> None:
        """After the commit or the rollback: deletes those files that the record's row does not name (any more).

        Args:
            names: what may be obsolete: new names after a rollback, old ones after a commit. Never raises.
        """
        ...

    def delete_all(self, record: Record) -> None:
        """Deletes the files of a deleted record, in the background."""
        ...

    async def copy_of(self, record: Record, filename: str, *, keep_name: bool = False) -> UploadedFile:
        """A stored file as an upload, to be assigned to another record.

        Args:
            keep_name: keep the stored name instead of making a new one from the original name.

        Raises:
            FileNotFoundError: no such file.
        """
        ...

    async def download_upload(self, url: str, *, name: str = "", max_bytes: int = 32 * 1024 * 1024) -> UploadedFile:
        """The content behind an HTTP URL as an upload.

        Args:
            name: the original name; "" for the last segment of the URL's path.
            max_bytes: more than that is refused.

        Raises:
            OSError: it cannot be fetched, answers with a status outside 200 to 399, or is too large.
        """
        ...

    def open_storage(self, place: Path | Mapping[str, JSON]) -> Storage:
        """A storage beside the one of the record files: for backups, and to test settings before they are used.

        Args:
            place: a local directory, made when something is written; or a section of the settings in the form of
                ``s3`` (``bucket``, ``region``, ``endpoint``, ``accessKey``, ``secret``, ``forcePathStyle``).

        Raises:
            OSError: the storage cannot be opened, for instance because the extra for S3 is not installed.
        """
        ...
