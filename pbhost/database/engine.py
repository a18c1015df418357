"""What a database engine provides: lanes for reading, one writer with group commit, a change feed.

How a statement reaches the database: everything that one request needs is one function that runs in the thread of a
connection (`read` or `write`), synchronously, on a :class:`Connection` or a :class:`Transaction`. Nothing awaits
there. When an asynchronous hook has to run in the middle (``Transaction.run_async``), the function must have been
given a transaction of its own (``exclusive=True``); the thread then waits for the event loop and meanwhile serves the
calls that the hook makes through its :class:`AsyncTransaction`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

from pbhost.database.dialect import Dialect
from pbhost.database.fragments import Sql, SqlValue

T = TypeVar("T")
Row: TypeAlias = tuple[SqlValue, ...]

#: Which reader serves: single rows; lists and other longer queries; functions that may call back to the event loop.
Lane: TypeAlias = Literal["point", "list", "hooked"]


class Connection(Protocol):
    """The synchronous face of a connection, valid only inside the function that was given it, in its thread."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def may_wait(self) -> bool:
        """Whether :meth:`run_async` may be used: the function has the transaction or snapshot for itself."""
        ...

    def fetch_all(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> list[Row]:
        """All rows. ``params`` only with plain text; a :class:`Sql` carries its own."""
        ...

    def fetch_repeatable(self, sql: Sql) -> list[Row]:
        """All rows of a statement whose result depends on nothing but the database: see `Dialect.is_repeatable`.

        An engine may give the rows of an earlier call, as long as nothing at all has been committed in between.
        """
        ...

    def fetch_one(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> Row | None:
        """The first row, or None."""
        ...

    def column_names(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> tuple[tuple[str, ...], list[Row]]:
        """The result's column names and all rows."""
        ...

    def run_async(self, make: Callable[[AsyncTransaction], Awaitable[T]]) -> T:
        """Runs a coroutine on the event loop and waits, serving the calls it makes to this connection.

        Raises:
            RuntimeError: the function was not started with ``exclusive=True`` or on the ``hooked`` lane.
            pbhost.errors.DatabaseBusyError: the transaction was held longer than its bound.
        """
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the change feed (`_pbhost_changes`).

    Attributes:
        seq: monotonic; gaps are possible.
        collection_id: whose record changed; ``""`` for settings, ``"_collections"`` for the schema itself.
        record_id: which record (or which collection, for the schema).
        action: what happened.
        created: when, in the stored form.
        payload: JSON text that the writer attached ("" if none): for deletes the last state, for instance.
    """

    seq: int
    collection_id: str
    record_id: str
    action: Literal["create", "update", "delete"]
    created: str
    payload: str = ""


class Transaction(Connection, Protocol):
    """A write transaction, or the savepoint of one write in a shared group. Synchronous, see :class:`Connection`."""

    #: The time of this write in the stored form; the same for all it does.
    now: str

    def execute(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> int:
        """Runs a statement; returns the number of rows it changed."""
        ...

    def conclude(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> int:
        """Runs the last statement of a write, one that changes rows; returns how many it changed.

        The function promises to raise nothing afterwards, unless no row was changed, and to run no other statement
        (:meth:`record_change` is allowed). So an engine that gathers writes need not be able to roll back this one
        alone; it may fail all of a group when the promise is broken. ``execute`` is a correct implementation.
        """
        ...

    def execute_many(self, sql: str, rows: Sequence[Sequence[SqlValue]]) -> int:
        """Runs a statement for each row of parameters."""
        ...

    def execute_script(self, sql: str) -> int:
        """Runs several statements inside the transaction; returns the rows changed."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """A nested part that is rolled back alone when it raises."""
        ...

    def record_change(
        self, collection_id: str, record_id: str, action: Literal["create", "update", "delete"], payload: str = ""
    ) -> int:
        """Appends to the change feed; returns the sequence number. Committed or rolled back with everything else.

        Statements of this transaction that name the feed's table find the row there; others, those that read it through
        a view for instance, need not find it before the commit.
        """
        ...

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Calls back on the event loop after the (outermost) commit, before the writer's awaiter is woken."""
        ...

    def on_rollback(self, callback: Callable[[], None]) -> None:
        """Calls back on the event loop if the write or its whole transaction is rolled back."""
        ...


class AsyncTransaction(Protocol):
    """The same transaction as seen from the event loop: by an async hook, or in ``async with app.transaction()``."""

    @property
    def now(self) -> str: ...

    async def run(self, function: Callable[[Transaction], T]) -> T:
        """Runs a function in the transaction's thread. The other methods are shorthands of this one."""
        ...

    async def fetch_all(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> list[Row]: ...

    async def fetch_one(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> Row | None: ...

    async def execute(self, sql: Sql | str, params: Sequence[SqlValue] = ()) -> int: ...


class Engine(Protocol):
    """A database. Opened once at start, closed at the end; safe to use from one event loop.

    ``auxiliary`` is a second, independent database of the same kind (logs), ``None`` for the auxiliary one itself.

    Code that runs in a transaction (an async hook, the block of :meth:`transaction`) and calls :meth:`read`,
    :meth:`write` or :meth:`transaction` takes part in it, as long as it is open: it sees what was written and is
    committed or rolled back together. So such code cannot wait for itself.

    Attributes:
        on_foreign_commit: called in the writer's thread, inside a write transaction and before the write, when another
            process has committed something since this one last wrote. Caches that writes rely on catch up here,
            synchronously, on the given connection; an exception fails the write.
    """

    on_foreign_commit: list[Callable[[Connection], None]]

    @property
    def dialect(self) -> Dialect: ...

    @property
    def auxiliary(self) -> Engine | None: ...

    async def open(self) -> None:
        """Opens or creates the database.

        Raises:
            pbhost.errors.DatabaseUnusableError: read-only, corrupt, foreign; says what to do.
        """
        ...

    async def close(self) -> None:
        """Finishes what was accepted, then closes. Safe to call twice."""
        ...

    async def read(self, function: Callable[[Connection], T], *, lane: Lane = "point") -> T:
        """Runs a function on a reader connection, in one consistent snapshot."""
        ...

    async def write(
        self, function: Callable[[Transaction], T], *, exclusive: bool = False, timeout: float | None = None
    ) -> T:
        """Runs a function in a write transaction and returns when it is committed and durable.

        Not exclusive: it shares the transaction with other writes, in a savepoint of its own; an exception rolls
        back only that. Exclusive: a transaction of its own, in which ``run_async`` may be used; ``timeout`` (seconds)
        bounds how long it may stay open. Who gives a ``timeout`` gets a transaction of its own in any case.
        """
        ...

    def transaction(self, *, timeout: float | None = None) -> AbstractAsyncContextManager[AsyncTransaction]:
        """A transaction of its own for code on the event loop; committed at the end of the block, rolled back if it
        raises."""
        ...

    async def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """The feed after a sequence number, in order."""
        ...

    async def last_change(self) -> tuple[int, int]:
        """``(oldest, newest)`` sequence numbers held; ``(0, 0)`` for an empty feed."""
        ...

    def watch_changes(self) -> AsyncIterator[int]:
        """Yields the newest sequence number each time something was committed, by this process or another one.

        Several commits may be announced as one. The first value comes at once.
        """
        ...

    def snapshot_to(self, path: str) -> Awaitable[None]:
        """Writes a consistent copy of the database to a new file, without blocking writers for long."""
        ...


@runtime_checkable
class Compacting(Protocol):
    """An engine that can give back the room of deleted rows to the disk."""

    async def compact(self) -> None:
        """Writes the database anew without its unused pages. Writers wait meanwhile, readers do not.

        Raises:
            pbhost.errors.DatabaseError: no room for the copy, or somebody holds the database; nothing has changed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a plugin's own tables, applied once, in order of names within a plugin.

    Attributes:
        name: unique within the plugin, sorts in order of application (``0001_initial``).
        up: runs in the write transaction.
        down: reverts it, None if that is impossible.
    """

    name: str
    up: Callable[[Transaction], None]
    down: Callable[[Transaction], None] | None = None
