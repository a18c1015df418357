"""Thumbnails on demand: made once per key, a bounded number at a time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from typing import BinaryIO, cast

from builtin_files.config import FilesConfig
from builtin_files.rendering import SOURCE_TYPES, Thumb, ThumbError, render
from builtin_files.thumb_geometry import ThumbSize, thumb_key
from builtin_files.workers import Workers
from pbhost.services import FileAttributes, Storage

#: An original that is no local file is kept in memory up to this size while its thumb is made.
_SPOOL = 4 * 1024 * 1024
#: How many thumbs that cannot be made are remembered.
_MAX_BROKEN = 1000

#: Stores a thumb: key, content, content type.
Store = Callable[[str, bytes, str], Awaitable[None]]


class UnsupportedThumbError(ThumbError):
    """The size is not allowed for the field, or the original is no image that thumbs are made of."""

    def __init__(self, size: str) -> None:
        super().__init__(f'the thumb size "{size}" or the original file format are not supported')


class Thumbnails:
    """Makes thumbs and keeps them beside their originals."""

    def __init__(self, config: FilesConfig, storage: Callable[[], Storage], store: Store) -> None:
        self._config = config
        self._storage = storage
        self._store = store
        self._workers = Workers("pbhost-thumbs", config.thumb_workers)
        self._slots = asyncio.Semaphore(config.thumb_workers)
        self._running: dict[str, asyncio.Task[None]] = {}
        #: Why a thumb cannot be made: names are never reused, so decoding a broken image once is enough.
        self._broken: dict[str, str] = {}

    async def ensure(self, base: str, filename: str, size: str) -> str:
        """The key of the thumb of ``{base}/{filename}``, which exists on return.

        Args:
            size: allowed by the field already.

        Raises:
            FileNotFoundError: the original is gone.
            UnsupportedThumbError: the original is no image that thumbs are made of.
            ThumbError: it cannot be made, or not soon enough.
            OSError: the storage cannot be reached.
        """
        original = f"{base}/{filename}"
        attributes = await self._storage().attributes(original)
        if attributes.content_type not in SOURCE_TYPES:
            raise UnsupportedThumbError(size)
        parsed = ThumbSize.parse(size)
        if parsed is None:
            raise UnsupportedThumbError(size)
        key = thumb_key(base, filename, size)
        if await self._storage().exists(key):
            return key
        if key in self._broken:
            raise ThumbError(self._broken[key])
        task = self._running.get(key)
        if task is None:
            # A task of its own, so that the first client's going away does not take the others' thumb along.
            task = asyncio.create_task(self._make(key, original, attributes, parsed), name=f"thumb {key}")
            self._running[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        await asyncio.shield(task)
        return key

    async def stop(self) -> None:
        """Ends running work."""
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        self._workers.close()

    async def _make(self, key: str, original: str, attributes: FileAttributes, size: ThumbSize) -> None:
        try:
            async with asyncio.timeout(self._config.thumb_wait):
                await self._slots.acquire()
        except TimeoutError:
            raise ThumbError("too many thumbnails are being made") from None
        try:
            thumb = await self._render(original, attributes.content_type, size)
        except ThumbError as error:
            if len(self._broken) >= _MAX_BROKEN:
                self._broken.clear()
            self._broken[key] = str(error)
            raise
        finally:
            self._slots.release()
        try:
            await self._store(key, thumb.content, thumb.content_type)
        except OSError as error:
            raise ThumbError(f"the thumb cannot be stored: {error}") from error
        if not await self._storage().exists(original):
            # Deleted meanwhile: whoever did that may have looked for thumbs before this one was there.
            await self._storage().delete_prefix(f"{key.rpartition('/')[0]}/")
            raise FileNotFoundError(original)

    def _finished(self, key: str, task: asyncio.Task[None]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # looked at, in case every client that waited for it has gone

    async def _render(self, original: str, content_type: str, size: ThumbSize) -> Thumb:
        path = self._storage().local_path(original)
        limit = self._config.thumb_max_pixels

        def from_disk() -> Thumb:
            assert path is not None
            with open(path, "rb") as file:
                return render(file, content_type, size, max_pixels=limit)

        if path is not None:
            return await self._workers.run(from_disk)
        with tempfile.SpooledTemporaryFile(_SPOOL) as spooled:
            async for chunk in self._storage().read(original):
                spooled.write(chunk)
            spooled.seek(0)
            file = cast(BinaryIO, spooled)
            return await self._workers.run(lambda: render(file, content_type, size, max_pixels=limit))
