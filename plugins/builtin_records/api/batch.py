"""``POST /api/batch``: several writes in one transaction (records.md 14)."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import unquote_plus

import orjson
from aiohttp import web

from pbhost.database import AsyncTransaction, Transaction
from pbhost.errors import (
    JSON,
    ApiError,
    BadRequestError,
    DatabaseBusyError,
    DatabaseError,
    ErrorTree,
    FieldError,
    ForbiddenError,
    InternalError,
    NotFoundError,
    PayloadTooLargeError,
    TooManyRequestsError,
)
from pbhost.hooks.events import BatchItem, BatchRequestEvent
from pbhost.http import Answer, FieldsError, Route, context_of, pick, read_body
from pbhost.model import BodyValue, Collection, RequestContext, UploadedFile
from pbhost.validation import check as first_error
from pbhost.validation import length, one_of, required

from ..records import RecordsService
from ..records.actions import Action, Asked, Create, Delete, Outcome, Update
from ..records.aftermath import Aftermath
from ..records.codec import dumps
from ..records.faults import UNSUPPORTED_TYPE

if TYPE_CHECKING:
    from pbhost.app import App

log = logging.getLogger("pbhost.records")

_NOT_ALLOWED = "Batch requests are not allowed."
_UNREADABLE = "Failed to read the submitted batch data."
_INVALID = "Invalid batch request data."
_FAILED = "Batch transaction failed."
_ITEM_FAILED = "Batch request failed."
_MISSING_COLLECTION = "Missing collection context."

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_MAX_URL = 2000
_DEFAULT_MAX_REQUESTS = 50
_DEFAULT_TIMEOUT = 3.0
_DEFAULT_BODY_LIMIT = 128 << 20

_RECORDS = re.compile(r"/api/collections/([^/?]+)/records")
_RECORD = re.compile(r"/api/collections/([^/?]+)/records/([^/?]+)")
_FILE_PART = re.compile(r"requests(?:\.(\d{1,6})\.|\[(\d{1,6})\]\.)(.+)", re.DOTALL)
_NOT_WORD = re.compile(r"[^a-z0-9]+")

_Kind: TypeAlias = Literal["create", "update", "delete", "upsert"]


def batch_routes(app: App, service: RecordsService) -> list[Route]:
    """The route of this API."""
    api = BatchApi(app, service)
    return [
        Route("POST", "/api/batch", api.run, body_limit=api.body_limit, summary="Run several writes in one transaction")
    ]


@dataclass(frozen=True, slots=True)
class _Limits:
    """The settings of batches."""

    enabled: bool
    max_requests: int
    timeout: float
    max_body_size: int


class _ItemFailed(Exception):
    """One item failed, and so does everything."""

    def __init__(self, index: int, error: ApiError) -> None:
        self.index = index
        self.error = error
        super().__init__(f"item {index}: {error}")


class BatchApi:
    """The handler."""

    def __init__(self, app: App, service: RecordsService) -> None:
        self._app = app
        self._service = service

    def body_limit(self, request: web.Request) -> int:
        """Bytes of a batch; none is read if batches are not allowed."""
        limits = self._limits()
        return limits.max_body_size if limits.enabled else 0

    async def run(self, request: web.Request) -> Answer:
        """Runs all items, or none of them."""
        limits = self._limits()
        if not limits.enabled:
            raise ForbiddenError(_NOT_ALLOWED)
        try:
            items = _read_items(await read_body(request))
        except PayloadTooLargeError:
            raise
        except (BadRequestError, ValueError) as error:
            raise BadRequestError(_UNREADABLE, cause=str(error)) from error
        errors = _check_items(items, limits.max_requests)
        if errors:
            raise BadRequestError(_INVALID, {"requests": errors})
        context = context_of(request)
        event = BatchRequestEvent(app=self._app, context=context, request=request, batch=items)

        async def operation() -> Answer:
            return await self._transaction(event.batch, context, limits.timeout)

        chain = self._app.hooks.chain("on_batch_request")
        if chain is None:
            return await operation()
        result: object = await chain.run(event, operation)
        if event.response is not None:
            return event.response
        return web.Response() if result is None else result

    async def _transaction(self, items: Sequence[BatchItem], context: RequestContext, timeout: float) -> bytes:
        aftermath = Aftermath(self._app)
        run = _Run(self._app, self._service, context, aftermath)
        try:
            body = await self._app.db.write(lambda tx: run.all(tx, items), exclusive=True, timeout=timeout)
        except _ItemFailed as failed:
            response: dict[str, JSON] = {
                "code": "batch_request_failed",
                "message": _ITEM_FAILED,
                "response": failed.error.to_json(),
            }
            raise BadRequestError(
                _FAILED, raw={"requests": {str(failed.index): response}}, cause=str(failed)
            ) from failed
        except DatabaseBusyError as error:
            raise BadRequestError(_FAILED, cause=str(error)) from error
        finally:
            await aftermath.wait()
        return body

    def _limits(self) -> _Limits:
        section = self._app.settings.section("batch")
        most = _number(section.get("maxRequests"), _DEFAULT_MAX_REQUESTS)
        timeout = _number(section.get("timeout"), _DEFAULT_TIMEOUT)
        size = _number(section.get("maxBodySize"), 0)
        return _Limits(
            enabled=section.get("enabled") is True and most > 0,
            max_requests=int(most),
            timeout=timeout if timeout > 0 else _DEFAULT_TIMEOUT,
            max_body_size=int(size) if size > 0 else _DEFAULT_BODY_LIMIT,
        )


class _Run:
    """The execution of one batch, in the thread of its transaction."""

    def __init__(self, app: App, service: RecordsService, context: RequestContext, aftermath: Aftermath) -> None:
        self._app = app
        self._service = service
        self._context = context
        self._aftermath = aftermath

    def all(self, tx: Transaction, items: Sequence[BatchItem]) -> bytes:
        """Runs the items in order; returns the answer.

        Raises:
            _ItemFailed: with the error of the first one that fails.
        """
        results: list[dict[str, object]] = []
        for index, item in enumerate(items):
            try:
                results.append(self._one(tx, item, is_first=index == 0))
            except ApiError as error:
                raise _ItemFailed(index, error) from error
            except DatabaseBusyError:
                raise
            except DatabaseError as error:
                raise _ItemFailed(index, BadRequestError(cause=str(error))) from error
            except Exception as error:
                log.error("item %d of a batch failed", index, exc_info=error)
                raise _ItemFailed(index, InternalError(cause=str(error))) from error
        return dumps(results)

    def _one(self, tx: Transaction, item: BatchItem, *, is_first: bool) -> dict[str, object]:
        found = _match(item)
        if found is None:
            # The target runs the first item before it has a response to write the failure to.
            raise BadRequestError() if is_first else InternalError()
        kind, name, id_ = found
        collection = self._app.collections.find(name)
        if collection is None:
            raise NotFoundError(_MISSING_COLLECTION)
        if collection.is_view:
            raise BadRequestError(UNSUPPORTED_TYPE)
        if kind == "upsert":
            wanted = item.body.get("id")
            id_ = wanted if isinstance(wanted, str) else ""
            exists = bool(id_) and self._service.core.queries.row(tx, collection, id_) is not None
            kind = "update" if exists else "create"
        context = self._item_context(item, kind, collection, id_)
        self._limit(kind, collection, context)
        action = self._action(kind, collection, id_, context)
        action.refuse_locked()
        outcome = self._perform(tx, action)
        return {"body": self._body(tx, action, outcome, context), "status": outcome.status}

    def _action(self, kind: _Kind, collection: Collection, id_: str, context: RequestContext) -> Action:
        asked = Asked(self._service.core, collection, context, self._aftermath)
        match kind:
            case "create":
                return Create(asked)
            case "update":
                return Update(asked, id_)
            case _:
                return Delete(asked, id_)

    @staticmethod
    def _perform(tx: Transaction, action: Action) -> Outcome:
        if not action.needs_loop:
            return action.whole(tx)
        action.look(tx)

        async def around(inner: AsyncTransaction) -> Outcome:
            return await action.around(inner.run)

        return tx.run_async(around)

    def _body(self, tx: Transaction, action: Action, outcome: Outcome, context: RequestContext) -> object:
        """The body of an item's answer as it is now, before later items change anything."""
        body = outcome.body
        if outcome.response is not None:
            own = outcome.response.body if isinstance(outcome.response, web.Response) else None
            body = own if isinstance(own, bytes) else b""
        elif outcome.record is not None:
            self._service.core.answers.run_enrich_hooks_in(tx, [outcome.record], action.context)
            body = dumps(outcome.record.to_json())
        if not body:
            return None
        expression = context.query.get("fields", "")
        if not expression:
            return orjson.Fragment(body)
        try:
            return pick(orjson.loads(body), expression)
        except FieldsError as error:
            raise BadRequestError(cause=str(error)) from error

    def _item_context(self, item: BatchItem, kind: _Kind, collection: Collection, id_: str) -> RequestContext:
        outer = self._context
        path, _, query = item.url.partition("?")
        headers = {**outer.headers}
        for key, value in item.headers.items():
            name = _NOT_WORD.sub("_", key.lower())
            if name != "authorization":
                headers[name] = value
        return RequestContext(
            method={"create": "POST", "update": "PATCH"}.get(kind, item.method),
            path=f"{path}/{id_}" if item.method == "PUT" and kind == "update" else path,
            query=_query(query),
            headers=headers,
            body=item.body,
            auth=outer.auth,
            token=outer.token,
            context="batch",
            ip=outer.ip,
            remote_ip=outer.remote_ip,
            extra={**outer.extra},
        )

    def _limit(self, kind: _Kind, collection: Collection, context: RequestContext) -> None:
        if not self._app.has("rate_limiter"):
            return
        path = "/api/collections/{collection}/records" + ("" if kind == "create" else "/{id}")
        labels = [f"{collection.name}:{kind}", f"*:{kind}", f"{context.method} {context.path}", context.path]
        bucket = f"{collection.id} {context.method} {path} {kind}"
        if not self._app.rate_limiter.allow(labels, bucket, context):
            raise TooManyRequestsError


