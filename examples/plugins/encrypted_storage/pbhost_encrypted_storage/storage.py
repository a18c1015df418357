"""``pbhost.services.Storage`` that seals what another storage keeps."""

from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from pbhost.services import FileAttributes, Inspectable, Startable, Storage
from pbhost_encrypted_storage.errors import DamagedError, DecryptionError, PlainFileError
from pbhost_encrypted_storage.format import CHUNK, SEALED, Attributes, Head, HeadParser, Sealer
from pbhost_encrypted_storage.streams import Pieces, SealedSource

if TYPE_CHECKING:
    from pbhost_encrypted_storage.keyring import Keyring

#: Enough for most heads in one go.
_PROBE: Final = 1024
#: What a file in the middle of its rotation may take of memory; the rest goes to a temporary file, sealed.
_SPOOL: Final = 4 * 1024 * 1024

log = logging.getLogger("pbhost.encrypted_storage")


class EncryptedStorage:
    """Seals on the way in, opens on the way out. Keys (paths) and sizes stay visible to whoever sees the storage below.

    Opening a chunk takes some 10 µs, a fifth of handing it to a thread; sealing happens in the threads of the
    storage below.

    Args:
        inner: what keeps the files.
        keys: to seal and open with.
        accept_plain: pass on files that are not encrypted, instead of refusing them.
    """

    def __init__(self, inner: Storage, keys: Keyring, *, accept_plain: bool = False) -> None:
        self._inner = inner
        self._keys = keys
        self._accept_plain = accept_plain

    async def start(self) -> None:
        """Starts the storage below."""
        if isinstance(self._inner, Startable):
            await self._inner.start()

    async def stop(self) -> None:
        """Stops the storage below."""
        if isinstance(self._inner, Startable):
            await self._inner.stop()

    async def inspect(self) -> None:
        """Makes the storage below readable without starting it."""
        if isinstance(self._inner, Inspectable):
            await self._inner.inspect()

    # -- reading -----------------------------------------------------------------------------------------------------

    async def attributes(self, key: str) -> FileAttributes:
        """Size of the content, and the type and metadata that are sealed with it.

        Raises:
            FileNotFoundError: no such file.
            DecryptionError: it cannot be opened.
        """
        with _reported():
            return await self._opened(key, await self._inner.attributes(key))

    async def exists(self, key: str) -> bool:
        return await self._inner.exists(key)

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes ``[start, end)``; only the chunks that they are in are fetched and opened.

        Raises:
            FileNotFoundError: no such file.
            DecryptionError: it cannot be opened. Bytes that were given before are those that were stored.
        """
        with _reported():
            async for piece in self._pieces(key, start, end):
                yield piece

    async def list(self, prefix: str = "") -> AsyncIterator[tuple[str, FileAttributes]]:
        """Keys and attributes; a file that cannot be opened is logged, and listed as what it is in the storage."""
        async for key, stored in self._inner.list(prefix):
            try:
                yield key, await self._opened(key, stored)
            except FileNotFoundError:
                continue  # deleted meanwhile
            except DecryptionError as error:
                log.error("%s", error)
                yield key, stored

    def local_path(self, key: str) -> Path | None:
        """Nobody may send the stored file as it is."""
        return None

    async def presigned_url(
        self, key: str, *, seconds: int, content_type: str = "", content_disposition: str = ""
    ) -> str | None:
        """Nobody may send the stored file as it is."""
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
        attributes = Attributes(content_type, dict(metadata or {}))
        plain = io.BytesIO(source) if isinstance(source, bytes) else source
        sealed = SealedSource(plain, Sealer(self._keys, key, attributes))
        stored = await self._inner.write(key, cast(BinaryIO, io.BufferedReader(sealed, SEALED)))
        return _shown(stored, sealed.sealer.size, attributes)

    async def delete(self, key: str) -> None:
        await self._inner.delete(key)

    async def delete_prefix(self, prefix: str) -> None:
        await self._inner.delete_prefix(prefix)

    # -- keys --------------------------------------------------------------------------------------------------------

    async def key_ids(self) -> AsyncIterator[tuple[str, str]]:
        """Every file with the id of its key, "" for one that is not encrypted."""
        async for key, _ in self._inner.list():
            async with Pieces(self._inner.read(key, end=_PROBE)) as pieces:
                try:
                    head = await self._take_head(key, pieces, refuse_plain=False)
                except FileNotFoundError:
                    continue  # deleted meanwhile
            yield key, head.key_id if head is not None else ""

    async def rotate(self, key: str) -> bool:
        """Writes a file anew with the current key; False if it is gone. Its content is nowhere on disk unsealed.

        Raises:
            DecryptionError: it cannot be opened.
        """
        try:
            before = await self.attributes(key)
            sealer = Sealer(self._keys, key, Attributes(before.content_type, before.metadata))
            with SpooledTemporaryFile(_SPOOL) as spool:
                async for piece in self.read(key):
                    spool.write(sealer.update(piece))
                spool.write(sealer.finish())
                spool.seek(0)
                if not await self._inner.exists(key):
                    return False
                await self._inner.write(key, cast(BinaryIO, spool))
        except FileNotFoundError:
            return False
        return True

    # -- parts -------------------------------------------------------------------------------------------------------

    async def _pieces(self, key: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        head = None if start < CHUNK else await self._head(key)
        if head is None:
            # The head and the first chunk come with the same request.
            async with Pieces(self._inner.read(key)) as pieces:
                head = await self._take_head(key, pieces)
                if head is not None:
                    async for piece in _content(head, pieces, 0, start, end):
                        yield piece
                    return
            async for piece in self._inner.read(key, start=start, end=end):
                yield piece
            return
        first = start // CHUNK
        # One byte of the next chunk tells that the one before is not the last.
        stop = None if end is None else head.offset(-(-end // CHUNK)) + 1
        async with Pieces(self._inner.read(key, start=head.offset(first), end=stop)) as pieces:
            async for piece in _content(head, pieces, first, start, end):
                yield piece

    async def _opened(self, key: str, stored: FileAttributes) -> FileAttributes:
        head = await self._head(key)
        return stored if head is None else _shown(stored, head.plain_size(stored.size), head.attributes)

    async def _head(self, key: str) -> Head | None:
        async with Pieces(self._inner.read(key, end=_PROBE)) as pieces:
            return await self._take_head(key, pieces)

    async def _take_head(self, key: str, pieces: Pieces, *, refuse_plain: bool = True) -> Head | None:
        """The head of the file that a stream gives; None for one that is not encrypted and need not be."""
        parser = HeadParser(self._keys, key)
        start = await pieces.peek(parser.least)
        if not parser.is_encrypted(start):
            if refuse_plain and not self._accept_plain:
                raise PlainFileError(key)
            return None
        if len(start) < parser.least:
            raise DamagedError(key)
        fixed = parser.fixed(start)
        start = await pieces.peek(fixed)
        if len(start) < fixed:
            raise DamagedError(key)
        whole = parser.whole(start)
        start = await pieces.take(whole)
        if len(start) < whole and whole > _PROBE:
            async with Pieces(self._inner.read(key, end=whole)) as longer:
                start = await longer.take(whole)
        return parser.parse(start)


@contextmanager
def _reported() -> Iterator[None]:
    """Tells the log of what nobody could open: whoever asked may only see that a download broke off."""
    try:
        yield
    except DecryptionError as error:
        log.error("%s", error)
        raise


async def _content(head: Head, pieces: Pieces, index: int, start: int, end: int | None) -> AsyncIterator[bytes]:
    """The bytes ``[start, end)`` of a stream that begins with a chunk."""
    at = index * CHUNK
    while end is None or at < max(end, 1):
        sealed = await pieces.take(SEALED)
        if not sealed and index:
            return  # the range begins after the end
        is_last = await pieces.is_at_end()
        chunk = head.cipher.open(index, sealed, is_last=is_last)
        piece = chunk[max(start - at, 0) : None if end is None else max(end - at, 0)]
        if piece:
            yield piece
        if is_last:
            return
        index += 1
        at += CHUNK


def _shown(stored: FileAttributes, size: int, attributes: Attributes) -> FileAttributes:
    return replace(stored, size=size, content_type=attributes.content_type, metadata=dict(attributes.metadata), md5="")
