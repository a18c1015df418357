"""Which hooks a collection's records have, looked up once per state of the plugins.

The chain of the record hook wraps the chain of the model hook of the same moment, which wraps the operation. Most
collections have none; then a write builds no event at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from pbhost.database import Connection
from pbhost.hooks import Chain, HookRegistry
from pbhost.hooks.events import ModelEvent, RecordEvent
from pbhost.model import Collection

from .faults import NeedsExclusive

if TYPE_CHECKING:
    from pbhost.app import App

T = TypeVar("T")
Action: TypeAlias = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Moment:
    """The hooks of one moment of a write: of the record, and inside of them of the model; at least one of the two."""

    record: Chain | None
    model: Chain | None

    @property
    def is_async(self) -> bool:
        """Whether an implementation needs the event loop."""
        return any(chain is not None and chain.is_async for chain in (self.record, self.model))

    def run_in(self, connection: Connection, event: RecordEvent, operation: Callable[[], T]) -> T:
        """Runs the hooks around an operation, in the thread of its transaction.

        Raises:
            NeedsExclusive: a hook needs the event loop, and the transaction is shared with other writes.
        """
        if self.is_async and not connection.may_wait:
            raise NeedsExclusive("an asynchronous hook needs a transaction of its own")
        model = self.model
        if model is None:
            inner = operation
        else:
            model_event = self._model_event(event)

            def inner() -> T:
                return model.run_in(connection, model_event, operation)

        return inner() if self.record is None else self.record.run_in(connection, event, inner)

    async def notify(self, event: RecordEvent) -> None:
        """Runs after-hooks on the event loop."""
        if self.record is not None:
            await self.record.notify(event)
        if self.model is not None:
            await self.model.notify(self._model_event(event))

    @staticmethod
    def _model_event(event: RecordEvent) -> ModelEvent:
        return ModelEvent(
            app=event.app,
            action=event.action,
            context=event.context,
            connection=event.connection,
            tx=event.tx,
            error=event.error,
            collection=event.collection,
            record=event.record,
        )


@dataclass(frozen=True, slots=True)
class WriteChains:
    """The moments of one kind of write; None where nobody listens.

    Attributes:
        in_transaction: whether any hook runs inside the transaction.
        is_async: whether one of those needs the event loop.
    """

    whole: Moment | None
    validate: Moment | None
    execute: Moment | None
    success: Moment | None
    error: Moment | None
    in_transaction: bool
    is_async: bool


@dataclass(frozen=True, slots=True)
class CollectionChains:
    """All hooks of one collection's records."""

    create: WriteChains
    update: WriteChains
    delete: WriteChains
    enrich: Chain | None
    list_request: Chain | None
    view_request: Chain | None
    create_request: Chain | None
    update_request: Chain | None
    delete_request: Chain | None

    def of(self, action: Action) -> WriteChains:
        """The hooks of one kind of write."""
        match action:
            case "create":
                return self.create
            case "update":
                return self.update
            case "delete":
                return self.delete


class Chains:
    """The hooks of every collection, resolved on first use and again when plugins change."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._generation = -1
        self._resolved: dict[tuple[str, str, str], CollectionChains] = {}
        self._of: dict[str, tuple[Collection, CollectionChains]] = {}

    def of(self, collection: Collection) -> CollectionChains:
        """The hooks of a collection."""
        hooks: HookRegistry = self._app.hooks
        if hooks.generation != self._generation:
            self._resolved, self._of = {}, {}
            self._generation = hooks.generation
        known = self._of.get(collection.id)
        if known is not None and known[0] is collection:
            return known[1]
        tags = collection.tags
        found = self._resolved.get(tags)
        if found is None:
            found = self._resolved[tags] = _resolve(hooks, tags)
        self._of[collection.id] = (collection, found)
        return found


def _resolve(hooks: HookRegistry, tags: tuple[str, str, str]) -> CollectionChains:
    def moment(suffix: str) -> Moment | None:
        record, model = hooks.chain(f"on_record_{suffix}", tags), hooks.chain(f"on_model_{suffix}", tags)
        return None if record is None and model is None else Moment(record, model)

    def write(action: Action) -> WriteChains:
        whole, execute = moment(action), moment(f"{action}_execute")
        validate = None if action == "delete" else moment("validate")
        inside = [item for item in (whole, validate, execute) if item is not None]
        return WriteChains(
            whole=whole,
            validate=validate,
            execute=execute,
            success=moment(f"after_{action}_success"),
            error=moment(f"after_{action}_error"),
            in_transaction=bool(inside),
            is_async=any(item.is_async for item in inside),
        )

    return CollectionChains(
        create=write("create"),
        update=write("update"),
        delete=write("delete"),
        enrich=hooks.chain("on_record_enrich", tags),
        list_request=hooks.chain("on_records_list_request", tags),
        view_request=hooks.chain("on_record_view_request", tags),
        create_request=hooks.chain("on_record_create_request", tags),
        update_request=hooks.chain("on_record_update_request", tags),
        delete_request=hooks.chain("on_record_delete_request", tags),
    )
