"""``app.records``: the asynchronous face. Every call is one hop into a database thread where that is possible."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, TypeVar

from pbhost.database import AsyncTransaction, Connection, Lane, Transaction
from pbhost.errors import NotFoundError
from pbhost.model import BodyValue, Collection, Record, RequestContext, Rule
from pbhost.model.field import Field, StorageKind
from pbhost.services import SyncRecords, TableQuery

from ..filter import FilterError, Position
from .actions import Action, Asked, Create, Outcome, Update
from .aftermath import Aftermath
from .body import modified
from .core import Core
from .faults import NeedsExclusive
from .reading import Reading
from .saving import prepare, undo
from .sync import RecordsWithin

if TYPE_CHECKING:
    from pbhost.app import App

T = TypeVar("T")


class RecordsService:
    """Provides :class:`pbhost.services.Records`.

    Attributes:
        core: the synchronous parts; reading: answers to view and list requests. Both exist once the service started.
    """

    core: Core
    reading: Reading

    def __init__(self, app: App) -> None:
        self._app = app

    async def start(self) -> None:
        """Wires the parts together; the schema is loaded by now."""
        self.core = Core(self._app)
        self.reading = Reading(self.core)

    async def stop(self) -> None:
        """Nothing runs on its own."""

    # -- reading -----------------------------------------------------------------------------------------------------

    async def find(
        self,
        collection: Collection | str,
        id: str,
        *,
        expand: str = "",
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record | None:
        return await self._read(lambda records: records.find(collection, id, expand=expand, as_=as_), tx)

    async def get(
        self,
        collection: Collection | str,
        id: str,
        *,
        expand: str = "",
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record:
        record = await self.find(collection, id, expand=expand, as_=as_, tx=tx)
        if record is None:
            raise NotFoundError()
        return record

    async def find_first(
        self,
        collection: Collection | str,
        filter: str,
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        expand: str = "",
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record | None:
        return await self._read(
            lambda records: records.find_first(collection, filter, params, sort=sort, expand=expand, as_=as_),
            tx,
            "list",
        )

    async def find_many(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        limit: int = 0,
        offset: int = 0,
        expand: str = "",
        as_: RequestContext | None = None,
        restricted: bool = False,
        tx: AsyncTransaction | None = None,
    ) -> list[Record]:
        return await self._read(
            lambda records: records.find_many(
                collection,
                filter,
                params,
                sort=sort,
                limit=limit,
                offset=offset,
                expand=expand,
                as_=as_,
                restricted=restricted,
            ),
            tx,
            "list",
        )

    async def iterate(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        batch: int = 500,
        as_: RequestContext | None = None,
        restricted: bool = False,
    ) -> AsyncIterator[Record]:
        if not await self._read(
            lambda records: records.has_keyset(collection, sort, as_=as_, restricted=restricted), None
        ):
            offset = 0
            while found := await self.find_many(
                collection,
                filter,
                params,
                sort=sort,
                limit=batch,
                offset=offset,
                as_=as_,
                restricted=restricted,
            ):
                for record in found:
                    yield record
                offset += batch
            return
        position: Position | None = None

        def next_batch(records: RecordsWithin) -> tuple[list[Record], Position | None]:
            return records.batch(
                collection, filter, params, sort=sort, limit=batch, after=position, as_=as_, restricted=restricted
            )

        while True:
            found, position = await self._read(next_batch, None, "list")
            for record in found:
                yield record
            if position is None:
                return

    async def count(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        as_: RequestContext | None = None,
        restricted: bool = False,
        tx: AsyncTransaction | None = None,
    ) -> int:
        return await self._read(
            lambda records: records.count(collection, filter, params, as_=as_, restricted=restricted), tx, "list"
        )

    # -- writing -----------------------------------------------------------------------------------------------------

    async def create(
        self,
        collection: Collection | str,
        values: Mapping[str, object],
        *,
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record:
        target = self.core.collection(collection)
        if as_ is None:
            return await self.save(Record(target, values), tx=tx)
        return await self._written(Create(self._asked(target, as_, values)), tx)

    async def update(
        self,
        collection: Collection | str,
        id: str,
        values: Mapping[str, object],
        *,
        as_: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> Record:
        target = self.core.collection(collection)
        if as_ is None:
            record = await self.get(target, id, tx=tx)
            for key, value in values.items():
                record[key] = value
            return await self._save(record, tx=tx, relative=modified(target, values))
        return await self._written(Update(self._asked(target, as_, values), id), tx)

    async def save(
        self,
        record: Record,
        *,
        context: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
        validate: bool = True,
    ) -> Record:
        return await self._save(record, context=context, tx=tx, validate=validate)

    async def _save(
        self,
        record: Record,
        *,
        context: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
        validate: bool = True,
        relative: Set[str] = frozenset(),
    ) -> Record:
        core = self.core
        aftermath = Aftermath(self._app)
        slow = _changed_slow_fields(core, record)
        key = record.collection.field("id")
        if slow and key is not None and record.is_new:
            key.fill(record, is_new=True, now="")
        await prepare(slow, record, self._app)
        saved = False

        def save(transaction: Transaction) -> None:
            nonlocal saved
            if not record.is_new:
                # It was read before; what others have written since in other fields stays.
                row = core.queries.row(transaction, record.collection, str(record.original["id"]))
                if row is None:
                    raise NotFoundError()
                record.rebase(core.codecs.of(record.collection).record(row), relative=relative)
            core.saving.save(transaction, record, aftermath, context=context, validate=validate)
            saved = True

        chains = core.chains.of(record.collection).of("create" if record.is_new else "update")
        try:
            await self.write(save, exclusive=chains.is_async, tx=tx)
        except BaseException:
            if not saved:
                await undo(slow, record, self._app)
            raise
        finally:
            await aftermath.wait()
        return record

    async def delete(
        self,
        record: Record,
        *,
        context: RequestContext | None = None,
        tx: AsyncTransaction | None = None,
    ) -> None:
        core = self.core
        aftermath = Aftermath(self._app)

        def delete(transaction: Transaction) -> None:
            core.deleting.delete(transaction, record, aftermath, context=context)

        try:
            await self.write(delete, exclusive=core.deleting.needs_loop(record.collection), tx=tx)
        finally:
            await aftermath.wait()

    async def create_through_api(
        self,
        collection: Collection,
        body: Mapping[str, BodyValue],
        context: RequestContext,
        *,
        tx: AsyncTransaction | None = None,
    ) -> Record:
        asked = Asked(self.core, collection, context.derive(body=body), Aftermath(self._app), wants_record=True)
        return await self._written(Create(asked), tx)

    def _asked(self, collection: Collection, caller: RequestContext, values: Mapping[str, object]) -> Asked:
        context = caller.derive(body=_as_body(values))
        aftermath = Aftermath(self._app)
        return Asked(self.core, collection, context, aftermath, wants_record=True, with_request_hooks=False)

    async def _written(self, action: Action, tx: AsyncTransaction | None) -> Record:
        action.refuse_locked()
        outcome = await self.perform(action, tx=tx)
        if outcome.record is None:
            raise NotFoundError(cause="a hook answered in place of the operation")
        return outcome.record

    async def perform(self, action: Action, *, tx: AsyncTransaction | None = None) -> Outcome:
        """Runs an action in as few hops as it allows."""
        action.is_alone = tx is None
        try:
            if not action.needs_loop:
                return await self.write(action.whole, exclusive=action.is_async, tx=tx)
            if not action.needs_look:
                action.look(None)
            elif tx is not None:
                await tx.run(action.look)
            else:
                await self._app.db.read(action.look)
            return await action.around(lambda finish: self.write(finish, exclusive=action.is_async, tx=tx))
        finally:
            await action.aftermath.wait()

    async def write(
        self, function: Callable[[Transaction], T], *, exclusive: bool, tx: AsyncTransaction | None = None
    ) -> T:
        """Runs a function in a transaction: the given one, else one shared with other writes if that will do."""
        if tx is not None:

            def nested(transaction: Transaction) -> T:
                with transaction.savepoint():
                    return function(transaction)

            return await tx.run(nested)
        try:
            return await self._app.db.write(function, exclusive=exclusive)
        except NeedsExclusive:
            if exclusive:
                raise
            return await self._app.db.write(function, exclusive=True)

    # -- rules and answers -------------------------------------------------------------------------------------------

    def within(self, connection: Connection) -> SyncRecords:
        return RecordsWithin(self.core, connection)

    async def satisfies(
        self,
        record: Record,
        rule: Rule,
        context: RequestContext,
        *,
        filter: str = "",
        tx: AsyncTransaction | None = None,
    ) -> bool:
        return await self._read(lambda records: records.satisfies(record, rule, context, filter=filter), tx)

    async def satisfying(
        self, collection: Collection, ids: Sequence[str], rule: Rule, context: RequestContext, *, filter: str = ""
    ) -> set[str]:
        return await self._app.db.read(
            lambda connection: self.core.queries.holding(connection, collection, ids, rule, context, filter=filter)
        )

    def rule_error(self, collection: Collection, rule: str) -> str | None:
        try:
            self.core.queries.planner.check_rule(collection, rule)
        except FilterError as error:
            return str(error)
        return None

    def table_query(
        self, table: str, columns: Mapping[str, StorageKind], *, filter: str = "", sort: str = ""
    ) -> TableQuery:
        return self.core.tables.query(table, columns, filter, sort)

    async def enrich(
        self,
        records: Sequence[Record],
        context: RequestContext,
        *,
        expand: str = "",
        tx: AsyncTransaction | None = None,
    ) -> None:
        await self._read(lambda within: within.prepare_answer(records, context, expand=expand), tx)
        await self.core.answers.run_enrich_hooks(records, context)

    async def _read(
        self, function: Callable[[RecordsWithin], T], tx: AsyncTransaction | None, lane: Lane = "point"
    ) -> T:
        def run(connection: Connection) -> T:
            return function(RecordsWithin(self.core, connection))

        return await tx.run(run) if tx is not None else await self._app.db.read(run, lane=lane)


def _changed_slow_fields(core: Core, record: Record) -> list[Field]:
    slow = core.lifecycles.of(record.collection).slow
    return [field for field in slow if record.is_new or record.changed(field.name)]


def _as_body(values: Mapping[str, object]) -> Mapping[str, BodyValue]:
    """Values that code gives, as a body: fields normalise whatever they get."""
    return dict(values)  # type: ignore[arg-type]  # wider than a decoded body, which no field minds
