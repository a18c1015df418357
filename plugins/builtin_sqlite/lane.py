"""A lane: reads wait in one queue, which the single in-flight call of a connection's thread drains."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeAlias, TypeVar

from builtin_sqlite.connection import SqliteConnection
from builtin_sqlite.driver_errors import translate
from builtin_sqlite.pump import Pump, PumpOwner
from builtin_sqlite.thread import ConnectionThread, set_error
from pbhost.errors import DatabaseError

T = TypeVar("T")
_LOG = logging.getLogger("pbhost.sqlite")

#: Reads that share one snapshot at most; those of a batch are answered together.
_BATCH = 32
#: Seconds of work after which the answers that are ready are handed over before the batch is done.
_IMPATIENCE = 0.002
#: Seconds a queue may stand still before another connection helps. Not less: on a busy machine a thread that waits for
#: its turn looks the same, and two connections with half of the work each are slower than one.
_STALL = 0.03
_PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


#: A function that waits for a connection, whoever waits for its result, and since when. Plain tuples, here and below:
#: there are two of them to a read, and named ones take ten times as long to make.
_Job: TypeAlias = "tuple[asyncio.Future[object], Callable[[SqliteConnection], object], float]"
#: What came of a job: who waits for it, its value, its error.
_Outcome: TypeAlias = "tuple[asyncio.Future[object], object, BaseException | None]"


class ReaderLane:
    """Serves reads from one connection, and from more while long queries hold up the queue.

    While reads wait for long, as many connections work as there are processors, for SQLite itself runs outside of
    Python's lock; while none gets on at all, ``most`` do, so that a few endless queries do not stop the others.

    Args:
        name: for the names of threads.
        connect: opens a connection of its own thread.
        timeout: seconds a read may take.
        most: connections at most.
        owner: whose reads may wait for the event loop (`run_async`), each in a snapshot of its own; None forbids it.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[str], Awaitable[ConnectionThread]],
        *,
        timeout: float,
        most: int = 1,
        owner: PumpOwner | None = None,
    ) -> None:
        self._name = name
        self._connect = connect
        self._timeout = timeout
        self._most = most
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Job] = deque()
        self._idle: list[ConnectionThread] = []
        self._threads: list[ConnectionThread] = []
        self._opening: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._scheduled = False
        self._taken = 0
        self._taken_at_last_look = 0
        self._closed = False
        self._drained = asyncio.Event()

    async def open(self) -> None:
        """Opens the first connection now rather than with the first read."""
        thread = await self._connect(self._name)
        self._threads.append(thread)
        self._idle.append(thread)
        self._hop()

    def submit(self, function: Callable[[SqliteConnection], T]) -> asyncio.Future[T]:
        """Queues a function. Cancelling the future takes it off the queue, or stops its query.

        Raises:
            DatabaseError: the lane is closed.
        """
        if self._closed:
            raise DatabaseError("the database is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.append((future, function, monotonic()))  # type: ignore[arg-type]  # a future of T takes its result
        # One call in flight takes whatever is queued until it ends; another connection only helps when that is stuck.
        # It starts when the loop has run what else is ready: reads of that turn share a hop, and the thread need not
        # fight the loop for Python's lock as soon as it wakes up.
        if not self._scheduled and (len(self._idle) == len(self._threads) or (self._idle and self._is_stuck())):
            self._scheduled = True
            self._loop.call_soon(self._hop)
        if self._watch is None:
            self._watch = self._loop.call_later(_STALL, self._look_after)
        return future

    async def trim(self) -> None:
        """Closes all connections but the first, if the lane is at rest."""
        while len(self._threads) > 1 and len(self._idle) == len(self._threads) and not self._queue:
            thread = self._threads.pop()
            self._idle.remove(thread)
            await thread.close()

    async def close(self) -> None:
        """Finishes what is queued, then closes the connections."""
        self._closed = True
        if self._opening is not None:
            await asyncio.wait([self._opening])
        while self._queue or len(self._idle) < len(self._threads):
            self._drained.clear()
            await self._drained.wait()
        if self._watch is not None:
            self._watch.cancel()
        threads, self._threads, self._idle = self._threads, [], []
        for thread in threads:
            await thread.close()

    # -- on the event loop -------------------------------------------------------------------------------------------

    def _hop(self) -> None:
        self._scheduled = False
        if not self._queue:
            return
        if self._idle:
            thread = self._idle.pop()
            thread.post(lambda: self._drain(thread))
        elif len(self._threads) < self._most and self._opening is None:
            self._opening = self._loop.create_task(self._open_another())

    async def _open_another(self) -> None:
        try:
            await self.open()
        except Exception as error:
            _LOG.error("cannot open another connection for %s: %s", self._name, error)
            if not self._threads:
                self._deliver([(future, None, translate(error)) for future, _, _ in self._queue])
                self._queue.clear()
        finally:
            self._opening = None
            self._drained.set()

    def _is_stuck(self) -> bool:
        """Whether every busy connection has been at its current read for long."""
        limit = monotonic() - _STALL
        return all(thread.started < limit for thread in self._threads if thread not in self._idle)

    def _look_after(self) -> None:
        """Runs while the lane is busy: gives a queue that waits for long another connection."""
        self._watch = None
        head = next(iter(self._queue.copy()), None)  # a copy, for threads take from the queue meanwhile
        if head is not None:
            waited = monotonic() - head[2] > _STALL
            stands_still = self._taken == self._taken_at_last_look
            busy = len(self._threads) - len(self._idle)
            if stands_still or (waited and busy < _PROCESSORS):
                self._hop()
        self._taken_at_last_look = self._taken
        if self._queue or len(self._idle) < len(self._threads):
            self._watch = self._loop.call_later(_STALL, self._look_after)

    def _deliver(self, outcomes: list[_Outcome], idle: ConnectionThread | None = None) -> None:
        for future, value, error in outcomes:
            if future.cancelled():
                continue
            if error is None:
                future.set_result(value)
            else:
                set_error(future, error)
        if idle is not None:
            self._idle.append(idle)
            if self._queue:
                self._hop()
            else:
                self._drained.set()

    # -- in the thread of a connection -------------------------------------------------------------------------------

    def _drain(self, thread: ConnectionThread) -> None:
        queue = self._queue
        most = 1 if self._owner is not None else _BATCH
        while True:
            # Only what is queued now may share the snapshot: a read queued later may follow a write that it must see.
            count = min(len(queue), most)
            # None when another connection was faster: a transaction around nothing costs as much as a read.
            outcomes = self._serve(thread, count) if count else []
            if queue:
                self._loop.call_soon_threadsafe(self._deliver, outcomes)
            else:
                self._loop.call_soon_threadsafe(self._deliver, outcomes, thread)
                return

    def _serve(self, thread: ConnectionThread, count: int) -> list[_Outcome]:
        """Runs up to ``count`` jobs in one snapshot."""
        outcomes: list[_Outcome] = []
        connection = SqliteConnection(thread.raw, kept=thread.kept_rows)
        unusable: BaseException | None = None
        begun = monotonic()
        try:
            thread.raw.execute("BEGIN")
        except BaseException as error:
            unusable = translate(error) if isinstance(error, Exception) else error
        flushed = monotonic()
        for _ in range(count):
            try:
                job = self._queue.popleft()
            except IndexError:  # another connection of the lane was faster
                break
            future, function, queued = job
            if queued > begun:
                # Another connection took what was counted; this one came later and must not read an older snapshot.
                self._queue.appendleft(job)
                break
            self._taken += 1
            if future.cancelled():
                continue
            if unusable is not None:
                outcomes.append((future, None, unusable))
                continue
            thread.claim(future, self._timeout)
            try:
                value = function(connection) if self._owner is None else self._run_hooked(thread, connection, function)
            except BaseException as error:
                outcomes.append((future, None, error))
            else:
                outcomes.append((future, value, None))
            if thread.started - flushed > _IMPATIENCE:
                self._loop.call_soon_threadsafe(self._deliver, outcomes)
                outcomes = []
                flushed = thread.started
        thread.release()
        return outcomes

    def _run_hooked(
        self, thread: ConnectionThread, connection: SqliteConnection, function: Callable[[SqliteConnection], object]
    ) -> object:
        assert self._owner is not None
        pump = Pump(self._owner, self._loop, connection, deadline=thread.deadline, patience=self._timeout)
        connection.pump = pump
        try:
            return function(connection)
        finally:
            pump.close()
