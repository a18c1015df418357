"""``/api/logs``: list, one entry, totals per hour."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from builtin_operations.logs.store import COLUMNS, TABLE, LogStore
from pbhost.errors import BadRequestError, DatabaseError, NotFoundError
from pbhost.http import Route, context_of

if TYPE_CHECKING:
    from builtin_operations.service import Operations

_DEFAULT_PER_PAGE = 30
_MAX_PER_PAGE = 1000
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


def routes(operations: Operations) -> list[Route]:
    """The reading of the log. Successful requests to it are not logged: the log would be about itself."""

    async def list_entries(request: web.Request) -> object:
        query = context_of(request).query
        page = max(_integer(query, "page", 1), 1)
        per_page = _integer(query, "perPage", _DEFAULT_PER_PAGE)
        per_page = min(per_page, _MAX_PER_PAGE) if per_page > 0 else _DEFAULT_PER_PAGE
        count = query.get("skipTotal", "") not in ("1", "t", "T", "true", "TRUE", "True")
        matching = operations.app.records.table_query(
            TABLE, COLUMNS, filter=query.get("filter", ""), sort=query.get("sort", "")
        )
        # Beyond that no table reaches; a page number must not overflow the database's integers.
        offset = min((page - 1) * per_page, 2**62)
        try:
            found = await _store(operations).page(matching, limit=per_page, offset=offset, count=count)
        except DatabaseError as error:
            # What compiles may still be more than the database takes.
            raise BadRequestError(cause=str(error)) from error
        pages = -(-found.total // per_page) if count else -1
        return {
            "items": found.items,
            "page": page,
            "perPage": per_page,
            "totalItems": found.total,
            "totalPages": pages,
        }

    async def stats(request: web.Request) -> object:
        text = context_of(request).query.get("filter", "")
        try:
            matching = operations.app.records.table_query(TABLE, COLUMNS, filter=text)
            return await _store(operations).hourly_totals(matching)
        except BadRequestError as error:
            raise BadRequestError("Invalid filter format.", cause=error.cause) from error
        except DatabaseError as error:
            raise BadRequestError("Invalid filter format.", cause=str(error)) from error

    async def view(request: web.Request) -> object:
        entry = await _store(operations).find(request.match_info["id"])
        if entry is None:
            raise NotFoundError
        return entry

    return [
        Route("GET", "/api/logs", list_entries, guard="superuser", log_success=False, summary="Log entries"),
        Route("GET", "/api/logs/stats", stats, guard="superuser", log_success=False, summary="Log entries per hour"),
        Route("GET", "/api/logs/{id}", view, guard="superuser", log_success=False, summary="One log entry"),
    ]


def _store(operations: Operations) -> LogStore:
    store = operations.logs.store
    if store is None:
        raise NotFoundError
    return store


def _integer(query: Mapping[str, str], key: str, default: int) -> int:
    text = query.get(key, "")
    return int(text) if _INTEGER.fullmatch(text) else default
