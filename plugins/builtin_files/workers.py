"""The threads that do a storage's blocking work, so that the event loop never waits for a disk or a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")

#: Items of a listing that one hop into a thread fetches.
_BATCH = 500


class _Job(Generic[T]):
    """A function on its way through a thread and back. A future of ``concurrent.futures`` costs seven times as much."""

    __slots__ = ("function", "is_over", "loop", "over", "result")

    def __init__(self, function: Callable[[], T]) -> None:
        self.function = function
        self.loop = asyncio.get_running_loop()
        self.result: asyncio.Future[T] = self.loop.create_future()
        #: Whether the thread is done with it, and what to wake then, also if nobody wants the result any more.
        self.is_over = False
        self.over: asyncio.Future[None] | None = None

    def work(self) -> None:
        """In the thread."""
        try:
            value = self.function()
        except BaseException as error:
            self._back(partial(self._settle, None, error))
        else:
            self._back(partial(self._settle, value))

    def _back(self, step: Callable[[], None]) -> None:
        try:
            self.loop.call_soon_threadsafe(step)
        except RuntimeError:
            return  # the loop is closed: nobody waits

    def _settle(self, value: T | None = None, error: BaseException | None = None) -> None:
        if not self.result.done():
            if error is not None:
                self.result.set_exception(error)
            else:
                self.result.set_result(value)  # type: ignore[arg-type]  # T itself may include None
        self.is_over = True
        if self.over is not None:
            self.over.set_result(None)


class Workers:
    """A small pool of threads, started as they are needed."""

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._count = count
        self._threads: list[Thread] = []
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._running = 0

    async def run(self, function: Callable[[], T]) -> T:
        """Runs a function in a thread. If the caller is cancelled, the function is finished first: a half-done write
        that goes on behind the back of whoever cleans up after it would leave a file nobody knows of."""
        job = _Job(function)
        self._running += 1
        if self._running > len(self._threads) < self._count:
            self._start_thread()
        self._queue.put(job.work)
        try:
            return await job.result
        except asyncio.CancelledError:
            # A result that was cancelled is not set any more, so this is how the end of the function is known.
            if not job.is_over:
                job.over = job.loop.create_future()
                await asyncio.shield(job.over)
            raise
        finally:
            self._running -= 1

    async def iterate(self, items: Iterator[T]) -> AsyncIterator[T]:
        """The items of a blocking iterator, some hundred per hop."""

        def take() -> list[T]:
            return [item for _, item in zip(range(_BATCH), items, strict=False)]

        while batch := await self.run(take):
            for item in batch:
                yield item

    def close(self) -> None:
        """Lets accepted work finish and ends the threads."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _start_thread(self) -> None:
        thread = Thread(target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
