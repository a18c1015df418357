"""Copies every file of one storage to another: resumable, several at once, each verified by its checksum."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from pbhost.services import FileAttributes, Storage

#: Seconds between two lines of progress.
_EVERY = 2.0


@dataclass(slots=True)
class Outcome:
    """What a copy did, by number of files.

    Attributes:
        copied: written and verified; in a dry run, what would be written.
        size: their bytes.
        skipped: were there already, with the same size and checksum.
        gone: deleted at the source while the copy ran.
        failed: key and reason of each file that is not at the target as it is at the source.
    """

    copied: int = 0
    size: int = 0
    skipped: int = 0
    gone: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def seen(self) -> int:
        return self.copied + self.skipped + self.gone + len(self.failed)


class StorageCopy:
    """One copy from a storage to another, both used by nothing that would wait for this one."""

    def __init__(self, source: Storage, target: Storage, *, is_dry: bool = False, parallel: int = 4) -> None:
        self._source = source
        self._target = target
        self._is_dry = is_dry
        self._parallel = parallel
        self._outcome = Outcome()

    async def run(self, prefix: str, say: Callable[[Outcome], None]) -> Outcome:
        """Copies the files whose keys start with the prefix.

        Args:
            prefix: "" for all files.
            say: called every two seconds with what is done so far.

        Raises:
            OSError: the source cannot be listed. A file that cannot be copied does not end the copy.
        """
        queue: asyncio.Queue[tuple[str, FileAttributes] | None] = asyncio.Queue(maxsize=2 * self._parallel)

        async def work() -> None:
            while (item := await queue.get()) is not None:
                await self._one(*item)

        async with asyncio.TaskGroup() as group:
            for _ in range(self._parallel):
                group.create_task(work())
            last = time.monotonic()
            try:
                async for item in self._source.list(prefix):
                    await queue.put(item)
                    if time.monotonic() - last > _EVERY:
                        last = time.monotonic()
                        say(self._outcome)
            finally:
                for _ in range(self._parallel):
                    await queue.put(None)
        return self._outcome

    async def _one(self, key: str, attributes: FileAttributes) -> None:
        try:
            await self._copy(key, attributes)
        except FileNotFoundError as error:
            if await self._still_there(key):
                self._outcome.failed.append((key, str(error) or "not found at the target"))
            else:
                self._outcome.gone += 1
        except OSError as error:
            self._outcome.failed.append((key, str(error)))

    async def _still_there(self, key: str) -> bool:
        try:
            return await self._source.exists(key)
        except OSError:
            return True

    async def _copy(self, key: str, attributes: FileAttributes) -> None:
        if await self._is_there(key, attributes):
            self._outcome.skipped += 1
            return
        if not self._is_dry:
            source = _Source(self._source.read(key), asyncio.get_running_loop())
            try:
                await self._target.write(
                    key,
                    cast(BinaryIO, source),
                    content_type=attributes.content_type,
                    metadata=attributes.metadata or None,
                )
            finally:
                await source.end()
            if await _md5(self._target, key) != source.md5():
                raise OSError("what was written reads back with another checksum")
            if attributes.md5 and attributes.md5 != source.md5():
                raise OSError("copied, but the content is not that of the checksum which the source has noted")
        self._outcome.copied += 1
        self._outcome.size += attributes.size

    async def _is_there(self, key: str, attributes: FileAttributes) -> bool:
        try:
            found = await self._target.attributes(key)
        except FileNotFoundError:
            return False
        if found.size != attributes.size or found.content_type != attributes.content_type:
            return False
        if found.md5 and found.md5 == attributes.md5:
            return True
        # Not every storage knows checksums (a large object of a bucket has none), and one of them may be wrong.
        return await _md5(self._target, key) == await _md5(self._source, key)


class _Source(io.RawIOBase):
    """The chunks of an asynchronous read as a file for the thread that writes them."""

    def __init__(self, chunks: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._chunks = chunks
        self._loop = loop
        self._rest = b""
        self._digest = hashlib.md5(usedforsecurity=False)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        if not self._rest:
            self._rest = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            self._digest.update(self._rest)
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    async def _next(self) -> bytes:
        return await anext(self._chunks, b"")

    async def end(self) -> None:
        """Closes the read."""
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()

    def md5(self) -> str:
        """The checksum of what was read, as a storage notes it."""
        return base64.b64encode(self._digest.digest()).decode("ascii")


async def _md5(storage: Storage, key: str) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    async for chunk in storage.read(key):
        digest.update(chunk)
    return base64.b64encode(digest.digest()).decode("ascii")
