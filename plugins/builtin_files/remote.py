"""A storage on any file system that fsspec knows: buckets, SFTP, WebDAV, memory …"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar, cast

from builtin_files import attrs
from builtin_files.attrs import Attrs
from builtin_files.buckets import PART, Bucket, modified
from builtin_files.keys import InvalidKeyError, check_key, escape_bucket_key, unescape_key
from builtin_files.workers import Workers
from pbhost.services import FileAttributes

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

CHUNK = 256 * 1024
#: What one request to the file system fetches when a file is read.
BLOCK = 1024 * 1024
_TEMPORARY = ".tmp"

T = TypeVar("T")
#: What a missing key, bucket or directory raises in the various file systems.
_MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

log = logging.getLogger("pbhost.files")


@dataclass(frozen=True, slots=True)
class Target:
    """A file system and where in it the storage lies.

    Attributes:
        root: path of the storage (``bucket/prefix``), without a slash at its end.
        bucket: how an object store keeps content type and metadata. None: into side files, as a local storage has them.
    """

    filesystem: AbstractFileSystem
    root: str
    bucket: Bucket | None


class RemoteStorage:
    """Files of a :class:`Target`; fsspec's blocking calls run in threads."""

    def __init__(self, target: Target, workers: Workers) -> None:
        self._fs = target.filesystem
        self._root = target.root
        self._bucket = target.bucket
        self._can_sign = target.bucket is not None
        self._workers = workers

    async def close(self) -> None:
        """Ends the connection, if the file system holds one; a server that is gone already is no error."""
        close = getattr(self._fs, "close", None)
        if close is not None:
            with suppress(OSError):
                await self._run(close)

    async def _run(self, function: Callable[[], T]) -> T:
        """Runs a function in a thread.

        Raises:
            OSError: it failed. File systems raise the errors of their clients (a connection that is refused, a
                signature that is not accepted), which have no common base.
        """
        try:
            return await self._workers.run(function)
        except OSError:
            raise
        except Exception as error:
            raise _storage_failed(error) from error

    def local_path(self, key: str) -> Path | None:
        """Nothing here is on this machine."""
        return None

    async def presigned_url(
        self, key: str, *, seconds: int, content_type: str = "", content_disposition: str = ""
    ) -> str | None:
        """A signed URL, or None if the file system has none or its credentials cannot sign."""
        bucket = self._bucket
        if bucket is None or not self._can_sign:
            return None
        path = self._path(key)
        try:
            return await self._workers.run(lambda: bucket.sign(path, seconds, content_type, content_disposition))
        except (AttributeError, TypeError, ValueError) as error:
            self._can_sign = False
            log.warning("the credentials of the storage cannot sign URLs, so files are sent from here: %s", error)
            return None
        except Exception as error:
            raise _storage_failed(error) from error

    # -- reading -----------------------------------------------------------------------------------------------------

    async def attributes(self, key: str) -> FileAttributes:
        """Size, time, type and metadata.

        Raises:
            FileNotFoundError: no such file.
            OSError: the file system cannot be reached.
        """
        path = self._readable(key)
        return await self._run(lambda: self._attributes(path))

    async def exists(self, key: str) -> bool:
        """Whether there is a file under the key."""
        try:
            await self.attributes(key)
        except FileNotFoundError:
            return False
        return True

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes ``[start, end)`` in chunks; ranges are read as ranges, not by skipping.

        Raises:
            FileNotFoundError: no such file.
        """
        path = self._readable(key)
        if end is not None and end - start <= BLOCK:
            yield await self._run(lambda: _missing_is_not_found(lambda: self._slice(path, start, end)))
            return
        file = await self._run(lambda: _missing_is_not_found(lambda: self._open(path, start)))
        left = None if end is None else end - start
        try:
            while left is None or left > 0:
                wanted = CHUNK if left is None else min(CHUNK, left)
                chunk = await self._run(partial(file.read, wanted))
                if not chunk:
                    return
                if left is not None:
                    left -= len(chunk)
                yield chunk
        finally:
            await self._run(file.close)

    def _open(self, path: str, start: int) -> BinaryIO:
        file = cast(BinaryIO, self._fs.open(path, "rb", block_size=BLOCK))
        file.seek(start)
        return file

    def _slice(self, path: str, start: int, end: int) -> bytes:
        return cast(bytes, self._fs.cat_file(path, start=start, end=end)) if end > start else b""

    async def list(self, prefix: str = "") -> AsyncIterator[tuple[str, FileAttributes]]:
        """Keys that start with the prefix, in lexical order, without side files and unfinished writes."""

        def found() -> Iterator[tuple[str, FileAttributes]]:
            for path in self._paths(prefix):
                if path.endswith((attrs.SUFFIX, _TEMPORARY)):
                    continue
                with suppress(FileNotFoundError):  # deleted meanwhile
                    yield self._key(path), self._attributes(path)

        async for item in self._workers.iterate(found()):
            yield item

    def _path(self, key: str) -> str:
        return f"{self._root}/{escape_bucket_key(check_key(key))}"

    def _readable(self, key: str) -> str:
        try:
            return self._path(key)
        except InvalidKeyError as error:
            raise FileNotFoundError(key) from error

    def _key(self, path: str) -> str:
        return unescape_key(path.removeprefix("/").removeprefix(self._root.removeprefix("/")).removeprefix("/"))

    def _attributes(self, path: str) -> FileAttributes:
        info = _missing_is_not_found(lambda: self._fs.info(path))
        if info.get("type") == "directory":
            raise FileNotFoundError(path)
        if self._bucket is not None:
            return self._bucket.attributes(path, info)
        side = self._side_file(path)
        return FileAttributes(
            size=int(info["size"]),
            modified=modified(info),
            content_type=side.content_type,
            metadata=side.metadata or {},
            md5="" if side.md5 is None else base64.b64encode(side.md5).decode("ascii"),
        )

    def _side_file(self, path: str) -> Attrs:
        try:
            with self._fs.open(path + attrs.SUFFIX, "rb") as file:
                return Attrs.decode(file.read(attrs.MAX_BYTES))
        except _MISSING:
            return Attrs()

    def _paths(self, prefix: str) -> Sequence[str]:
        below = prefix.rstrip("/") if prefix.endswith("/") else prefix.rpartition("/")[0]
        folder = f"{self._root}/{escape_bucket_key(below)}".rstrip("/")
        try:
            found = self._fs.find(folder)
        except _MISSING:
            return []
        return sorted(path for path in found if self._key(path).startswith(prefix))

    # -- writing -----------------------------------------------------------------------------------------------------

    async def write(
        self,
        key: str,
        source: BinaryIO | bytes,
        *,
        content_type: str = attrs.DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
    ) -> FileAttributes:
        """Stores a file whole or not at all; an existing one is replaced.

        Raises:
            OSError: the key is not usable, or the file system refuses.
        """
        path = self._path(key)
        bucket = self._bucket
        if bucket is not None:
            return await self._run(lambda: self._write_object(bucket, path, source, content_type, metadata or {}))
        return await self._run(lambda: self._write_file(path, source, content_type, metadata))

    def _write_object(
        self, bucket: Bucket, path: str, source: BinaryIO | bytes, content_type: str, metadata: Mapping[str, str]
    ) -> FileAttributes:
        reader = io.BytesIO(source) if isinstance(source, bytes) else source
        start = _up_to(reader, PART)
        if len(start) < PART:
            bucket.put(path, start, content_type, metadata)
            self._fs.invalidate_cache()
            return self._attributes(path)
        file = bucket.open(path, content_type, metadata)
        try:
            file.write(start)
            del start
            _copy(reader, file)
            file.close()
        except BaseException:
            _give_up(file)
            raise
        cast(_Upload, file).commit()
        self._fs.invalidate_cache()
        return self._attributes(path)

    def _write_file(
        self, path: str, source: BinaryIO | bytes, content_type: str, metadata: Mapping[str, str] | None
    ) -> FileAttributes:
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        temporary = f"{path}.{time.time_ns():x}{_TEMPORARY}"
        try:
            with self._fs.open(temporary, "wb") as file:
                digest = _copy(source, file)
            self._fs.pipe_file(path + attrs.SUFFIX, Attrs(content_type, metadata, digest).encode())
            self._fs.mv(temporary, path)
        except BaseException:
            self._remove(temporary)
            raise
        return self._attributes(path)

    async def delete(self, key: str) -> None:
        """Deletes a file with its side file, or an empty directory.

        Raises:
            FileNotFoundError: neither exists (where the file system can tell: a bucket cannot).
        """
        path = self._readable(key)

        def remove() -> None:
            try:
                if self._bucket is None and self._fs.isdir(path):
                    self._fs.rmdir(path)
                    return
                _missing_is_not_found(lambda: self._fs.rm_file(path))
            finally:
                if self._bucket is None:
                    self._remove(path + attrs.SUFFIX)

        await self._run(remove)

    async def delete_prefix(self, prefix: str) -> None:
        """Deletes every key that starts with the prefix; errors of single keys are logged.

        Raises:
            InvalidKeyError: the prefix is empty, which would mean everything.
        """
        if not prefix:
            raise InvalidKeyError("refused to delete every file of the storage")

        def remove() -> None:
            paths = self._paths(prefix)
            for path in paths:
                self._remove(path)
            if self._bucket is None:
                self._remove_empty({path.rpartition("/")[0] for path in paths}, prefix)

        await self._run(remove)

    def _remove(self, path: str) -> None:
        try:
            self._fs.rm_file(path)
        except _MISSING:
            return
        except OSError as error:
            log.error("could not delete a stored file: %s", error)

    def _remove_empty(self, folders: set[str], prefix: str) -> None:
        for folder in sorted(folders, key=lambda item: item.count("/"), reverse=True):
            at = folder
            while at.removeprefix("/") != self._root.removeprefix("/") and f"{self._key(at)}/".startswith(prefix):
                try:
                    self._fs.rmdir(at)
                except OSError:
                    break
                at = at.rpartition("/")[0]


class _Upload(Protocol):
    """What fsspec's files that are sent in parts have besides those of Python."""

    closed: bool

    def commit(self) -> None: ...
    def discard(self) -> None: ...


