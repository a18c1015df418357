"""Between the chunks of a file and the pieces in which it comes and goes."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, BinaryIO, Self

from pbhost_encrypted_storage.format import CHUNK, Sealer

if TYPE_CHECKING:
    from typing_extensions import Buffer  # of collections.abc since Python 3.12


class SealedSource(io.RawIOBase):
    """What the storage below reads: the sealed form of a source, made while it is read, in the thread that reads.

    Attributes:
        sealer: knows in the end how long the content was.
    """

    def __init__(self, source: BinaryIO, sealer: Sealer) -> None:
        self._source = source
        self._ready = memoryview(b"")
        self._is_done = False
        self.sealer = sealer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        while not self._ready and not self._is_done:
            content = self._source.read(CHUNK)
            self._is_done = not content
            self._ready = memoryview(self.sealer.update(content) if content else self.sealer.finish())
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._ready))
        target[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


class Pieces:
    """An asynchronous stream of bytes, read by length. Use it as a context, which ends the stream."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._is_over = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        if isinstance(self._stream, AsyncGenerator):
            await self._stream.aclose()

    async def peek(self, length: int) -> bytes:
        """The next bytes, without taking them; fewer at the end."""
        while len(self._buffer) < length and not self._is_over:
            try:
                self._buffer += await anext(self._stream)
            except StopAsyncIteration:
                self._is_over = True
        return bytes(self._buffer[:length])

    async def take(self, length: int) -> bytes:
        """The next bytes; fewer at the end."""
        taken = await self.peek(length)
        del self._buffer[: len(taken)]
        return taken

    async def is_at_end(self) -> bool:
        """Whether nothing follows."""
        return not await self.peek(1)
