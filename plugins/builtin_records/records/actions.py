"""Create, update and delete as a client asks for them: every step of the endpoint, for single requests and batches.

An action runs in one hop if it can: :meth:`Action.whole` is everything, in the writer's thread. If a request hook
listens, or a value has to be prepared on the event loop (a password to hash, a file to store), it takes two: rule and
row are looked at first (:meth:`Action.look`), then hooks and preparation run on the loop (:meth:`Action.around`), then
:meth:`Action.finish` writes, and applies the rule again, since anything may have happened in between.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web

from pbhost.database import Connection, SqlValue, Transaction
from pbhost.errors import BadRequestError, ForbiddenError, NotFoundError, ValidationError
from pbhost.hooks import Chain
from pbhost.hooks.events import ApiWrite, RecordRequestEvent
from pbhost.model import BodyValue, Collection, Field, Record, RequestContext, Rule

from ..filter import virtual_row
from .aftermath import Aftermath
from .body import addressed, apply_body
from .codec import dumps
from .core import Core
from .expand import parse_expand
from .faults import CREATE_FAILED, DELETE_BLOCKED, NOT_SUPERUSER, UNSUPPORTED_TYPE, UPDATE_FAILED, write_failure
from .saving import prepare, undo


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


#: Runs a function in a write transaction.
Run: TypeAlias = Callable[[Callable[[Transaction], Outcome]], Awaitable[Outcome]]


class Action(ABC):
    """One write of one record through the API.

    Args:
        context: the request; ``body`` as submitted.
        request: the HTTP request, None for a batch item or an internal one.
        wants_record: the caller needs the Record object rather than bytes.
    """

    kind: str = ""

    def __init__(
        self,
        core: Core,
        collection: Collection,
        context: RequestContext,
        aftermath: Aftermath,
        *,
        request: web.Request | None = None,
        wants_record: bool = False,
        with_request_hooks: bool = True,
    ) -> None:
        if collection.is_view:
            raise BadRequestError(UNSUPPORTED_TYPE)
        self.core = core
        self.collection = collection
        self.context = context
        self.aftermath = aftermath
        self.request = request
        self.chains = core.chains.of(collection)
        self.hook: Chain | None = self._request_chain() if with_request_hooks else None
        self._wants_record = wants_record

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


class Saved(Action):
    """What create and update share."""

    message: str = ""
    #: Set by :meth:`look`.
    record: Record

    def __init__(
        self,
        core: Core,
        collection: Collection,
        context: RequestContext,
        aftermath: Aftermath,
        *,
        request: web.Request | None = None,
        wants_record: bool = False,
        with_request_hooks: bool = True,
    ) -> None:
        super().__init__(
            core,
            collection,
            context,
            aftermath,
            request=request,
            wants_record=wants_record,
            with_request_hooks=with_request_hooks,
        )
        self.submitted: Mapping[str, BodyValue] = context.body
        self.manages = False
        self._slow = self._slow_fields()
        self._saved = False

    @property
    def needs_loop(self) -> bool:
        return self.hook is not None or bool(self._slow)

    def _slow_fields(self) -> list[Field]:
        """Fields whose submitted values have to be prepared on the event loop."""
        lifecycle = self.core.lifecycles.of(self.collection)
        if not lifecycle.slow:
            return []
        named = addressed(self.collection, self.submitted)
        return [field for field in lifecycle.slow if field.name in named]

    def _apply(self, record: Record) -> None:
        body = apply_body(record, self.submitted, reveal=self.context.is_superuser)
        self.record = record
        self.context = self.context.derive(body=body)

    def _api(self) -> ApiWrite:
        return ApiWrite(manages=self.manages, body=self.submitted)

    def _may_manage(self) -> str:
        """The manage rule if it has to be asked; superusers have manage access, guests never."""
        self.manages = self.collection.is_auth and self.context.is_superuser
        if not self.collection.is_auth or self.manages or self.context.auth is None:
            return ""
        rule = self.collection.options.get("manageRule")
        return rule if isinstance(rule, str) else ""

    async def around(self, run: Run) -> Outcome:
        async def operation() -> Outcome:
            fields = self._to_prepare()
            try:
                await prepare(fields, self.record, self.core.app)
                return await run(self.finish)
            except Exception as error:
                if not self._saved:
                    await undo(fields, self.record, self.core.app)
                raise write_failure(error, self.message) from error
            except BaseException:
                if not self._saved:
                    await undo(fields, self.record, self.core.app)
                raise

        event = RecordRequestEvent(
            app=self.core.app,
            context=self.context,
            request=self.request,
            collection=self.collection,
            record=self.record,
            api=self._api(),
        )
        try:
            return await self._run_hook(event, operation)
        except ValidationError as error:
            raise error.named(self.message) from error

    def _to_prepare(self) -> list[Field]:
        """The slow fields whose values changed, by the body or by a request hook."""
        slow = self.core.lifecycles.of(self.collection).slow
        return [field for field in slow if self.record.is_new or self.record.changed(field.name)]

    def _save(self, tx: Transaction) -> Outcome:
        core = self.core
        try:
            row = core.saving.save(
                tx, self.record, self.aftermath, context=self.context, api=self._api()
            )
        except Exception as error:
            raise write_failure(error, self.message) from error
        self._saved = True
        return self._answer(tx, row)

    def _answer(self, tx: Transaction, row: Sequence[SqlValue]) -> Outcome:
        answers = self.core.answers
        expand = self.context.query.get("expand", "")
        tree = parse_expand(expand)
        wants_record = self._wants_record or answers.needs_records(self.collection, expand)
        chains = self.chains.of("create" if self.kind == "create" else "update")
        if wants_record or self.hook is not None or chains.in_transaction:
            # Hooks may have hidden, shown or added something: what is sent has to come from their record.
            answers.enrich(tx, [self.record], self.context, tree)
            if wants_record:
                return Outcome(200, record=self.record)
            return Outcome(200, dumps(self.record.to_json()))
        return Outcome(200, dumps(answers.objects(tx, self.collection, (tuple(row),), self.context, tree)[0]))


class Create(Saved):
    """``POST /records``."""

    kind = "create"
    message = CREATE_FAILED

    @property
    def rule(self) -> Rule:
        return self.collection.create_rule

    @property
    def is_async(self) -> bool:
        return self.chains.create.is_async

    @property
    def needs_look(self) -> bool:
        has_rule = bool(self.rule) and not self.context.is_superuser
        return has_rule or bool(self._may_manage())

    def _request_chain(self) -> Chain | None:
        return self.chains.create_request

    def look(self, connection: Connection | None) -> None:
        self._apply(Record(self.collection))
        self._virtual: dict[str, SqlValue] = {}
        manage_rule = self._may_manage()
        if connection is None or not (self._has_rule or manage_rule):
            return
        self._virtual = virtual_row(self.record)
        if not self._mentions_unprepared():
            self._check(connection)
        if manage_rule:
            self.manages = self._holds(connection, manage_rule)

    def finish(self, tx: Transaction) -> Outcome:
        if self._has_rule and self.needs_loop:
            for field in self._slow:
                self._virtual[field.name] = field.to_db(self.record[field.name])
            self._check(tx)
        return self._save(tx)

    def _to_prepare(self) -> list[Field]:
        fields = super()._to_prepare()
        key = self.collection.field("id")
        if fields and key is not None:
            # Files are stored under the record's id.
            key.fill(self.record, is_new=True, now="")
        return fields

    @property
    def _has_rule(self) -> bool:
        return bool(self.rule) and not self.context.is_superuser

    def _mentions_unprepared(self) -> bool:
        """Whether the rule speaks of a value that is only known after its preparation, such as a hash."""
        return any(field.name in (self.rule or "") for field in self._slow if field.type != "file")

    def _check(self, connection: Connection) -> None:
        if self._has_rule and not self._holds(connection, self.rule):
            raise BadRequestError(CREATE_FAILED, cause="the create rule is not satisfied")

    def _holds(self, connection: Connection, rule: Rule) -> bool:
        return self.core.queries.virtual_holds(connection, self.collection, self._virtual, rule, self.context)


class Update(Saved):
    """``PATCH /records/{id}``."""

    kind = "update"
    message = UPDATE_FAILED

    def __init__(
        self,
        core: Core,
        collection: Collection,
        id_: str,
        context: RequestContext,
        aftermath: Aftermath,
        *,
        request: web.Request | None = None,
        wants_record: bool = False,
        with_request_hooks: bool = True,
    ) -> None:
        super().__init__(
            core,
            collection,
            context,
            aftermath,
            request=request,
            wants_record=wants_record,
            with_request_hooks=with_request_hooks,
        )
        self._id = id_
        self._looked_in: Connection | None = None

    @property
    def rule(self) -> Rule:
        return self.collection.update_rule

    @property
    def is_async(self) -> bool:
        return self.chains.update.is_async

    @property
    def needs_look(self) -> bool:
        return True

    def _request_chain(self) -> Chain | None:
        return self.chains.update_request

    def look(self, connection: Connection | None) -> None:
        assert connection is not None, "an update needs the stored row"
        self._apply(self._fetch(connection))
        self._check(connection)
        manage_rule = self._may_manage()
        if manage_rule:
            self.manages = self.core.queries.holds(connection, self.collection, self._id, manage_rule, self.context)
        self._looked_in = connection

    def finish(self, tx: Transaction) -> Outcome:
        if self._looked_in is not tx:
            self.record.rebase(self._fetch(tx))
            self._check(tx)
        return self._save(tx)

    def _fetch(self, connection: Connection) -> Record:
        queries = self.core.queries
        if self._depends_on_body:
            row = queries.row(connection, self.collection, self._id)
        else:
            row = queries.row_under_rule(connection, self.collection, self._id, self.rule, self.context)
        if row is None:
            raise NotFoundError()
        return self.core.codecs.of(self.collection).record(row)

    def _check(self, connection: Connection) -> None:
        """The rule, if it could not be part of the look-up: it sees the normalised body, which needs the row."""
        if self._depends_on_body and not self.core.queries.holds(
            connection, self.collection, self._id, self.rule, self.context
        ):
            raise NotFoundError(cause="the update rule is not satisfied")

    @property
    def _depends_on_body(self) -> bool:
        return bool(self.rule) and "@request.body" in (self.rule or "") and not self.context.is_superuser


class Delete(Action):
    """``DELETE /records/{id}``."""

    kind = "delete"

    def __init__(
        self,
        core: Core,
        collection: Collection,
        id_: str,
        context: RequestContext,
        aftermath: Aftermath,
        *,
        request: web.Request | None = None,
    ) -> None:
        super().__init__(core, collection, context, aftermath, request=request)
        self._id = id_
        self._record: Record | None = None
        self._looked_in: Connection | None = None

    @property
    def rule(self) -> Rule:
        return self.collection.delete_rule

    @property
    def needs_loop(self) -> bool:
        return self.hook is not None

    @property
    def is_async(self) -> bool:
        return self.core.deleting.needs_loop(self.collection)

    @property
    def needs_look(self) -> bool:
        return True

    def _request_chain(self) -> Chain | None:
        return self.chains.delete_request

    def look(self, connection: Connection | None) -> None:
        assert connection is not None, "a delete needs the stored row"
        self._fetch(connection)
        self._looked_in = connection

    def finish(self, tx: Transaction) -> Outcome:
        if self._looked_in is not tx:
            self._fetch(tx)
        assert self._record is not None, "look comes first"
        try:
            self.core.deleting.delete(tx, self._record, self.aftermath, context=self.context)
        except Exception as error:
            raise write_failure(error, DELETE_BLOCKED) from error
        return Outcome(204)

    async def around(self, run: Run) -> Outcome:
        async def operation() -> Outcome:
            return await run(self.finish)

        assert self._record is not None, "look comes first"
        event = RecordRequestEvent(
            app=self.core.app,
            context=self.context,
            request=self.request,
            collection=self.collection,
            record=self._record,
        )
        return await self._run_hook(event, operation)

    def _fetch(self, connection: Connection) -> None:
        row = self.core.queries.row_under_rule(connection, self.collection, self._id, self.rule, self.context)
        if row is None:
            raise NotFoundError()
        if self._record is None:
            self._record = self.core.codecs.of(self.collection).record(row)
