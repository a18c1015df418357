"""The engine: readers in lanes, one writer, the change feed, and the second database for logs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar, cast

from builtin_sqlite import feed, snapshot
from builtin_sqlite.announce import Announcer
from builtin_sqlite.checkpoint import Checkpointer
from builtin_sqlite.config import SqliteOptions
from builtin_sqlite.connection import DIALECT
from builtin_sqlite.dialect import SqliteDialect
from builtin_sqlite.inspection import Inspection
from builtin_sqlite.lane import ReaderLane
from builtin_sqlite.lock import WriteTurn
from builtin_sqlite.opening import Purpose, Role, connector, prepare_file, set_up, unusable
from builtin_sqlite.pump import SqliteAsyncTransaction, TransactionOverError, joined
from builtin_sqlite.thread import ConnectionThread
from builtin_sqlite.watchers import Watchers
from builtin_sqlite.writer import ABANDONED, Hooks, Writer
from pbhost.database import AsyncTransaction, Change, Connection, Lane, Transaction
from pbhost.errors import DatabaseError

T = TypeVar("T")
_LOG = logging.getLogger("pbhost.sqlite")

#: Seconds between prunings of the change feed.
_PRUNE_INTERVAL = 60.0
#: Seconds between looks for connections that are not needed any more.
_TRIM_INTERVAL = 10.0


class SqliteEngine:
    """Provides :class:`pbhost.database.Engine` over the files of a data directory.

    Args:
        path: of the database file.
        options: see :class:`SqliteOptions`.
        auxiliary: the engine of the second database, opened and closed together with this one.
        role: which of the two databases this is.

    Attributes:
        on_foreign_commit: called in the writer's thread with its connection, inside a write transaction and before
            the write, when another process has committed something since the last write of this one. Caches that
            writes rely on catch up here; an exception fails the write.
    """

    def __init__(
        self,
        path: str,
        options: SqliteOptions | None = None,
        *,
        auxiliary: SqliteEngine | None = None,
        role: Role = "data",
    ) -> None:
        self._path = os.path.abspath(path)
        self._options = options or SqliteOptions()
        self._auxiliary = auxiliary
        self._role: Role = role
        # Logs are worth no wait for the disk.
        self._synchronous = self._options.synchronous if role == "data" else "NORMAL"
        self._has_feed = role == "data"
        self._watchers = Watchers()
        self._announcer = Announcer(self._path)
        self._lanes: dict[Lane, ReaderLane] = {}
        self._writer: Writer | None = None
        self._checkpointer: Checkpointer | None = None
        self._ear: int | None = None
        self._chores: list[asyncio.Task[None]] = []
        self._refreshing = False
        self._refresh_again = False
        self._open_lock = asyncio.Lock()
        self._state = "new"
        self._inspection: Inspection | None = None
        #: What connections open: the file, or while it is only inspected a URI that says so.
        self._target = self._path
        self.on_foreign_commit: list[Callable[[Connection], None]] = []

    @property
    def dialect(self) -> SqliteDialect:
        return DIALECT

    @property
    def auxiliary(self) -> SqliteEngine | None:
        return self._auxiliary

    # -- opening and closing -----------------------------------------------------------------------------------------

    async def open(self) -> None:
        async with self._open_lock:
            if self._state == "open":
                return
            try:
                await self._open()
            except BaseException:
                await self._close()
                raise
            self._state = "open"

    async def inspect(self) -> None:
        """Opens the database for reading alone, without a trace of that in its directory; :meth:`close` ends it.

        Raises:
            DatabaseUnusableError: there is none, or it cannot be read.
        """
        async with self._open_lock:
            if self._state == "open":
                return
            self._inspection = Inspection(self._path)
            try:
                self._target = self._inspection.uri()
                timeout = self._options.query_timeout
                self._lanes = {
                    "point": ReaderLane("point", self._connect_reader, timeout=timeout, most=1),
                    "list": ReaderLane("list", self._connect_scanner, timeout=timeout, most=1),
                }
                await self._lanes["point"].open()
                await self.read(lambda connection: connection.fetch_one("SELECT count(*) FROM sqlite_schema"))
            except BaseException as error:
                await self._close()
                if isinstance(error, (sqlite3.Error, DatabaseError)):
                    raise unusable(self._path, error) from error
                raise
            self._state = "open"
        if self._auxiliary is not None:
            # The application can be looked at without its logs; a read of them says that they cannot be read.
            with contextlib.suppress(DatabaseError):
                await self._auxiliary.inspect()

    async def close(self) -> None:
        async with self._open_lock:
            if self._state == "open":
                self._state = "closed"
                await self._close()

    async def _open(self) -> None:
        prepare_file(self._path)
        thread = await self._connect_writer()
        turn = WriteTurn(self._lock_path(), self._options.turn_timeout)
        try:
            with turn:
                version = await thread.call(lambda: self._set_up(thread.raw))
        except BaseException:
            turn.close()
            await thread.close()
            raise
        hooks = Hooks(self._watchers.advance, self._committed, self.on_foreign_commit)
        self._writer = Writer(self, thread, turn, hooks, has_feed=self._has_feed, data_version=version)
        self._checkpointer = Checkpointer(self._connect_other, self._writer.between_transactions)
        timeout = self._options.query_timeout
        self._lanes = {
            "point": ReaderLane("point", self._connect_reader, timeout=timeout, most=2),
            "list": ReaderLane("list", self._connect_scanner, timeout=timeout, most=self._options.list_lanes),
            "hooked": ReaderLane("hooked", self._connect_reader, timeout=timeout, most=4, owner=self),
        }
        await self._lanes["point"].open()
        self._chores = [asyncio.create_task(self._trim())]
        if self._has_feed:
            self._watchers.advance(await self.read(feed.newest))
            self._listen()
            self._chores += [asyncio.create_task(self._poll()), asyncio.create_task(self._prune())]
        if self._auxiliary is not None:
            await self._auxiliary.open()

    async def _close(self) -> None:
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        self._chores = []
        if self._ear is not None:
            asyncio.get_running_loop().remove_reader(self._ear)
            self._ear = None
        for lane in self._lanes.values():
            await lane.close()
        if self._checkpointer is not None:
            await self._checkpointer.close()
        if self._writer is not None:
            await self._writer.close()
        self._announcer.close()
        self._watchers.close()
        if self._inspection is not None:
            self._inspection.close()
        if self._auxiliary is not None:
            await self._auxiliary.close()

    def _set_up(self, raw: sqlite3.Connection) -> int:
        set_up(raw, self._path, self._role)
        version: int = raw.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _lock_path(self) -> str:
        directory, name = os.path.split(self._path)
        return os.path.join(directory, f".pbhost-{name}.lock")

    async def _connect_writer(self) -> ConnectionThread:
        try:
            return await self._connect("writer", "write")
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error

    async def _connect_reader(self, name: str) -> ConnectionThread:
        return await self._connect(name, "read")

    async def _connect_scanner(self, name: str) -> ConnectionThread:
        return await self._connect(name, "scan")

    async def _connect_other(self, name: str) -> ConnectionThread:
        return await self._connect(name, "write")

    async def _connect(self, name: str, purpose: Purpose) -> ConnectionThread:
        connect = connector(self._target, self._options, self._synchronous, purpose)
        thread = ConnectionThread(connect, f"{self._role}-{name}")
        await thread.start()
        return thread

    # -- reading -----------------------------------------------------------------------------------------------------

    async def read(self, function: Callable[[Connection], T], *, lane: Lane = "point") -> T:
        pump = joined(self)
        if pump is not None:
            # Code that runs in a transaction sees what the transaction has written.
            try:
                return await pump.call(cast("Callable[[Transaction], T]", function))
            except TransactionOverError:
                pass
        try:
            reader = self._lanes[lane]
        except KeyError:
            raise DatabaseError(f"the database is not open, or has no lane {lane!r}") from None
        return await reader.submit(function)

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        if not self._has_feed:
            return []
        return await self.read(lambda connection: feed.changes(connection, after, limit))

    async def last_change(self) -> tuple[int, int]:
        if not self._has_feed:
            return (0, 0)
        return await self.read(feed.bounds)

    def watch_changes(self) -> AsyncIterator[int]:
        return self._watchers.watch()

    async def snapshot_to(self, path: str) -> None:
        thread = await self._connect_scanner("snapshot")
        try:
            await thread.call(lambda: snapshot.copy(thread.raw, path))
        finally:
            await thread.close()

    async def compact(self) -> None:
        if self._writer is None:
            raise DatabaseError("the database is not open for writing")
        await self._writer.compact(self._options.write_timeout)

    # -- writing -----------------------------------------------------------------------------------------------------

    async def write(
        self, function: Callable[[Transaction], T], *, exclusive: bool = False, timeout: float | None = None
    ) -> T:
        pump = joined(self)
        if pump is not None and pump.writable:
            # Waiting for the writer inside of its own transaction would never end: the write becomes part of it.
            try:
                return await pump.call(lambda transaction: _nested(transaction, function))
            except TransactionOverError:
                pass
        if self._writer is None:
            raise DatabaseError("the database is not open for writing")
        # A statement that is stopped takes its whole transaction with it, so who sets a limit does not share one.
        exclusive = exclusive or timeout is not None
        options = self._options
        limit = options.write_timeout if timeout is None else timeout
        patience = options.hook_timeout if timeout is None else timeout
        future, job = self._writer.submit(function, exclusive=exclusive, timeout=limit, patience=patience)
        try:
            return await future
        except asyncio.CancelledError:
            if job.pump is not None:
                job.pump.give_up(DatabaseError(ABANDONED))
            raise

    def transaction(self, *, timeout: float | None = None) -> AbstractAsyncContextManager[AsyncTransaction]:
        return self._transaction(timeout)

    @contextlib.asynccontextmanager
    async def _transaction(self, timeout: float | None) -> AsyncIterator[AsyncTransaction]:
        outer = joined(self)
        if outer is not None and outer.writable:
            # The outermost transaction decides; a savepoint could not be kept apart from what its other tasks do.
            yield SqliteAsyncTransaction(outer)
            return
        loop = asyncio.get_running_loop()
        entered: asyncio.Future[SqliteAsyncTransaction] = loop.create_future()
        left: asyncio.Future[bool] = loop.create_future()

        async def hold(transaction: AsyncTransaction) -> None:
            assert isinstance(transaction, SqliteAsyncTransaction)
            entered.set_result(transaction)
            if not await left:
                raise _RolledBackError

        writing = asyncio.ensure_future(
            self.write(lambda transaction: transaction.run_async(hold), exclusive=True, timeout=timeout)
        )
        both: list[asyncio.Future[None] | asyncio.Future[SqliteAsyncTransaction]] = [writing, entered]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            writing.cancel()
            raise
        if not entered.done():
            await writing
        transaction = entered.result()
        token = transaction.pump.join()
        try:
            yield transaction
        except BaseException:
            transaction.pump.leave(token)
            if not left.done():
                left.set_result(False)
            # The caller goes on only when the rollback is done; its own exception is the one that counts.
            await asyncio.wait([writing])
            if not writing.cancelled():
                writing.exception()
            raise
        transaction.pump.leave(token)
        if not left.done():
            left.set_result(True)
        await writing

    # -- other processes ---------------------------------------------------------------------------------------------

    def _committed(self, changed: bool) -> None:
        """In the writer's thread, after each group."""
        if changed:
            self._announcer.announce()
        if self._checkpointer is not None:
            self._checkpointer.committed()

    def _listen(self) -> None:
        ear = self._announcer.listen()
        if ear is not None:
            self._ear = ear.fileno()
            asyncio.get_running_loop().add_reader(ear.fileno(), self._heard)

    def _heard(self) -> None:
        self._announcer.hear()
        if self._refreshing:
            self._refresh_again = True
            return
        self._refreshing = True
        self._lanes["point"].submit(feed.newest).add_done_callback(self._refreshed)

    def _refreshed(self, newest: asyncio.Future[int]) -> None:
        self._refreshing = False
        if newest.cancelled() or newest.exception() is not None:
            return  # the next announcement or poll looks again
        self._watchers.advance(newest.result())
        if self._refresh_again and self._state == "open":
            self._refresh_again = False
            self._heard()

    async def _poll(self) -> None:
        """Finds commits of processes that could not announce them."""
        while True:
            await asyncio.sleep(self._options.poll_interval)
            try:
                self._watchers.advance(await self.read(feed.newest))
            except DatabaseError as error:
                _LOG.warning("cannot look for changes: %s", error)

    async def _trim(self) -> None:
        """Closes connections that were opened for a rush, with their memory."""
        while True:
            await asyncio.sleep(_TRIM_INTERVAL)
            for lane in self._lanes.values():
                await lane.trim()

    async def _prune(self) -> None:
        options = self._options

        def prune(transaction: Transaction) -> bool:
            return feed.prune(transaction, options.feed_max_rows, options.feed_max_age)

        while True:
            try:
                while await self.write(prune):
                    pass
            except DatabaseError as error:
                _LOG.warning("cannot prune the change feed: %s", error)
            await asyncio.sleep(_PRUNE_INTERVAL)


class _RolledBackError(Exception):
    """Ends the transaction of a block that raised."""


def _nested(transaction: Transaction, function: Callable[[Transaction], T]) -> T:
    with transaction.savepoint():
        return function(transaction)
