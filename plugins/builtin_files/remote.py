"""A storage on any file system that fsspec knows: buckets, SFTP, WebDAV, memory …"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast
from urllib.parse import quote, unquote

from builtin_files import attrs
from builtin_files.attrs import Attrs
from builtin_files.keys import InvalidKeyError, check_key, escape_bucket_key, unescape_key
from builtin_files.workers import Workers
from pbhost.services import FileAttributes

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

CHUNK = 256 * 1024
#: What one request to the file system fetches when a file is read.
BLOCK = 1024 * 1024
#: Parts of a multipart upload; smaller files are sent in one request.
PART = 6 * 1024 * 1024
_TEMPORARY = ".tmp"
_MD5 = re.compile(r"[0-9a-f]{32}")
_SIGNING = {
    "s3": ("ResponseContentType", "ResponseContentDisposition"),
    "gs": ("response_type", "response_disposition"),
    "abfs": ("content_type", "content_disposition"),
}

T = TypeVar("T")
#: What a missing key, bucket or directory raises in the various file systems.
_MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

log = logging.getLogger("pbhost.files")


@dataclass(frozen=True, slots=True)
class Target:
    """A file system and where in it the storage lies.

    Attributes:
        root: path of the storage (``bucket/prefix``), without a slash at its end.
        keeps_attributes: whether it stores content type and metadata with an object, as S3 does. Otherwise they go into
            a side file as in a local storage.
    """

    filesystem: AbstractFileSystem
    root: str
    keeps_attributes: bool


class RemoteStorage:
    """Files of a :class:`Target`; fsspec's blocking calls run in threads."""

    def __init__(self, target: Target, workers: Workers) -> None:
        self._fs = target.filesystem
        self._root = target.root
        self._keeps_attributes = target.keeps_attributes
        self._signing = _signing(target.filesystem)
        self._workers = workers

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
            raise OSError(f"the storage failed: {type(error).__name__}: {error}") from error

    def local_path(self, key: str) -> Path | None:
        """Nothing here is on this machine."""
        return None

    async def presigned_url(
        self, key: str, *, seconds: int, content_type: str = "", content_disposition: str = ""
    ) -> str | None:
        """A signed URL, or None if the file system has none."""

        names = self._signing
        if names is None:
            return None
        given = zip(names, (content_type, content_disposition), strict=True)
        more = {name: value for name, value in given if value}
        return await self._run(lambda: cast(str, self._fs.sign(self._path(key), expiration=seconds, **more)))

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
        if self._keeps_attributes:
            metadata = {key.lower(): unquote(value) for key, value in (self._fs.metadata(path) or {}).items()}
            content_type = str(info.get("ContentType") or attrs.DEFAULT_CONTENT_TYPE)
            return FileAttributes(int(info["size"]), _modified(info), content_type, metadata, _md5(info))
        side = self._side_file(path)
        return FileAttributes(
            size=int(info["size"]),
            modified=_modified(info),
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
        if self._keeps_attributes:
            return await self._run(lambda: self._write_object(path, source, content_type, metadata or {}))
        return await self._run(lambda: self._write_file(path, source, content_type, metadata))

    def _write_object(
        self, path: str, source: BinaryIO | bytes, content_type: str, metadata: Mapping[str, str]
    ) -> FileAttributes:
        # Header values must be ASCII.
        quoted = {key.lower(): quote(value) for key, value in metadata.items()}
        reader = io.BytesIO(source) if isinstance(source, bytes) else source
        start = _up_to(reader, PART)
        if len(start) < PART:
            # In one request, by which the object's tag is its checksum.
            self._fs.pipe_file(path, start, ContentType=content_type, Metadata=quoted)
            self._fs.invalidate_cache()
            return self._attributes(path)
        file = self._fs.open(path, "wb", block_size=PART, autocommit=False, ContentType=content_type, Metadata=quoted)
        try:
            file.write(start)
            del start
            _copy(reader, file)
            file.close()
        except BaseException:
            # Closing would upload what was read so far as if it were all of it.
            file.closed = True
            file.discard()
            raise
        file.commit()
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
                if not self._keeps_attributes and self._fs.isdir(path):
                    self._fs.rmdir(path)
                    return
                _missing_is_not_found(lambda: self._fs.rm_file(path))
            finally:
                if not self._keeps_attributes:
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
            if not self._keeps_attributes:
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


def open_url(url: str, options: Mapping[str, object]) -> Target:
    """The target of an fsspec URL.

    Args:
        url: for instance ``memory://files``, ``gcs://bucket/prefix``, ``sftp://user@host/path``.
        options: keyword arguments of the file system (credentials, endpoint …).

    Raises:
        OSError: the protocol is unknown or its package is not installed.
    """
    import fsspec

    try:
        filesystem, root = fsspec.core.url_to_fs(url, **options)
    except (ValueError, ImportError, TypeError) as error:
        raise OSError(f"the storage URL cannot be used: {error}") from error
    return Target(filesystem, root.rstrip("/"), keeps_attributes="s3" in _protocols(filesystem))


def _missing_is_not_found(call: Callable[[], T]) -> T:
    try:
        return call()
    except _MISSING as error:
        raise FileNotFoundError(str(error)) from error


def _protocols(filesystem: AbstractFileSystem) -> tuple[str, ...]:
    found = filesystem.protocol
    return tuple(found) if isinstance(found, tuple | list) else (str(found),)


def _signing(filesystem: AbstractFileSystem) -> tuple[str, str] | None:
    """How a file system that signs URLs calls the type and the disposition of the answer; None if it does not sign."""
    return next((names for name, names in _SIGNING.items() if name in _protocols(filesystem)), None)


def _md5(info: Mapping[str, object]) -> str:
    """The checksum of an object: its tag, unless it was uploaded in parts or is encrypted with a key of its own."""
    tag = str(info.get("ETag") or "").strip('"')
    return base64.b64encode(bytes.fromhex(tag)).decode("ascii") if _MD5.fullmatch(tag) else ""


def _modified(info: Mapping[str, object]) -> datetime:
    for key in ("LastModified", "mtime", "updated", "created", "last_modified"):
        value = info.get(key)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    return datetime.fromtimestamp(0, UTC)


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