def _match(item: BatchItem) -> tuple[_Kind, str, str] | None:
    """What an item does, to which collection and record; None if it is no action."""
    path = item.url.partition("?")[0]
    many, one = _RECORDS.fullmatch(path), _RECORD.fullmatch(path)
    match item.method:
        case "POST" if many:
            return "create", many[1], ""
        case "PUT" if many:
            return "upsert", many[1], ""
        case "PATCH" if one:
            return "update", one[1], one[2]
        case "DELETE" if one:
            return "delete", one[1], one[2]
        case _:
            return None


def _read_items(body: Mapping[str, BodyValue]) -> list[BatchItem]:
    """The items of a body with their uploads.

    Raises:
        ValueError: something is not of the form of a batch.
    """
    requests = body.get("requests")
    if requests is None:
        return []
    if not isinstance(requests, list):
        raise ValueError("requests is not a list")
    items = [_read_item(item) for item in requests]
    for key, value in body.items():
        found = _FILE_PART.fullmatch(key)
        if found is None:
            continue
        uploads = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, UploadedFile)]
        index = int(found[1] or found[2])
        if uploads and index < len(items):
            _add_uploads(items[index], found[3], uploads)
    return items


def _read_item(item: object) -> BatchItem:
    if not isinstance(item, Mapping):
        raise ValueError("an item is not an object")
    method, url, headers, body = (item.get(key) for key in ("method", "url", "headers", "body"))
    headers = {} if headers is None else headers
    body = {} if body is None else body
    if not isinstance(headers, Mapping) or not isinstance(body, Mapping):
        raise ValueError("headers or body of an item is not an object")
    if not isinstance(method, str | None) or not isinstance(url, str | None):
        raise ValueError("method or url of an item is not a string")
    if not all(isinstance(value, str) for value in headers.values()):
        raise ValueError("a header of an item is not a string")
    return BatchItem(method=method or "", url=url or "", headers=dict(headers), body=dict(body))


