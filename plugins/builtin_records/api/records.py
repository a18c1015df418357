"""The HTTP API of records (records.md 1, 5)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from aiohttp import web

from pbhost.database import Lane
from pbhost.errors import BadRequestError, ForbiddenError, NotFoundError
from pbhost.hooks.events import RecordRequestEvent, RecordsListRequestEvent
from pbhost.http import DEFAULT_BODY_LIMIT, Answer, Route, context_of, empty_answer, encoded_answer, has_body, read_body
from pbhost.model import Collection, Field, RequestContext, Rule

from ..records import RecordsService
from ..records.actions import Action, Asked, Create, Delete, Update
from ..records.aftermath import Aftermath
from ..records.codec import dumps
from ..records.faults import NOT_SUPERUSER, UNSUPPORTED_TYPE
from ..records.reading import NO_ITEMS, ListRequest, page_bytes, plain_keys
from .guesses import Guesses

if TYPE_CHECKING:
    from pbhost.app import App

_PREFIX = "/api/collections/{collection}/records"
_MISSING = "Missing collection context."
_MISSING_OR_INVALID = "Missing or invalid collection context."

#: What makes a rule more than a look at a few rows.
_COSTLY = ("@collection.", "_via_")

#: What a value of these types may add to the body limit, with the default size of one (records.md 15).
_SIZED_TYPES: Mapping[str, int] = {"file": 5 << 20, "editor": 5 << 20, "json": 1 << 20}


def record_routes(app: App, service: RecordsService) -> list[Route]:
    """The routes of this API."""
    api = RecordsApi(app, service)
    return [
        Route("GET", _PREFIX, api.list, tags=("list",), summary="List records"),
        Route("GET", _PREFIX + "/{id}", api.view, tags=("view",), summary="View a record"),
        Route("POST", _PREFIX, api.create, tags=("create",), body_limit=api.body_limit, summary="Create a record"),
        Route(
            "PATCH",
            _PREFIX + "/{id}",
            api.update,
            tags=("update",),
            body_limit=api.body_limit,
            summary="Update a record",
        ),
        Route("DELETE", _PREFIX + "/{id}", api.delete, tags=("delete",), summary="Delete a record"),
    ]


class RecordsApi:
    """The handlers."""

    def __init__(self, app: App, service: RecordsService) -> None:
        self._app = app
        self._service = service
        #: By collection id: a changed collection is another object.
        self._body_limits: dict[str, tuple[Collection, int]] = {}
        delay = app.options("records").get("guess_delay")
        self._guesses = Guesses(float(delay) if isinstance(delay, (int, float)) else 0.0)

    # -- reading -----------------------------------------------------------------------------------------------------

    async def list(self, request: web.Request) -> Answer:
        """A page of records."""
        collection = self._collection(request, _MISSING)
        context = await _with_body(request)
        _refuse_locked(collection.list_rule, context)
        parameters = ListRequest.parse(context.query)
        service = self._service
        hook = service.core.chains.of(collection).list_request
        if hook is None and not service.core.answers.needs_records(collection, parameters.expand):
            keys = _plain_keys(request, context)
            body = await self._app.db.read(
                lambda connection: service.reading.page(connection, collection, parameters, context, keys=keys),
                lane="list",
            )
            if body.startswith(NO_ITEMS):
                await self._guesses.found_nothing(collection, parameters, context)
            return body if keys is None else encoded_answer(body)
        page = await self._app.db.read(
            lambda connection: service.reading.page_of_records(connection, collection, parameters, context), lane="list"
        )
        if not page.items:
            await self._guesses.found_nothing(collection, parameters, context)
        event = RecordsListRequestEvent(
            app=self._app,
            context=context,
            request=request,
            collection=collection,
            records=page.items,
            page=page.page,
            per_page=page.per_page,
            total_items=page.total_items,
            total_pages=page.total_pages,
            next_cursor=page.next_cursor,
        )

        async def operation() -> Answer:
            await service.core.answers.run_enrich_hooks(event.records, context)
            items = [record.to_json() for record in event.records]
            totals = event.total_items, event.total_pages
            return page_bytes(items, event.page, event.per_page, *totals, next_cursor=event.next_cursor)

        if hook is None:
            return await operation()
        result: object = await hook.run(event, operation)
        return _answered(result if event.response is None else event.response)

    async def view(self, request: web.Request) -> Answer:
        """One record."""
        collection = self._collection(request, _MISSING)
        context = await _with_body(request)
        _refuse_locked(collection.view_rule, context)
        id_ = request.match_info["id"]
        expand = context.query.get("expand", "") if request.rel_url.raw_query_string else ""
        service = self._service
        hook = service.core.chains.of(collection).view_request
        lane = _lane(collection, expand)
        if hook is None and not service.core.answers.needs_records(collection, expand):
            keys = _plain_keys(request, context)
            body = await self._app.db.read(
                lambda connection: service.reading.view(connection, collection, id_, context, expand=expand, keys=keys),
                lane=lane,
            )
            if body is None:
                raise NotFoundError()
            return body if keys is None else encoded_answer(body)
        record = await self._app.db.read(
            lambda connection: service.reading.view_record(connection, collection, id_, context, expand=expand),
            lane=lane,
        )
        if record is None:
            raise NotFoundError()
        event = RecordRequestEvent(
            app=self._app, context=context, request=request, collection=collection, record=record
        )

        async def operation() -> Answer:
            await service.core.answers.run_enrich_hooks([event.record], context)
            return dumps(event.record.to_json())

        if hook is None:
            return await operation()
        result: object = await hook.run(event, operation)
        return _answered(result if event.response is None else event.response)

    # -- writing -----------------------------------------------------------------------------------------------------

    async def create(self, request: web.Request) -> Answer:
        """A new record."""
        collection = self._writable(request, _MISSING_OR_INVALID)
        context = await _with_body(request)
        _refuse_locked(collection.create_rule, context)
        return await self._perform(Create(self._asked(request, collection, context)))

    async def update(self, request: web.Request) -> Answer:
        """Changes to a record."""
        collection = self._writable(request, _MISSING_OR_INVALID)
        context = await _with_body(request)
        _refuse_locked(collection.update_rule, context)
        id_ = request.match_info["id"]
        return await self._perform(Update(self._asked(request, collection, context), id_))

    async def delete(self, request: web.Request) -> Answer:
        """The end of a record."""
        collection = self._writable(request, _MISSING)
        context = await _with_body(request)
        _refuse_locked(collection.delete_rule, context)
        id_ = request.match_info["id"]
        return await self._perform(Delete(self._asked(request, collection, context), id_))

    def _asked(self, request: web.Request, collection: Collection, context: RequestContext) -> Asked:
        return Asked(self._service.core, collection, context, Aftermath(self._app), request)

    async def _perform(self, action: Action) -> Answer:
        outcome = await self._service.perform(action)
        if outcome.response is not None:
            return outcome.response
        body = await action.render(outcome)
        return body if body else empty_answer(outcome.status)

    def body_limit(self, request: web.Request) -> int:
        """Bytes of a create or update: what the fields of the collection may hold, and room for the rest."""
        collection = self._app.collections.find(request.match_info["collection"])
        if collection is None:
            return DEFAULT_BODY_LIMIT
        known = self._body_limits.get(collection.id)
        if known is None or known[0] is not collection:
            limit = DEFAULT_BODY_LIMIT + sum(map(_most_bytes, collection.fields))
            known = self._body_limits[collection.id] = (collection, limit)
        return known[1]

    # -- parts -------------------------------------------------------------------------------------------------------

    def _collection(self, request: web.Request, message: str) -> Collection:
        collection = self._app.collections.find(request.match_info["collection"])
        if collection is None:
            raise NotFoundError(message)
        return collection

    def _writable(self, request: web.Request, message: str) -> Collection:
        collection = self._collection(request, message)
        if collection.is_view:
            raise BadRequestError(UNSUPPORTED_TYPE)
        return collection


async def _with_body(request: web.Request) -> RequestContext:
    """The context of a request; also a GET with a body that cannot be read is refused."""
    if has_body(request):
        await read_body(request)
    return context_of(request)


def _lane(collection: Collection, expand: str) -> Lane:
    """Which reader serves a view: one that may take long must not hold up those that do not."""
    return "list" if collection.is_view or expand or _is_costly(collection.view_rule or "") else "point"


@lru_cache(maxsize=512)
def _is_costly(rule: str) -> bool:
    return any(word in rule for word in _COSTLY)


def _plain_keys(request: web.Request, context: RequestContext) -> frozenset[str] | None:
    """The wanted keys, if that is all that ``fields`` says; anything else is the pipeline's."""
    if "fields" not in request.rel_url.raw_query_string:
        return None
    fields = context.query.get("fields", "")
    return plain_keys(fields) if fields else None


def _refuse_locked(rule: Rule, context: RequestContext) -> None:
    if rule is None and not context.is_superuser:
        raise ForbiddenError(NOT_SUPERUSER)


def _answered(result: object) -> Answer:
    """What a request hook left of the answer: one that skipped the operation and wrote nothing gives an empty 200."""
    return web.Response() if result is None else result


def _most_bytes(field: Field) -> int:
    default = _SIZED_TYPES.get(field.type)
    if default is None:
        return 0
    size = getattr(field, "max_size", 0) or default
    return int(size) * (max(int(getattr(field, "max_select", 0)), 1) if field.type == "file" else 1)
