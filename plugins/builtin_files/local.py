"""The default storage: a directory of this machine, laid out as PocketBase does, so that either can read the other's.

fsspec's local file system is not used here because it neither writes durably (fsync) nor replaces atomically, and
importing it costs more than all of this does.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import os
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from builtin_files import attrs
from builtin_files.attrs import Attrs
from builtin_files.drafts import DIRECTORY, Drafts, sync_directory
from builtin_files.keys import PROCESS_PREFIX, InvalidKeyError, check_key, escape_key, unescape_key
from builtin_files.workers import Workers
from pbhost.services import FileAttributes

CHUNK = 256 * 1024

log = logging.getLogger("pbhost.files")


class LocalStorage:
    """Files below one directory, which is created when the first file is written."""

    def __init__(self, root: Path, workers: Workers) -> None:
        self._root = root
        self._workers = workers
        self._drafts = Drafts(root)

    async def sweep(self) -> None:
        """Deletes what dead processes were writing; at any time, others may write meanwhile."""
        await self._workers.run(self._drafts.sweep)

    def local_path(self, key: str) -> Path | None:
        """Where the file of a key is (or would be)."""
        try:
            return self._root / escape_key(check_key(key))
        except InvalidKeyError:
            return None

    async def presigned_url(
        self, key: str, *, seconds: int, content_type: str = "", content_disposition: str = ""
    ) -> str | None:
        """A directory has no URLs."""
        return None

    # -- reading -----------------------------------------------------------------------------------------------------

    async def attributes(self, key: str) -> FileAttributes:
        """Size, time and what the side file says.

        Raises:
            FileNotFoundError: no such file.
        """
        return await self._workers.run(lambda: self._attributes(self._readable(key)))

    async def exists(self, key: str) -> bool:
        """Whether there is a file (not a directory) under the key."""
        path = self.local_path(key)
        return path is not None and await self._workers.run(path.is_file)

    async def fetch(self, key: str, limit: int) -> tuple[FileAttributes, bytes | None]:
        """Attributes, and the content if it has at most ``limit`` bytes, in one hop.

        Raises:
            FileNotFoundError: no such file.
        """

        def load() -> tuple[FileAttributes, bytes | None]:
            path = self._readable(key)
            found = self._attributes(path)
            if found.size > limit:
                return found, None
            content = path.read_bytes()
            # Replaced between the two reads: let the caller stream what the attributes speak of, or fail.
            return found, content if len(content) == found.size else None

        return await self._workers.run(load)

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes ``[start, end)`` in chunks.

        Raises:
            FileNotFoundError: no such file.
        """
        file = await self._workers.run(lambda: _open(self._readable(key), start))
        left = None if end is None else end - start
        try:
            while left is None or left > 0:
                wanted = CHUNK if left is None else min(CHUNK, left)
                chunk = await self._workers.run(partial(file.read, wanted))
                if not chunk:
                    return
                if left is not None:
                    left -= len(chunk)
                yield chunk
        finally:
            file.close()

    async def list(self, prefix: str = "") -> AsyncIterator[tuple[str, FileAttributes]]:
        """Keys that start with the prefix, in lexical order, without side files and unfinished writes."""

        def found() -> Iterator[tuple[str, FileAttributes]]:
            for path in self._walk(prefix):
                if path.name.endswith(attrs.SUFFIX) or path.name.startswith(PROCESS_PREFIX):
                    continue
                with suppress(FileNotFoundError):  # deleted meanwhile
                    yield self._key(path), self._attributes(path)

        async for item in self._workers.iterate(found()):
            yield item

    def _readable(self, key: str) -> Path:
        path = self.local_path(key)
        if path is None:
            raise FileNotFoundError(key)
        return path

    @staticmethod
    def _attributes(path: Path) -> FileAttributes:
        try:
            status = path.stat()
        except OSError as error:
            # A name that is too long, or a file where a directory should be: such a key cannot exist either.
            raise FileNotFoundError(path.name) from error
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(path.name)
        side = _read_side_file(path)
        return FileAttributes(
            size=status.st_size,
            modified=datetime.fromtimestamp(status.st_mtime, UTC),
            content_type=side.content_type,
            metadata=side.metadata or {},
            md5="" if side.md5 is None else base64.b64encode(side.md5).decode("ascii"),
        )

    def _key(self, path: Path) -> str:
        return unescape_key(path.relative_to(self._root).as_posix())

    def _walk(self, prefix: str) -> Iterator[Path]:
        """Every file whose key starts with the prefix, side files too, in order of keys."""
        folder, _, _ = escape_prefix(prefix).rpartition("/")
        yield from self._walk_below(self._root / folder, prefix)

    def _walk_below(self, folder: Path, prefix: str) -> Iterator[Path]:
        try:
            with os.scandir(folder) as found:
                entries = sorted((entry.name + "/" if entry.is_dir() else entry.name, entry.name) for entry in found)
        except (FileNotFoundError, NotADirectoryError):
            return
        for sort_key, name in entries:
            if name == DIRECTORY:
                continue
            path = folder / name
            key = self._key(path)
            if sort_key.endswith("/"):
                if f"{key}/".startswith(prefix) or prefix.startswith(f"{key}/"):
                    yield from self._walk_below(path, prefix)
            elif key.startswith(prefix):
                yield path

    # -- writing -----------------------------------------------------------------------------------------------------

    async def write(
        self,
        key: str,
        source: BinaryIO | bytes,
        *,
        content_type: str = attrs.DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
    ) -> FileAttributes:
        """Stores a file whole or not at all, durably; an existing one is replaced.

        Raises:
            OSError: the key is not usable, or the disk refuses.
        """
        path = self._root / escape_key(check_key(key))
        return await self._workers.run(lambda: self._write(path, source, content_type, metadata))

    def _write(
        self, path: Path, source: BinaryIO | bytes, content_type: str, metadata: Mapping[str, str] | None
    ) -> FileAttributes:
        digest = hashlib.md5(usedforsecurity=False)
        reader = io.BytesIO(source) if isinstance(source, bytes) else source
        with self._drafts.open(path) as draft:
            while chunk := reader.read(CHUNK):
                digest.update(chunk)
                draft.file.write(chunk)
            try:
                # The side file first: a file without one would be served as unknown binary.
                with self._drafts.open(_side_path(path)) as side:
                    side.file.write(Attrs(content_type, metadata, digest.digest()).encode())
                    side.publish()
                draft.publish()
                sync_directory(path.parent)
            except BaseException:
                if not path.exists():
                    _side_path(path).unlink(missing_ok=True)
                raise
        return self._attributes(path)

    async def delete(self, key: str) -> None:
        """Deletes a file with its side file, or an empty directory.

        Raises:
            FileNotFoundError: neither exists.
            OSError: a directory that is not empty.
        """
        path = self._readable(key)
        await self._workers.run(lambda: _delete(path))

    async def delete_prefix(self, prefix: str) -> None:
        """Deletes every key that starts with the prefix, then the directories that this emptied.

        Raises:
            InvalidKeyError: the prefix is empty, which would mean everything.
        """
        if not prefix:
            raise InvalidKeyError("refused to delete every file of the storage")
        await self._workers.run(lambda: self._delete_prefix(prefix))

    def _delete_prefix(self, prefix: str) -> None:
        # Twice: a thumb may have been stored after its directory was listed and before its original was gone. One that
        # is stored later finds no original and takes itself back.
        for _ in range(2):
            folders = self._delete_files(prefix)
            for emptied in sorted(folders, key=lambda item: len(item.parts), reverse=True):
                self._remove_empty(emptied, prefix)

    def _delete_files(self, prefix: str) -> set[Path]:
        """Deletes the files below a prefix; returns the directories that this may have emptied."""
        folders: set[Path] = set()
        for path in self._walk(prefix):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.error("could not delete a stored file: %s", error)
            folders.add(path.parent)
        if prefix.endswith("/"):
            top = self._root / escape_prefix(prefix)
            folders.update(Path(folder) for folder, _, _ in os.walk(top))
        return folders

    def _remove_empty(self, folder: Path, prefix: str) -> None:
        while folder != self._root and f"{self._key(folder)}/".startswith(prefix):
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent


def escape_prefix(prefix: str) -> str:
    """A prefix as a path; unlike that of a key, its last separator is one.

    Raises:
        InvalidKeyError: it would leave the storage.
    """
    whole = escape_key(prefix.rstrip("/"))
    if prefix.startswith("/") or any(segment in (".", "..") for segment in whole.split("/")):
        raise InvalidKeyError(f"{prefix!r} cannot be a key prefix")
    return f"{whole}/" if prefix.endswith("/") else whole


def _side_path(path: Path) -> Path:
    return path.with_name(path.name + attrs.SUFFIX)


def _read_side_file(path: Path) -> Attrs:
    try:
        with open(_side_path(path), "rb") as file:
            content = file.read(attrs.MAX_BYTES + 1)
    except OSError:
        return Attrs()
    return Attrs.decode(content) if len(content) <= attrs.MAX_BYTES else Attrs()


def _open(path: Path, start: int) -> io.FileIO:
    try:
        file = io.FileIO(path)
    except OSError as error:
        raise FileNotFoundError(path.name) from error
    file.seek(start)
    return file


def _delete(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
        return
    try:
        path.unlink()
    finally:
        _side_path(path).unlink(missing_ok=True)
