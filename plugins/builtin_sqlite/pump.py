"""How code on the event loop uses a connection whose thread waits for it.

The thread of the connection is inside of a function that called `run_async`. It serves calls from an inbox until the
coroutine is done. There is one inbox for a transaction, so nested calls (`run_async` in a function that was sent by a
coroutine of an outer `run_async`) serve whoever asks, and cannot wait for each other.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable, Sequence
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

from builtin_sqlite.thread import set_error, set_result
from pbhost.database import AsyncTransaction, Row, Sql, SqlValue, Transaction
from pbhost.errors import DatabaseBusyError

if TYPE_CHECKING:
    from builtin_sqlite.connection import SqliteConnection

T = TypeVar("T")


class PumpOwner(Protocol):
    """Whose transactions these are: told apart when several databases have one open."""


class TransactionOverError(RuntimeError):
    """The transaction that a call was meant for is over."""

    def __init__(self) -> None:
        super().__init__("this transaction is over; it cannot be used after its function or block has ended")


#: The open transactions that the current task runs in, of any database; the innermost last.
_joined: contextvars.ContextVar[tuple[Pump, ...]] = contextvars.ContextVar("pbhost_sqlite_joined", default=())


def joined(owner: PumpOwner) -> Pump | None:
    """The open transaction of a database that the current task runs in, if any."""
    pumps = _joined.get()
    if pumps:  # almost never: this is asked on each read
        for pump in reversed(pumps):
            if pump.owner is owner and not pump.closed:
                return pump
    return None


class _Request(Generic[T]):
    """A function from the event loop, to be run in the connection's thread."""

    __slots__ = ("function", "future")

    def __init__(self, function: Callable[[Transaction], T], future: asyncio.Future[T]) -> None:
        self.function = function
        self.future = future


class _Call(Generic[T]):
    """A coroutine that the thread waits for."""

    __slots__ = ("error", "finished", "result", "task")

    def __init__(self) -> None:
        self.finished = False
        self.result: T | None = None
        self.error: BaseException | None = None
        self.task: asyncio.Task[T] | None = None


class Pump:
    """The inbox of one transaction (or snapshot).

    Args:
        owner: whose transaction it is.
        loop: where coroutines run.
        target: what functions from the event loop are given.
        deadline: until when it may be held, by `time.monotonic`.
        patience: seconds of that time that may be spent waiting for the event loop.
        context: the context variables that coroutines see.
        writable: whether writes of the same task may join.
    """

    def __init__(
        self,
        owner: PumpOwner,
        loop: asyncio.AbstractEventLoop,
        target: SqliteConnection,
        *,
        deadline: float,
        patience: float,
        context: contextvars.Context | None = None,
        writable: bool = False,
    ) -> None:
        self.owner = owner
        self.writable = writable
        self.closed = False
        #: Why the transaction has to be rolled back whatever its function makes of it.
        self.doom: BaseException | None = None
        self._loop = loop
        self._deadline = deadline
        self._patience = patience
        # A reader's coroutines see a transaction that refuses to write: SQLite itself says no (query_only).
        self._target = cast("Transaction", target)
        self._context = context
        self._inbox: SimpleQueue[_Request[object] | None] = SimpleQueue()
        self._lock = threading.Lock()

    # -- in the connection's thread ----------------------------------------------------------------------------------

    def run_async(self, make: Callable[[AsyncTransaction], Awaitable[T]]) -> T:
        """Runs a coroutine on the event loop and serves its calls meanwhile.

        Raises:
            DatabaseBusyError: it took longer than the transaction may be held.
        """
        self._check()
        call: _Call[T] = _Call()
        self._loop.call_soon_threadsafe(self._start, call, make, context=self._context)
        while not call.finished:
            started = monotonic()
            try:
                request = self._inbox.get(timeout=max(min(self._deadline - started, self._patience), 0))
            except Empty:
                self.give_up(DatabaseBusyError("the transaction was held longer than it may be; it was rolled back"))
                request = None
            self._patience -= monotonic() - started
            if request is not None:
                self._serve(request)
            if not call.finished:
                try:
                    self._check()
                except BaseException:
                    self._loop.call_soon_threadsafe(self._cancel, call)
                    raise
        if call.error is not None:
            raise call.error
        return cast("T", call.result)

    def give_up(self, reason: BaseException) -> None:
        """From any thread: the transaction is rolled back as soon as its thread notices."""
        if self.doom is None:
            self.doom = reason
        self._inbox.put(None)

    def _check(self) -> None:
        if self.doom is not None:
            raise self.doom

    def close(self) -> None:
        """The transaction is over: calls that were not served yet fail, and so do later ones."""
        with self._lock:
            self.closed = True
        while True:
            try:
                request = self._inbox.get_nowait()
            except Empty:
                return
            if request is not None:
                self._loop.call_soon_threadsafe(set_error, request.future, self.doom or TransactionOverError())

    def _serve(self, request: _Request[object]) -> None:
        if request.future.cancelled():
            return
        try:
            value = request.function(self._target)
        except BaseException as error:
            self._loop.call_soon_threadsafe(set_error, request.future, error)
        else:
            self._loop.call_soon_threadsafe(set_result, request.future, value)

    # -- on the event loop -------------------------------------------------------------------------------------------

    async def call(self, function: Callable[[Transaction], T]) -> T:
        """Runs a function in the connection's thread.

        Raises:
            TransactionOverError: it is too late for that.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        with self._lock:
            self._check()
            if self.closed:
                raise TransactionOverError
            self._inbox.put(cast("_Request[object]", _Request(function, future)))
        return await future

    def join(self) -> contextvars.Token[tuple[Pump, ...]]:
        """From here on the current task's reads and writes of this database are part of the transaction."""
        return _joined.set((*_joined.get(), self))

    def leave(self, token: contextvars.Token[tuple[Pump, ...]]) -> None:
        """Ends what `join` began."""
        _joined.reset(token)

    def _start(self, call: _Call[T], make: Callable[[AsyncTransaction], Awaitable[T]]) -> None:
        async def body() -> T:
            self.join()
            return await make(SqliteAsyncTransaction(self))

        def finished(task: asyncio.Task[T]) -> None:
            if task.cancelled():
                call.error = asyncio.CancelledError()
            else:
                call.error = task.exception()
                if call.error is None:
                    call.result = task.result()
            call.finished = True
            self._inbox.put(None)

        call.task = self._loop.create_task(body())
        call.task.add_done_callback(finished)

    def _cancel(self, call: _Call[T]) -> None:
        if call.task is not None:
            call.task.cancel()


class SqliteAsyncTransaction:
    """Provides :class:`pbhost.database.AsyncTransaction`."""

    __slots__ = ("pump",)

    def __init__(self, pump: Pump) -> None:
        self.pump = pump

    @property
    def now(self) -> str:
        return self.pump._target.now

    async def run(self, function: Callable[[Transaction], T]) -> T:
        return await self.pump.call(function)

    async def fetch_all(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> list[Row]:
        return await self.pump.call(lambda transaction: transaction.fetch_all(sql, params))

    async def fetch_one(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> Row | None:
        return await self.pump.call(lambda transaction: transaction.fetch_one(sql, params))

    async def execute(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> int:
        return await self.pump.call(lambda transaction: transaction.execute(sql, params))
