"""The threads that do a storage's blocking work, so that the event loop never waits for a disk or a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

#: Items of a listing that one hop into a thread fetches.
_BATCH = 500


class Workers:
    """A small pool of threads, made on first use."""

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._count = count
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, function: Callable[[], T]) -> T:
        """Runs a function in a thread. If the caller is cancelled, the function is finished first: a half-done write
        that goes on behind the back of whoever cleans up after it would leave a file nobody knows of."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._count, thread_name_prefix=self._name)
        future = asyncio.get_running_loop().run_in_executor(self._pool, function)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if not future.cancelled():
                await asyncio.wait([future])
                if not future.cancelled():
                    future.exception()  # looked at, so that it is not reported as never retrieved
            raise

    async def iterate(self, items: Iterator[T]) -> AsyncIterator[T]:
        """The items of a blocking iterator, some hundred per hop."""

        def take() -> list[T]:
            return [item for _, item in zip(range(_BATCH), items, strict=False)]

        while batch := await self.run(take):
            for item in batch:
                yield item

    def close(self) -> None:
        """Lets running work finish and ends the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