def _add_uploads(item: BatchItem, name: str, uploads: list[UploadedFile]) -> None:
    present = item.body.get(name)
    if present is None or present == "":
        value: list[JSON | UploadedFile] = [*uploads]
    else:
        value = [*(present if isinstance(present, list) else [present]), *uploads]
    item.body = {**item.body, name: value}


def _check_items(items: Sequence[BatchItem], most: int) -> FieldError | ErrorTree | None:
    error = first_error(items, required, length(0, most))
    if error is not None:
        return error
    errors: dict[str, FieldError | ErrorTree] = {}
    for index, item in enumerate(items):
        own: dict[str, FieldError | ErrorTree] = {}
        method = first_error(item.method, required, one_of(_METHODS))
        url = first_error(item.url, required, length(0, _MAX_URL))
        if method is not None:
            own["method"] = method
        if url is not None:
            own["url"] = url
        if own:
            errors[str(index)] = own
    return errors or None


def _query(text: str) -> dict[str, str]:
    """The first value of each query parameter."""
    out: dict[str, str] = {}
    for pair in text.split("&"):
        if pair and ";" not in pair:
            key, _, value = pair.partition("=")
            out.setdefault(unquote_plus(key), unquote_plus(value))
    return out


def _number(value: JSON, default: float) -> float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else default
