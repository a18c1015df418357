"""The writer: queued writes share a transaction, each in a savepoint of its own, and one durable COMMIT (group commit).

Nobody is told "done" before the COMMIT that holds its write has returned.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import TypeVar

from builtin_sqlite.connection import SqliteConnection
from builtin_sqlite.driver_errors import primary_code, translate
from builtin_sqlite.feed import Appender
from builtin_sqlite.lock import WriteTurn
from builtin_sqlite.pump import Pump, PumpOwner
from builtin_sqlite.thread import ConnectionThread, set_error, set_result
from builtin_sqlite.transaction import SqliteTransaction
from pbhost.database import Connection, Transaction
from pbhost.errors import DatabaseBusyError, DatabaseError

T = TypeVar("T")
_LOG = logging.getLogger("pbhost.sqlite")

ABORTED = "a write of the same group failed after it had said that it could not; all of them were rolled back"
ABANDONED = "nobody waits for this transaction any more; it was rolled back"

#: Writes of one group at most, and seconds after which a group is closed: both bound the wait of the first.
_GROUP = 256
_GROUP_SECONDS = 0.02
#: Pauses between attempts to begin while another program has the database locked (operations §11.2).
_PAUSES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.0, 1.0, 1.0)


@dataclass(slots=True, eq=False)
class WriteJob:
    """A function that waits for the writer, and whoever waits for its commit."""

    function: Callable[[Transaction], object]
    future: asyncio.Future[object]
    timeout: float
    patience: float
    context: contextvars.Context | None = None
    value: object = None
    error: BaseException | None = None
    transaction: SqliteTransaction | None = None
    pump: Pump | None = None

    @property
    def exclusive(self) -> bool:
        return self.context is not None


@dataclass(slots=True)
class Hooks:
    """What the writer tells others.

    Attributes:
        on_commit: on the event loop after each commit that changed the feed, with its newest number.
        in_thread: in the writer's thread after each commit; must not block.
        on_foreign_commit: in the writer's thread, in the transaction and before the write, when another process has
            committed something since the last one: caches that writes rely on are refreshed here.
    """

    on_commit: Callable[[int], None]
    in_thread: Callable[[bool], None]
    on_foreign_commit: list[Callable[[Connection], None]] = field(default_factory=list)


class Writer:
    """Runs writes one after the other in the thread of one connection.

    Args:
        owner: whose transactions these are.
        thread: the only connection that writes.
        turn: the turn among processes.
        hooks: whom to tell.
        has_feed: whether the database has a change feed.
        data_version: SQLite's number of the state that the caches will be filled from (or of an older one).
    """

    def __init__(
        self,
        owner: PumpOwner,
        thread: ConnectionThread,
        turn: WriteTurn,
        hooks: Hooks,
        *,
        has_feed: bool,
        data_version: int,
    ) -> None:
        self._owner = owner
        self._thread = thread
        self._turn = turn
        self._hooks = hooks
        self._feed: Appender | None = None
        self._has_feed = has_feed
        self._loop = asyncio.get_running_loop()
        self._queue: deque[WriteJob] = deque()
        self._chores: deque[tuple[Callable[[sqlite3.Connection], object], asyncio.Future[object]]] = deque()
        self._busy = False
        self._closed = False
        self._drained = asyncio.Event()
        self._data_version = data_version

    def submit(
        self, function: Callable[[Transaction], T], *, exclusive: bool, timeout: float, patience: float
    ) -> tuple[asyncio.Future[T], WriteJob]:
        """Queues a write. Cancelling the future takes it off the queue or rolls it back, if it is not too late.

        Args:
            function: what writes.
            exclusive: whether it gets a transaction of its own.
            timeout: seconds that the write may take.
            patience: seconds of them that it may wait for the event loop.

        Raises:
            DatabaseError: the writer is closed.
        """
        if self._closed:
            raise DatabaseError("the database is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        # A transaction of its own runs coroutines, which see the context variables of whoever asked for it.
        context = contextvars.copy_context() if exclusive else None
        job = WriteJob(function, future, timeout, patience, context)  # type: ignore[arg-type]  # a future of T takes the result
        self._queue.append(job)
        if not self._busy:
            # When the loop has run what else is ready: the writes of that turn make one group.
            self._busy = True
            self._loop.call_soon(self._hop)
        return future, job

    async def between_transactions(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Runs a function in the writer's thread while no transaction is open there."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._chores.append((function, future))  # type: ignore[arg-type]  # a future of T takes the result
        if not self._busy:
            self._hop()
        return await future

    async def compact(self, timeout: float) -> None:
        """Writes the file anew; other writes wait, here and in other processes.

        Raises:
            DatabaseError: no room, or it took longer than ``timeout`` seconds; nothing has changed.
        """

        def vacuum(raw: sqlite3.Connection) -> None:
            with self._turn:
                self._thread.claim(None, timeout)
                try:
                    raw.execute("VACUUM")
                finally:
                    self._thread.release()

        await self.between_transactions(vacuum)

    async def close(self) -> None:
        """Finishes what is queued, then closes the connection."""
        self._closed = True
        while self._busy:
            self._drained.clear()
            await self._drained.wait()
        await self._thread.close()
        self._turn.close()

    # -- on the event loop -------------------------------------------------------------------------------------------

    def _hop(self) -> None:
        self._busy = True
        self._thread.post(self._drain)

    def _deliver(self, jobs: list[WriteJob], seq: int) -> None:
        for job in jobs:
            transaction = job.transaction
            if transaction is not None:
                for callback in transaction.undone_callbacks:
                    _call(callback)
                for callback in transaction.commit_callbacks if job.error is None else transaction.rollback_callbacks:
                    _call(callback)
            if job.error is None:
                set_result(job.future, job.value)
            else:
                set_error(job.future, job.error)
        if seq:
            self._hooks.on_commit(seq)

    def _rest(self) -> None:
        if self._queue or self._chores:
            self._hop()
        else:
            self._busy = False
            self._drained.set()

    # -- in the writer's thread --------------------------------------------------------------------------------------

    def _drain(self) -> None:
        queue, chores = self._queue, self._chores
        while queue or chores:
            while chores:
                self._do_chore(*chores.popleft())
            if not queue:
                break
            done: list[WriteJob] = []
            seq = 0
            try:
                seq = self._run_exclusive(done) if queue[0].exclusive else self._run_group(done)
            except BaseException as error:  # nothing may end this loop: others wait for it
                _LOG.exception("the writer failed")
                self._undo()
                for job in done:
                    job.error = job.error or (translate(error) if isinstance(error, Exception) else error)
            if done:
                self._loop.call_soon_threadsafe(self._deliver, done, seq)
                self._hooks.in_thread(seq > 0)
        self._loop.call_soon_threadsafe(self._rest)

    def _do_chore(self, function: Callable[[sqlite3.Connection], object], future: asyncio.Future[object]) -> None:
        try:
            value = function(self._thread.raw)
        except Exception as error:
            self._loop.call_soon_threadsafe(set_error, future, translate(error))
        else:
            self._loop.call_soon_threadsafe(set_result, future, value)

    def _run_group(self, done: list[WriteJob]) -> int:
        """Runs the writes at the head of the queue in one transaction; returns the newest change, 0 for none."""
        queue, raw = self._queue, self._thread.raw
        waiting = len(queue)
        try:
            self._turn.__enter__()
        except DatabaseError as error:
            self._fail(waiting, error, done)
            return 0
        try:
            problem = self._begin(queue[0].timeout)
            if problem is not None:
                self._fail(waiting, problem, done)
                return 0
            closing_time = monotonic() + _GROUP_SECONDS
            succeeded = 0
            while queue and not queue[0].exclusive and len(done) < _GROUP:
                job = queue.popleft()
                if job.future.cancelled():
                    continue
                done.append(job)
                # Nobody's loss of patience may stop a statement here: SQLite would roll back the neighbours too.
                self._thread.claim(None, job.timeout)
                # Until one write has succeeded there is nothing that a failing one could take with it.
                if succeeded == 0:
                    if not self._run(job, is_guest=False):
                        self._undo()
                        if not queue or queue[0].exclusive:
                            return 0
                        problem = self._begin(queue[0].timeout)
                        if problem is not None:
                            self._fail(waiting - len(done), problem, done)
                            return 0
                        continue
                elif not self._run_as_guest(job):
                    self._fail(0, DatabaseError(ABORTED), done)
                    self._undo()
                    return 0
                succeeded += job.error is None
                if not raw.in_transaction:
                    self._lost(done)
                    return 0
                if self._thread.started > closing_time:
                    break
            return self._commit(done)
        finally:
            self._turn.__exit__(None, None, None)

    def _run(self, job: WriteJob, *, is_guest: bool) -> bool:
        transaction = job.transaction = SqliteTransaction(self._thread.raw, self._feed, is_guest=is_guest)
        try:
            job.value = job.function(transaction)
        except BaseException as error:
            job.error = error
            return False
        return True

    def _run_as_guest(self, job: WriteJob) -> bool:
        """Runs a write that must not take its neighbours with it; returns False if it does after all."""
        is_failed = not self._run(job, is_guest=True)
        transaction = job.transaction
        assert transaction is not None
        if transaction.is_guarded and self._thread.raw.in_transaction:
            transaction.end_guard(is_failed=is_failed)
        return not (is_failed and transaction.is_concluded)

    def _run_exclusive(self, done: list[WriteJob]) -> int:
        job = self._queue.popleft()
        if job.future.cancelled():
            return 0
        done.append(job)
        try:
            self._turn.__enter__()
        except DatabaseError as error:
            job.error = error
            return 0
        try:
            job.error = self._begin(job.timeout)
            if job.error is not None:
                return 0
            self._thread.claim(job.future, job.timeout)
            transaction = job.transaction = SqliteTransaction(self._thread.raw, self._feed)
            transaction.pump = job.pump = Pump(
                self._owner,
                self._loop,
                transaction,
                deadline=self._thread.deadline,
                patience=job.patience,
                context=job.context,
                writable=True,
            )
            if job.future.cancelled():
                job.pump.give_up(DatabaseError(ABANDONED))
            try:
                job.value = job.function(transaction)
                # A function that swallowed the end of its time, or whose caller is gone, is not committed all the same.
                if job.pump.doom is not None:
                    raise job.pump.doom
            except BaseException as error:
                job.error = error
            finally:
                transaction.pump.close()
            if job.error is not None:
                self._undo()
                return 0
            if not self._thread.raw.in_transaction:
                self._lost(done)
                return 0
            return self._commit(done)
        finally:
            self._turn.__exit__(None, None, None)

    # -- the transaction ---------------------------------------------------------------------------------------------

    def _begin(self, timeout: float) -> DatabaseError | None:
        """Begins, waiting for other programs; lets caches catch up with what other processes committed."""
        raw = self._thread.raw
        self._thread.claim(None, timeout)
        give_up_at = monotonic() + timeout
        for pause in (*_PAUSES, None):
            try:
                raw.execute("BEGIN IMMEDIATE")
                self._feed = Appender(SqliteConnection(raw)) if self._has_feed else None
                break
            except sqlite3.Error as error:
                if primary_code(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    return translate(error)
                if pause is None or monotonic() + pause > give_up_at:
                    return DatabaseBusyError(f"another program keeps the database locked ({error})")
                sleep(pause)
        try:
            version = raw.execute("PRAGMA data_version").fetchone()[0]
            if version != self._data_version:
                connection = SqliteConnection(raw)
                for callback in tuple(self._hooks.on_foreign_commit):
                    callback(connection)
                self._data_version = version
        except Exception as error:
            self._undo()
            return translate(error)
        return None

    def _commit(self, done: list[WriteJob]) -> int:
        self._thread.claim(None, float("inf"))
        try:
            if self._feed is not None:
                self._feed.flush()
            self._thread.raw.execute("COMMIT")
        except (sqlite3.Error, DatabaseError) as error:
            self._undo()
            self._fail(0, translate(error), done)
            return 0
        return max((job.transaction.last_seq for job in done if job.transaction and job.error is None), default=0)

    def _undo(self) -> None:
        self._thread.claim(None, float("inf"))
        if self._thread.raw.in_transaction:
            self._thread.raw.execute("ROLLBACK")

    def _fail(self, waiting: int, error: BaseException, done: list[WriteJob]) -> None:
        """Fails the writes that have been run, and those that have waited through the attempt already."""
        for _ in range(min(waiting, len(self._queue))):
            if self._queue[0].exclusive:
                break
            done.append(self._queue.popleft())
        for job in done:
            job.error = job.error or error

    def _lost(self, done: list[WriteJob]) -> None:
        """SQLite has ended the transaction by itself (a full disk, a stopped write), or a function has."""
        cause = next((job.error for job in reversed(done) if job.error is not None), None)
        text = "the transaction was ended by another write in it"
        if isinstance(cause, sqlite3.Error | DatabaseError):
            text = f"{text}: {translate(cause)}"
        self._fail(0, DatabaseError(text), done)


def _call(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:
        # The write is committed (or rolled back) whatever becomes of those who are told.
        _LOG.exception("a commit or rollback callback failed")
