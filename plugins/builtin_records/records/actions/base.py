"""What every write of the API has in common, and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web

from pbhost.database import Connection, Transaction
from pbhost.errors import BadRequestError, ForbiddenError
from pbhost.hooks import Chain
from pbhost.hooks.events import RecordRequestEvent
from pbhost.model import Collection, Record, RequestContext, Rule

from ..aftermath import Aftermath
from ..codec import dumps
from ..core import Core
from ..faults import NOT_SUPERUSER, UNSUPPORTED_TYPE


@dataclass(slots=True)
class Outcome:
    """What an action answers.

    Attributes:
        body: the JSON text, empty for 204; to be made of ``record`` by :meth:`Action.render` if that is set.
        record: the written record, if hooks are to see it before it is sent.
        response: what a request hook answered in place of the operation.
    """

    status: int
    body: bytes = b""
    record: Record | None = None
    response: web.StreamResponse | None = None


@dataclass(slots=True)
class Asked:
    """Of whom and how an action is asked. Never changed; but one that is frozen takes three times as long to make.

    Attributes:
        context: the request; ``body`` as submitted.
        aftermath: takes what is to follow the write.
        request: the HTTP request, None for a batch item or an internal one.
        wants_record: the caller needs the Record object rather than bytes.
        with_request_hooks: request hooks run around it.
    """

    core: Core
    collection: Collection
    context: RequestContext
    aftermath: Aftermath
    request: web.Request | None = None
    wants_record: bool = False
    with_request_hooks: bool = True


#: Runs a function in a write transaction.
Run: TypeAlias = Callable[[Callable[[Transaction], Outcome]], Awaitable[Outcome]]


class Action(ABC):
    """One write of one record through the API."""

    kind: str = ""
    #: Whether it is all that its transaction, or its share of one, does: then its last statement is the last of all.
    is_alone = False

    def __init__(self, asked: Asked) -> None:
        if asked.collection.is_view:
            raise BadRequestError(UNSUPPORTED_TYPE)
        self.core = asked.core
        self.collection = asked.collection
        self.context = asked.context
        self.aftermath = asked.aftermath
        self.request = asked.request
        self.chains = asked.core.chains.of(asked.collection)
        self.hook: Chain | None = self._request_chain() if asked.with_request_hooks else None
        self._wants_record = asked.wants_record

    def refuse_locked(self) -> None:
        """Raises the 403 of a collection that is locked for the caller."""
        if self.rule is None and not self.context.is_superuser:
            raise ForbiddenError(NOT_SUPERUSER)

    @property
    @abstractmethod
    def rule(self) -> Rule: ...

    @property
    @abstractmethod
    def needs_loop(self) -> bool:
        """Whether it takes two hops."""

    @property
    @abstractmethod
    def is_async(self) -> bool:
        """Whether hooks inside the transaction need the event loop, and so the transaction for themselves."""

    @property
    @abstractmethod
    def needs_look(self) -> bool:
        """Whether the database has to be looked at before hooks and preparation run."""

    @abstractmethod
    def look(self, connection: Connection | None) -> None:
        """The first hop."""

    @abstractmethod
    def finish(self, tx: Transaction) -> Outcome:
        """The last hop, after :meth:`look`."""

    @abstractmethod
    async def around(self, run: Run) -> Outcome:
        """Hooks and preparation on the event loop around the last hop."""

    @abstractmethod
    def _request_chain(self) -> Chain | None: ...

    def whole(self, tx: Transaction) -> Outcome:
        """Everything in one hop."""
        self.look(tx)
        return self.finish(tx)

    async def _run_hook(self, event: RecordRequestEvent, operation: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Runs the request hooks; one of them may have answered itself."""
        if self.hook is None:
            return await operation()
        result: object = await self.hook.run(event, operation)
        if event.response is not None:
            return Outcome(event.response.status, response=event.response)
        if isinstance(result, Outcome):
            return result
        response = result if isinstance(result, web.StreamResponse) else web.Response()
        return Outcome(response.status, response=response)

    async def render(self, outcome: Outcome) -> bytes:
        """The body of the answer, after the enrich hooks."""
        if outcome.record is None:
            return outcome.body
        await self.core.answers.run_enrich_hooks([outcome.record], self.context)
        return dumps(outcome.record.to_json())
