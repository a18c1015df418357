"""Creating and updating a record, inside a transaction and in its thread.

The order (operations.md 23.3): create/update hooks around everything → generated values → validate hooks around the
field checks → execute hooks around autodates and the statement → the row of the change feed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from pbhost.database import Connection, SqlValue, Transaction
from pbhost.errors import BadRequestError, NotFoundError, UniqueViolationError, ValidationError
from pbhost.hooks.events import ApiWrite, RecordEvent
from pbhost.model import Field, Record, RequestContext, ValueCheck
from pbhost.model.record import values_of

from .aftermath import Aftermath, Step
from .chains import Action, Chains, CollectionChains, Moment, WriteChains
from .codec import Codecs
from .faults import UNSUPPORTED_TYPE, NeedsExclusive, not_unique
from .lifecycle import Lifecycle, Lifecycles, prepared, remember_prepared

if TYPE_CHECKING:
    from pbhost.app import App

T = TypeVar("T")


class _Save:
    """One save on its way. The event is made once a hook wants it: most writes have none."""

    __slots__ = (
        *("_app", "_event", "_record", "action", "aftermath", "api", "chains", "conclude", "context"),
        *("is_new", "lifecycle", "tx", "validate"),
    )

    def __init__(
        self,
        app: App,
        tx: Transaction,
        record: Record,
        chains: CollectionChains,
        lifecycle: Lifecycle,
        *,
        aftermath: Aftermath,
        context: RequestContext | None,
        validate: bool,
        api: ApiWrite | None,
        conclude: Callable[[list[SqlValue]], None] | None,
    ) -> None:
        self._app = app
        self._event: RecordEvent | None = None
        self._record = record
        self.tx = tx
        self.aftermath = aftermath
        self.is_new = record.is_new
        self.action: Action = "create" if record.is_new else "update"
        self.chains: WriteChains = chains.of(self.action)
        self.lifecycle = lifecycle
        self.context = context
        self.validate = validate
        self.api = api
        self.conclude = conclude

    @property
    def record(self) -> Record:
        """The record; a hook may have put another one into the event."""
        return self._record if self._event is None else self._event.record

    @property
    def event(self) -> RecordEvent:
        """What all hooks of this save see."""
        if self._event is None:
            self._event = self.outcome(self._record)
        return self._event

    def outcome(self, record: Record) -> RecordEvent:
        """An event of its own, for what comes after."""
        seen = self._event
        return RecordEvent(
            app=self._app,
            action=self.action,
            context=self.context if seen is None else seen.context,
            collection=self._record.collection if seen is None else seen.collection,
            record=record,
            api=self.api if seen is None else seen.api,
        )


class Saving:
    """Writes records of all collections."""

    def __init__(self, app: App, codecs: Codecs, lifecycles: Lifecycles, chains: Chains) -> None:
        self._app = app
        self._codecs = codecs
        self._lifecycles = lifecycles
        self._chains = chains

    def save(
        self,
        tx: Transaction,
        record: Record,
        aftermath: Aftermath,
        *,
        context: RequestContext | None = None,
        validate: bool = True,
        api: ApiWrite | None = None,
        conclude: Callable[[list[SqlValue]], None] | None = None,
    ) -> list[SqlValue]:
        """Creates or updates a record; returns its stored row in the order of the codec.

        Args:
            conclude: if the write ends with this: what is left to do for it, which gets the row just before the
                statement. Only for a write whose hooks do not run inside of the transaction.

        Raises:
            ValidationError: errors by field, unique violations included.
            NotFoundError: the row to update is gone.
            NeedsExclusive: a hook set a value whose preparation needs the event loop.
        """
        collection = record.collection
        if collection.is_view:
            raise BadRequestError(UNSUPPORTED_TYPE)
        chains, lifecycle = self._chains.of(collection), self._lifecycles.of(collection)
        save = _Save(
            self._app,
            tx,
            record,
            chains,
            lifecycle,
            aftermath=aftermath,
            context=context,
            validate=validate,
            api=api,
            conclude=conclude,
        )
        whole = save.chains.whole
        try:
            row = self._inside(save) if whole is None else whole.run_in(tx, save.event, lambda: self._inside(save))
        except Exception as error:
            if save.chains.error and not isinstance(error, NeedsExclusive):
                aftermath.add(tx, rolled_back=_failure(save.chains.error, save, error))
            raise
        if not row:  # a hook skipped the write; what was prepared for it is not needed
            fields = lifecycle.settle
            if fields:
                aftermath.add(tx, committed=lambda: undo(fields, record, self._app))
            return self._codecs.of(collection).row(record)
        self._follow_up(save)
        record.mark_stored()
        return row

    def _inside(self, save: _Save) -> list[SqlValue]:
        tx, chains = save.tx, save.chains
        for field in save.lifecycle.fill:
            field.fill(save.record, is_new=save.is_new, now=tx.now)
        if save.validate:
            if chains.validate:
                chains.validate.run_in(tx, save.event, lambda: self._check(save))
            else:
                self._check(save)
        if chains.execute:
            return chains.execute.run_in(tx, save.event, lambda: self._execute(save))
        return self._execute(save)

    def _check(self, save: _Save) -> None:
        record = save.record
        self._prepare(save)
        errors = save.lifecycle.errors(
            record,
            values_of(record),
            save.is_new,
            lambda: ValueCheck(connection=save.tx, services=self._app, is_new=save.is_new),
        )
        if errors:
            raise ValidationError(errors)

    def _prepare(self, save: _Save) -> None:
        """Prepares slow values that were set after the event loop had its chance, by a hook for instance."""
        if not save.lifecycle.slow:
            return
        fields = save.lifecycle.unprepared(save.record)
        if fields:
            wait_for(save.tx, lambda: prepare(fields, save.record, self._app))
            save.aftermath.add(save.tx, rolled_back=lambda: undo(fields, save.record, self._app))

    def _execute(self, save: _Save) -> list[SqlValue]:
        tx, record, lifecycle = save.tx, save.record, save.lifecycle
        self._prepare(save)
        for field in lifecycle.stamp:
            field.stamp(record, is_new=save.is_new, now=tx.now)
        row = self._codecs.of(record.collection).row(record)
        execute = tx.execute
        if save.conclude is not None:
            save.conclude(row)
            execute = tx.conclude
        try:
            if save.is_new:
                execute(lifecycle.insert, row)
            elif not execute(lifecycle.update, [*row, str(record.original["id"])]):
                raise NotFoundError()
        except UniqueViolationError as error:
            raise not_unique(record.collection, error) from error
        tx.record_change(record.collection.id, record.id, save.action)
        return row

    # -- afterwards --------------------------------------------------------------------------------------------------

    def _follow_up(self, save: _Save) -> None:
        chains, record, settle = save.chains, save.record, save.lifecycle.settle
        if not (settle or chains.success or chains.error):
            return
        seen = prepared(record)
        fields = [field for field in settle if save.is_new or field.name in seen or record.changed(field.name)]
        if not (fields or chains.success or chains.error):
            return
        # The record goes on living with its caller; what comes after sees it as it was written, old values included.
        written = record.copy()
        written.is_new = False
        after = save.outcome(written)

        async def committed() -> None:
            for field in fields:
                await field.committed(written, self._app)
            if chains.success:
                await chains.success.notify(after)

        async def rolled_back() -> None:
            for field in fields:
                await field.rolled_back(written, self._app)
            if chains.error:
                after.error = after.error or BadRequestError("The transaction was rolled back.")
                await chains.error.notify(after)

        save.aftermath.add(save.tx, committed=committed, rolled_back=rolled_back)


def _failure(moment: Moment, save: _Save, error: Exception) -> Step:
    after = save.outcome(save.record.copy())
    after.error = error
    return lambda: moment.notify(after)


async def prepare(fields: list[Field], record: Record, app: App) -> None:
    """On the event loop: lets fields prepare their values for storing.

    Raises:
        whatever a field type raises; those that were done by then are rolled back.
    """
    done: list[Field] = []
    try:
        for field in fields:
            done.append(field)
            await field.before_write(record, app)
    except BaseException:
        await undo(done, record, app)
        raise
    remember_prepared(record, fields)


async def undo(fields: list[Field], record: Record, app: App) -> None:
    """On the event loop: takes back what :func:`prepare` did."""
    for field in fields:
        await field.rolled_back(record, app)


def wait_for(connection: Connection, make: Callable[[], Awaitable[T]]) -> T:
    """Runs a coroutine on the event loop from inside a transaction.

    Raises:
        NeedsExclusive: the transaction is shared with other writes.
    """
    if not connection.may_wait:
        raise NeedsExclusive("the write needs a transaction of its own")

    async def run() -> T:
        return await make()

    return connection.run_async(lambda _tx: run())
