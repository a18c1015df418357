"""The HTTP API of collections, for superusers (operations.md 8.3, 9, 10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from aiohttp import web

from pbhost.errors import (
    JSON,
    ApiError,
    BadRequestError,
    DatabaseError,
    ErrorTree,
    FieldError,
    NotFoundError,
    ValidationError,
)
from pbhost.hooks.events import (
    CollectionRequestEvent,
    CollectionsImportRequestEvent,
    CollectionsListRequestEvent,
    RequestEvent,
)
from pbhost.http import Answer, Route, app_of, context_of, read_body
from pbhost.model import BodyValue, Collection, OptionTypeError
from pbhost.validation import check as first_error
from pbhost.validation import length, required

from ..collections.listing import CollectionsList
from ..collections.service import CollectionsService
from ..viewquery import InvalidViewQuery
from .paging import read_paging

if TYPE_CHECKING:
    from pbhost.app import App

E = TypeVar("E", bound=RequestEvent)

_PREFIX = "/api/collections"
_MAX_QUERY = 5000
_BAD_DATA = "Failed to load the submitted data due to invalid formatting."
_UNREADABLE = "An error occurred while loading the submitted data."
_INVALID_DATA = "An error occurred while validating the submitted data."


def collection_routes(app: App, service: CollectionsService) -> list[Route]:
    """The routes of this API."""
    api = _CollectionsApi(service)
    return [
        _route("GET", "", api.list, "List collections"),
        _route("POST", "", api.create, "Create a collection"),
        _route("PUT", "/import", api.import_all, "Import collections"),
        _route("GET", "/meta/scaffolds", api.scaffolds, "Defaults of new collections"),
        _route("POST", "/meta/dry-run-view", api.dry_run_view, "Try a view query"),
        _route("GET", "/{collection}", api.view, "View a collection"),
        _route("PATCH", "/{collection}", api.update, "Update a collection"),
        _route("DELETE", "/{collection}", api.delete, "Delete a collection"),
        _route("DELETE", "/{collection}/truncate", api.truncate, "Delete all records of a collection"),
    ]


def _route(method: str, path: str, handler: Callable[[web.Request], Awaitable[Answer]], summary: str) -> Route:
    return Route(method, _PREFIX + path, handler, guard="superuser", summary=summary)


class _CollectionsApi:
    """The handlers."""

    def __init__(self, service: CollectionsService) -> None:
        self._service = service
        self._list: CollectionsList | None = None

    # -- reading -----------------------------------------------------------------------------------------------------

    async def list(self, request: web.Request) -> Answer:
        app, context = app_of(request), context_of(request)
        paging = read_paging(context.query)
        if self._list is None:
            self._list = CollectionsList(app, self._service)
        found, total = await self._list.page(paging, context)
        event = CollectionsListRequestEvent(
            app=app,
            context=context,
            request=request,
            collections=found,
            page=paging.page,
            per_page=paging.per_page,
            total_items=total,
            total_pages=paging.total_pages(total),
        )

        async def operation() -> Answer:
            return {
                "items": [self._service.public_json(item) for item in event.collections],
                "page": event.page,
                "perPage": event.per_page,
                "totalItems": event.total_items,
                "totalPages": event.total_pages,
            }

        return await _hooked("on_collections_list_request", event, operation)

    async def view(self, request: web.Request) -> Answer:
        event = self._event(request, self._find(request))

        async def operation() -> Answer:
            return self._service.public_json(event.collection)

        return await _hooked("on_collection_view_request", event, operation)

    async def scaffolds(self, request: web.Request) -> Answer:
        return {name: self._scaffold(name) for name in sorted(self._service.types)}

    def _scaffold(self, type_: str) -> dict[str, JSON]:
        return self._service.public_json(self._service.scaffold(type_))

    # -- writing -----------------------------------------------------------------------------------------------------

    async def create(self, request: web.Request) -> Answer:
        try:
            body = await read_body(request)
        except ApiError as error:
            raise _renamed(error, "Failed to load the collection type data due to invalid formatting.") from error
        type_ = body.get("type")
        is_known = isinstance(type_, str) and type_ in self._service.types
        collection = self._service.scaffold(str(type_) if is_known else "base")
        self._merge(collection, body)
        event = self._event(request, collection)

        async def operation() -> Answer:
            saved = await _named("create", self._service.save(event.collection, context=event.context))
            return self._service.public_json(saved)

        return await _hooked("on_collection_create_request", event, operation)

    async def update(self, request: web.Request) -> Answer:
        collection = self._find(request).copy()
        try:
            body = await read_body(request)
        except ApiError as error:
            raise _renamed(error, _BAD_DATA) from error
        self._merge(collection, body)
        event = self._event(request, collection)

        async def operation() -> Answer:
            saved = await _named("update", self._service.save(event.collection, context=event.context))
            return self._service.public_json(saved)

        return await _hooked("on_collection_update_request", event, operation)

    async def delete(self, request: web.Request) -> Answer:
        event = self._event(request, self._find(request))

        async def operation() -> Answer:
            try:
                await self._service.delete(event.collection, context=event.context)
            except DatabaseError as error:
                raise BadRequestError("Failed to delete collection.", cause=str(error)) from error
            return None

        return await _hooked("on_collection_delete_request", event, operation)

    async def truncate(self, request: web.Request) -> Answer:
        collection = self._find(request)
        if collection.is_view:
            raise BadRequestError("View collections cannot be truncated since they don't store their own records.")
        try:
            await self._service.truncate(collection, context=context_of(request))
        except (ApiError, DatabaseError) as error:
            raise BadRequestError(
                "Failed to truncate collection (most likely due to required cascade delete record references).",
                cause=str(error),
            ) from error
        return None

    async def import_all(self, request: web.Request) -> Answer:
        try:
            body = await read_body(request)
        except ApiError as error:
            raise _renamed(error, _UNREADABLE) from error
        entries, delete_missing = _import_body(body)
        event = CollectionsImportRequestEvent(
            app=app_of(request),
            context=context_of(request),
            request=request,
            collections_data=entries,
            delete_missing=delete_missing,
        )
        empty = first_error(event.collections_data, required)
        if empty is not None:
            raise BadRequestError(_INVALID_DATA, {"collections": empty})

        async def operation() -> Answer:
            try:
                await self._service.import_all(
                    event.collections_data, delete_missing=event.delete_missing, context=event.context
                )
            except OptionTypeError as error:
                raise _import_failed(str(error)) from error
            return None

        return await _hooked("on_collections_import_request", event, operation)

    async def dry_run_view(self, request: web.Request) -> Answer:
        try:
            body = await read_body(request)
        except ApiError as error:
            raise _renamed(error, _UNREADABLE) from error
        query = body.get("query")
        if query is not None and not isinstance(query, str):
            raise BadRequestError(_UNREADABLE)
        invalid = first_error(query or "", required, length(1, _MAX_QUERY))
        if invalid is not None:
            raise BadRequestError(_INVALID_DATA, {"query": invalid})
        try:
            collection, sample = await self._service.inspect_view(query or "")
        except (InvalidViewQuery, DatabaseError) as error:
            raise BadRequestError(f"Invalid view query. Raw error: \n{error}") from error
        return {"fields": [field.encode() for field in collection.fields], "sample": sample}

    # -- shared ------------------------------------------------------------------------------------------------------

    def _find(self, request: web.Request) -> Collection:
        found = self._service.find(request.match_info["collection"])
        if found is None:
            raise NotFoundError()
        return found

    def _event(self, request: web.Request, collection: Collection) -> CollectionRequestEvent:
        return CollectionRequestEvent(
            app=app_of(request), context=context_of(request), request=request, collection=collection
        )

    def _merge(self, collection: Collection, body: Mapping[str, BodyValue]) -> None:
        try:
            self._service.merge(collection, cast("Mapping[str, JSON]", body))
        except OptionTypeError as error:
            raise BadRequestError(_BAD_DATA, cause=str(error)) from error


def _import_body(body: Mapping[str, BodyValue]) -> tuple[list[dict[str, JSON]], bool]:
    entries, delete_missing = body.get("collections"), body.get("deleteMissing")
    is_list = entries is None or (isinstance(entries, list) and all(isinstance(item, dict) for item in entries))
    if not is_list or not isinstance(delete_missing, bool | None):
        raise BadRequestError(_UNREADABLE)
    return cast("list[dict[str, JSON]]", entries or []), delete_missing is True


async def _hooked(hook: str, event: E, operation: Callable[[], Awaitable[Answer]]) -> Answer:
    """Runs an operation inside a request hook; an answer that a hook made itself goes before."""
    chain = event.app.hooks.chain(hook)
    if chain is None:
        return await operation()

    async def unless_answered() -> Answer:
        return event.response if event.response is not None else await operation()

    return await chain.run(event, unless_answered)


async def _named(action: str, saving: Awaitable[Collection]) -> Collection:
    """A failed save under the message of its action; for superusers the database's reason is part of it."""
    message = f"Failed to {action} collection."
    try:
        return await saving
    except ValidationError as error:
        raise error.named(message) from error
    except DatabaseError as error:
        raise BadRequestError(f"{message} Raw error: \n{error}", cause=str(error)) from error


def _renamed(error: ApiError, message: str) -> ApiError:
    """A body that cannot be read, under the message of the route; too large stays too large."""
    return BadRequestError(message, cause=error.cause or error.message) if error.status == 400 else error


def _import_failed(reason: str) -> BadRequestError:
    data: ErrorTree = {
        "collections": FieldError(
            "validation_collections_import_failure",
            f"Failed to import the collections configuration. Raw error:\n{reason}",
        )
    }
    return BadRequestError("Failed to import collections.", data)
