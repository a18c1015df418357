"""Moving the write-ahead log into the database file, without any request waiting for it.

SQLite would do it in the COMMIT that fills the log's thousandth page. Here a connection of its own copies the bulk
while others go on. What was written meanwhile keeps the log from starting over, so when it has grown large anyway the
writer copies that small rest itself, between two groups.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from builtin_sqlite.thread import ConnectionThread

_LOG = logging.getLogger("pbhost.sqlite")

#: Seconds from a commit to the checkpoint that covers it.
_DELAY = 1.0
#: Pages in the log (of 4 KiB) from which on the writer helps.
_LARGE = 8192


class _Result(NamedTuple):
    """What `PRAGMA wal_checkpoint` tells."""

    busy: int
    logged: int
    copied: int


class Checkpointer:
    """Runs a checkpoint some time after a commit.

    Args:
        connect: opens a connection of its own thread.
        in_writer: runs a function in the writer's thread, between two transactions.
    """

    def __init__(
        self,
        connect: Callable[[str], Awaitable[ConnectionThread]],
        in_writer: Callable[[Callable[[sqlite3.Connection], _Result]], Awaitable[_Result]],
    ) -> None:
        self._connect = connect
        self._in_writer = in_writer
        self._loop = asyncio.get_running_loop()
        self._thread: ConnectionThread | None = None
        self._task: asyncio.Task[None] | None = None
        self._due = False
        self._closed = False

    def committed(self) -> None:
        """In the writer's thread, after a commit."""
        if not self._due:
            self._due = True
            self._loop.call_soon_threadsafe(self._schedule)

    async def close(self) -> None:
        """Ends a wait, or waits for a checkpoint that runs."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._thread is not None:
            await self._thread.close()

    def _schedule(self) -> None:
        if self._task is None and not self._closed:
            self._task = self._loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            await asyncio.sleep(_DELAY)
            self._due = False
            if self._thread is None:
                self._thread = await self._connect("checkpoint")
            thread = self._thread
            result = await asyncio.shield(thread.call(lambda: _checkpoint(thread.raw)))
            if result.logged >= _LARGE:
                await asyncio.shield(self._in_writer(_checkpoint))
        except Exception as error:
            # Nothing is lost, the log only stays long; the next commit leads to another attempt.
            _LOG.warning("checkpoint failed: %s", error)
        finally:
            self._task = None
            if self._due:
                self._schedule()


def _checkpoint(raw: sqlite3.Connection) -> _Result:
    return _Result(*raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone())
