"""The storage that the configuration chooses: a file system by URL, the S3 bucket of the settings, or a directory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, runtime_checkable

from builtin_files.config import FilesConfig
from builtin_files.local import LocalStorage
from builtin_files.workers import Workers
from pbhost.services import FileAttributes, Storage

if TYPE_CHECKING:
    from builtin_files.remote import RemoteStorage
    from builtin_files.s3 import S3Settings
    from pbhost import App

#: The directory of the local storage within the data directory.
DIRECTORY = "storage"


@runtime_checkable
class Fetching(Protocol):
    """A storage that can give a small file in one go, which saves a download two hops into a thread."""

    async def fetch(self, key: str, limit: int) -> tuple[FileAttributes, bytes | None]:
        """Attributes, and the content if it has at most ``limit`` bytes.

        Raises:
            FileNotFoundError: no such file.
        """
        ...


@cache
def is_fetching(kind: type) -> bool:
    """Whether storages of a class are :class:`Fetching`; asking a protocol anew costs as much as reading a file."""
    return issubclass(kind, Fetching)


class ConfiguredStorage:
    """Passes every call to the storage in charge, which follows the settings without a restart."""

    def __init__(self, app: App, config: FilesConfig) -> None:
        self._app = app
        self._config = config
        self._workers = Workers("pbhost-files", config.threads)
        self._local = LocalStorage(app.config.dir / DIRECTORY, self._workers)
        self._remote: RemoteStorage | None = None
        self._opened_for: S3Settings | None = None

    async def start(self) -> None:
        """Nothing to open: a storage is reached when it is first used. Tidies up after a crash, beside everything."""
        # In every worker: one that stands in for a killed one tidies up after it.
        self._app.background(self._local.sweep(), name="files: unfinished writes")

    async def inspect(self) -> None:
        """Nothing to open here either."""

    async def stop(self) -> None:
        """Finishes running reads and writes, and ends the connection."""
        if self._remote is not None:
            await self._remote.close()
        self._workers.close()

    async def _current(self) -> Storage:
        """The storage in charge.

        Raises:
            OSError: it is not configured completely, or its package is missing.
        """
        local = self._is_local()
        if local is not None:
            return local
        if self._config.url:
            if self._remote is None:
                self._remote = await self._workers.run(self._open_url)
            return self._remote
        settings = self._s3()
        if self._remote is None or settings != self._opened_for:
            self._remote = await self._workers.run(lambda: self._open_bucket(settings))
            self._opened_for = settings
        return self._remote

    def _is_local(self) -> LocalStorage | None:
        return self._local if not self._config.url and self._s3() is None else None

    def _s3(self) -> S3Settings | None:
        section = self._app.settings.section("s3") if self._app.has("settings") else {}
        if section.get("enabled") is not True:
            return None
        from builtin_files.s3 import S3Settings

        return S3Settings.load(section)

    def _open_url(self) -> RemoteStorage:
        from builtin_files.opening import open_url
        from builtin_files.remote import RemoteStorage

        return RemoteStorage(open_url(self._config.url, self._config.url_options), self._workers)

    def _open_bucket(self, settings: S3Settings | None) -> RemoteStorage:
        from builtin_files.remote import RemoteStorage
        from builtin_files.s3 import open_bucket

        assert settings is not None  # otherwise the local storage is in charge
        return RemoteStorage(open_bucket(settings), self._workers)

    # -- the Storage protocol ----------------------------------------------------------------------------------------

    async def attributes(self, key: str) -> FileAttributes:
        """See :class:`pbhost.services.Storage`."""
        return await (await self._current()).attributes(key)

    async def exists(self, key: str) -> bool:
        """See :class:`pbhost.services.Storage`."""
        return await (await self._current()).exists(key)

    async def fetch(self, key: str, limit: int) -> tuple[FileAttributes, bytes | None]:
        """See :class:`Fetching`; only the local storage saves anything by it."""
        storage = await self._current()
        if isinstance(storage, LocalStorage):
            return await storage.fetch(key, limit)
        return await storage.attributes(key), None

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See :class:`pbhost.services.Storage`."""
        async for chunk in (await self._current()).read(key, start=start, end=end):
            yield chunk

    async def write(
        self,
        key: str,
        source: BinaryIO | bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> FileAttributes:
        """See :class:`pbhost.services.Storage`."""
        return await (await self._current()).write(key, source, content_type=content_type, metadata=metadata)

    async def delete(self, key: str) -> None:
        """See :class:`pbhost.services.Storage`."""
        await (await self._current()).delete(key)

    async def delete_prefix(self, prefix: str) -> None:
        """See :class:`pbhost.services.Storage`."""
        await (await self._current()).delete_prefix(prefix)

    async def list(self, prefix: str = "") -> AsyncIterator[tuple[str, FileAttributes]]:
        """See :class:`pbhost.services.Storage`."""
        async for item in (await self._current()).list(prefix):
            yield item

    def local_path(self, key: str) -> Path | None:
        """See :class:`pbhost.services.Storage`."""
        local = self._is_local()
        return None if local is None else local.local_path(key)

    async def presigned_url(
        self, key: str, *, seconds: int, content_type: str = "", content_disposition: str = ""
    ) -> str | None:
        """See :class:`pbhost.services.Storage`."""
        return await (await self._current()).presigned_url(
            key, seconds=seconds, content_type=content_type, content_disposition=content_disposition
        )