def _give_up(file: BinaryIO) -> None:
    """Ends an upload without its object."""
    upload = cast(_Upload, file)
    # Closing would upload what was read so far as if it were all of it.
    upload.closed = True
    try:
        upload.discard()
    except Exception as error:
        # The caller hears what broke the upload; parts that stay behind are for the store's own expiry.
        log.warning("an upload that broke off could not be withdrawn: %s", error)


def _storage_failed(error: Exception) -> OSError:
    return error if isinstance(error, OSError) else OSError(f"the storage failed: {type(error).__name__}: {error}")


def _missing_is_not_found(call: Callable[[], T]) -> T:
    try:
        return call()
    except _MISSING as error:
        raise FileNotFoundError(str(error)) from error


def _up_to(reader: BinaryIO, size: int) -> bytes:
    """The next ``size`` bytes, fewer only at the end."""
    pieces: list[bytes] = []
    left = size
    while left and (piece := reader.read(min(left, CHUNK))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _copy(source: BinaryIO | bytes, to: BinaryIO) -> bytes:
    """Copies in chunks; returns the MD5 digest."""
    digest = hashlib.md5(usedforsecurity=False)
    reader = io.BytesIO(source) if isinstance(source, bytes) else source
    while chunk := reader.read(CHUNK):
        digest.update(chunk)
        to.write(chunk)
    return digest.digest()
