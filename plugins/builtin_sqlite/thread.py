"""aiosqlite's connection and its thread, with a way in that costs no future and no wake-up per call."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

import aiosqlite

from builtin_sqlite.kept_rows import KeptRows

T = TypeVar("T")

#: Steps of SQLite's machine between two looks at the clock: a few milliseconds at most.
_STEPS_PER_LOOK = 100_000


class ConnectionThread(aiosqlite.Connection):
    """One SQLite connection in one thread.

    Attributes:
        started: when the running function started, by `time.monotonic`.
        deadline: when it has to be done.
        waiter: of the running function; once it is cancelled its queries are stopped.
        kept_rows: of a connection that only reads.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection], name: str) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.name = f"pbhost-{name}"
        # Closing is orderly (`close`); a process that dies without must not hang on a thread that waits for work.
        self._thread.daemon = True
        self.started = 0.0
        self.deadline = float("inf")
        self.waiter: asyncio.Future[object] | None = None
        self.kept_rows = KeptRows()

    async def start(self) -> None:
        """Opens the connection in its thread.

        Raises:
            sqlite3.Error: whatever the connector raises.
        """
        self._thread.start()
        try:
            await self._connect()
        except BaseException:
            # aiosqlite has told its thread to end, which reports to this loop; it must not outlive the loop.
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
            raise
        await self.call(lambda: self.raw.set_progress_handler(self._look, _STEPS_PER_LOOK))

    @property
    def raw(self) -> sqlite3.Connection:
        """The driver's connection; only for functions that run in the thread."""
        return self._conn

    def post(self, function: Callable[[], None]) -> None:
        """Runs a function in the thread, in order; it must not raise."""
        self._tx.put_nowait((None, function))

    async def call(self, function: Callable[[], T]) -> T:
        """Runs a function in the thread and waits for its result."""
        result: T = await self._execute(function)  # type: ignore[no-untyped-call]  # aiosqlite leaves it untyped
        return result

    def claim(self, waiter: asyncio.Future[object] | None, timeout: float) -> None:
        """In the thread: a function starts, which somebody waits for and which may take a time."""
        self.started = monotonic()
        self.deadline = self.started + timeout
        self.waiter = waiter

    def release(self) -> None:
        """In the thread: ends the snapshot; nobody waits any more."""
        self.deadline = float("inf")
        self.waiter = None
        if self.raw.in_transaction:
            self.raw.execute("COMMIT")

    def _look(self) -> int:
        """Called by SQLite now and then while a statement runs; anything but 0 stops the statement."""
        waiter = self.waiter
        return int(monotonic() > self.deadline or (waiter is not None and waiter.cancelled()))


def set_result(future: asyncio.Future[T], value: T) -> None:
    """Sets a result that nobody may wait for any more."""
    if not future.done():
        future.set_result(value)


def set_error(future: asyncio.Future[T], error: BaseException) -> None:
    """Sets an error as the outcome of a future; those that a future cannot carry are wrapped."""
    if future.done():
        return
    if isinstance(error, asyncio.CancelledError):
        future.cancel()
    elif isinstance(error, StopIteration | KeyboardInterrupt | SystemExit):
        future.set_exception(RuntimeError(f"{type(error).__name__} raised in a database function"))
    else:
        future.set_exception(error)
