"""``pbhost.services.Storage`` over fsspec."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from pbhost.services import FileAttributes

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

T = TypeVar("T")

CHUNK = 256 * 1024
#: Objects of our own beside the files: attributes, and writes that are not finished.
META, PART = ".meta", ".part"
#: What file systems raise for a path that is not there.
MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

log = logging.getLogger("pbhost.memory_storage")


class FsspecStorage:
    """Files of one fsspec URL. Its calls block, so they run in threads of their own."""

    def __init__(self, url: str, options: Mapping[str, object], threads: int) -> None:
        self._url = url
        self._options = options
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="memory-storage")

    async def start(self) -> None:
        """Connects.

        Raises:
            ValueError, ImportError: an unknown protocol, or its package is not installed.
        """

        def connect() -> tuple[AbstractFileSystem, str]:
            import fsspec  # 90 ms that a start should not wait for

            return cast("tuple[AbstractFileSystem, str]", fsspec.core.url_to_fs(self._url, **self._options))

        self._fs, root = await self._run(connect)
        self._root = root.rstrip("/")

    async def stop(self) -> None:
        """Finishes what runs."""
        self._threads.shutdown(wait=True)

    # -- reading -----------------------------------------------------------------------------------------------------

    async def attributes(self, key: str) -> FileAttributes:
        return await self._run(partial(self._attributes, self._known_path(key)))

    async def exists(self, key: str) -> bool:
        try:
            await self.attributes(key)
        except FileNotFoundError:
            return False
        return True

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        path = self._known_path(key)

        def open_at() -> BinaryIO:
            try:
                file = cast(BinaryIO, self._fs.open(path, "rb"))
            except MISSING as error:
                raise FileNotFoundError(key) from error
            file.seek(start)
            return file

        file = await self._run(open_at)
        left = float("inf") if end is None else end - start
        try:
            while left > 0 and (chunk := await self._run(partial(file.read, int(min(CHUNK, left))))):
                left -= len(chunk)
                yield chunk
        finally:
            await self._run(file.close)

    async def list(self, prefix: str = "") -> AsyncIterator[tuple[str, FileAttributes]]:
        for path in await self._run(partial(self._paths, prefix)):
            if not path.endswith((META, PART)):
                yield self._key(path), await self._run(partial(self._attributes, path))

    def local_path(self, key: str) -> Path | None:
        return None

    async def presigned_url(
        self, key: str, *, seconds: int, content_type: str = "", content_disposition: str = ""
    ) -> str | None:
        return None

    # -- writing -----------------------------------------------------------------------------------------------------

    async def write(
        self,
        key: str,
        source: BinaryIO | bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> FileAttributes:
        path = self._path(key)
        meta = json.dumps({"content_type": content_type, "metadata": dict(metadata or {})}).encode()

        def store() -> FileAttributes:
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            part = f"{path}.{secrets.token_hex(8)}{PART}"
            try:
                with self._fs.open(part, "wb") as file:
                    if isinstance(source, bytes):
                        file.write(source)
                    else:
                        while chunk := source.read(CHUNK):
                            file.write(chunk)
                self._fs.pipe_file(path + META, meta)
                self._fs.mv(part, path)  # only a whole file ever stands under its key
            except BaseException:
                self._remove(part)
                raise
            return self._attributes(path)

        # Shielded, because a write that its caller gave up would go on in its thread all the same.
        return await asyncio.shield(self._run(store))

    async def delete(self, key: str) -> None:
        path = self._known_path(key)

        def remove() -> None:
            if self._fs.isdir(path):
                self._fs.rmdir(path)
                return
            self._attributes(path)  # raises for a missing file, whatever rm of this file system does
            self._fs.rm_file(path)
            self._remove(path + META)

        await self._run(remove)

    async def delete_prefix(self, prefix: str) -> None:
        def remove() -> None:
            for path in self._paths(prefix):
                self._remove(path)

        await self._run(remove)

    # -- in a thread -------------------------------------------------------------------------------------------------

    def _attributes(self, path: str) -> FileAttributes:
        try:
            info = self._fs.info(path)
            if info["type"] == "directory":
                raise FileNotFoundError(path)
            meta = json.loads(self._fs.cat_file(path + META))
        except MISSING as error:
            raise FileNotFoundError(path) from error
        modified = info.get("mtime") or info.get("created") or 0
        if not isinstance(modified, datetime):
            modified = datetime.fromtimestamp(float(modified), UTC)
        return FileAttributes(int(info["size"]), modified, meta["content_type"], meta["metadata"])

    def _paths(self, prefix: str) -> tuple[str, ...]:
        folder = f"{self._root}/{prefix.rpartition('/')[0]}".rstrip("/")
        try:
            found = self._fs.find(folder)
        except MISSING:
            return ()
        return tuple(sorted(path for path in found if self._key(path).startswith(prefix)))

    def _remove(self, path: str) -> None:
        try:
            self._fs.rm_file(path)
        except MISSING:
            return
        except OSError as error:
            log.error("could not delete %s: %s", self._key(path), error)

    # -- keys --------------------------------------------------------------------------------------------------------

    def _path(self, key: str) -> str:
        parts = key.split("/")
        if not key.isprintable() or key.endswith((META, PART)) or any(part in ("", ".", "..") for part in parts):
            raise OSError(f"{key!r} cannot be a storage key")
        return f"{self._root}/{key}"

    def _known_path(self, key: str) -> str:
        try:
            return self._path(key)
        except OSError as error:
            raise FileNotFoundError(key) from error

    def _key(self, path: str) -> str:
        return path.strip("/").removeprefix(self._root.strip("/")).strip("/")

    async def _run(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)
