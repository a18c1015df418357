"""View and list, each as one function for a reader's thread: rule, rows, total, expand, the bytes of the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pbhost.database import Connection, Row
from pbhost.errors import BadRequestError, DatabaseError
from pbhost.model import Collection, Record, RequestContext
from pbhost.services import Page

from ..api.paging import Paging, read_paging
from .codec import dumps
from .core import Core
from .cursor import rows_after
from .expand import parse_expand

_KEY = re.compile(r"\w+", re.ASCII)
#: How :func:`page_bytes` begins when a page is empty.
NO_ITEMS = b'{"items":[],'


@dataclass(frozen=True, slots=True)
class ListRequest:
    """The parameters of a list (records.md 5.1)."""

    paging: Paging
    filter: str = ""
    sort: str = ""
    expand: str = ""
    #: None for pages by number, "" for the first page of a list by cursors.
    cursor: str | None = None

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> ListRequest:
        """From the query parameters; empty ones count as absent.

        Raises:
            BadRequestError: a number or boolean is none.
        """
        return cls(
            paging=read_paging(query),
            filter=query.get("filter", ""),
            sort=query.get("sort", ""),
            expand=query.get("expand", ""),
            cursor=query.get("cursor"),
        )


@lru_cache(maxsize=512)
def plain_keys(fields: str) -> frozenset[str] | None:
    """The keys that a ``fields`` expression keeps, if it names nothing but keys: the usual case, which is answered
    without building and parsing the whole JSON first. None for any other expression."""
    keys = [key.strip() for key in fields.split(",")]
    return frozenset(keys) if all(map(_KEY.fullmatch, keys)) else None


class Reading:
    """Answers to view and list requests; ``keys`` are those of a record that are wanted, None for all."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def view(
        self,
        connection: Connection,
        collection: Collection,
        id_: str,
        context: RequestContext,
        *,
        expand: str = "",
        keys: frozenset[str] | None = None,
    ) -> bytes | None:
        """The answer with one record; None if there is none that the caller may view."""
        core = self._core
        row = core.queries.row_under_rule(connection, collection, id_, collection.view_rule, context)
        if row is None:
            return None
        codec, reveal = core.codecs.of(collection), context.is_superuser
        if (reveal or codec.is_same_for_all) and not expand and keys is None:
            return codec.json(row, reveal=reveal)
        found = core.answers.objects(connection, collection, (row,), context, parse_expand(expand))[0]
        return dumps(found if keys is None else _narrowed(found, keys))

    def view_record(
        self,
        connection: Connection,
        collection: Collection,
        id_: str,
        context: RequestContext,
        *,
        expand: str = "",
    ) -> Record | None:
        """The same as a Record object."""
        core = self._core
        row = core.queries.row_under_rule(connection, collection, id_, collection.view_rule, context)
        if row is None:
            return None
        return core.answers.records(connection, collection, (row,), context, parse_expand(expand))[0]

    def page(
        self,
        connection: Connection,
        collection: Collection,
        request: ListRequest,
        context: RequestContext,
        *,
        keys: frozenset[str] | None = None,
    ) -> bytes:
        """The answer with a page of records.

        Raises:
            ForbiddenError: the client uses what only superusers may.
            BadRequestError: filter or sort cannot be evaluated.
        """
        rows, total, cursor = self._rows(connection, collection, request, context)
        paging = request.paging
        items = self._core.answers.objects(connection, collection, rows, context, parse_expand(request.expand))
        if keys is not None:
            items = [_narrowed(item, keys) for item in items]
        return page_bytes(items, paging.page, paging.per_page, total, paging.total_pages(total), next_cursor=cursor)

    def page_of_records(
        self, connection: Connection, collection: Collection, request: ListRequest, context: RequestContext
    ) -> Page:
        """The same as Record objects."""
        rows, total, cursor = self._rows(connection, collection, request, context)
        paging = request.paging
        records = self._core.answers.records(connection, collection, rows, context, parse_expand(request.expand))
        return Page(records, paging.page, paging.per_page, total, paging.total_pages(total), cursor)

    def _rows(
        self, connection: Connection, collection: Collection, request: ListRequest, context: RequestContext
    ) -> tuple[list[Row], int, str | None]:
        """The rows of a page, the total (-1 if not counted), and the cursor of the next page if pages have cursors."""
        core = self._core
        query = core.queries.search(
            collection,
            context,
            filter=request.filter,
            sort=request.sort,
            rule=collection.list_rule,
            as_client=True,
        )
        names, paging = core.codecs.of(collection).names, request.paging
        try:
            if request.cursor is not None:
                after = core.cursors.decode(request.cursor, collection, request.filter, request.sort)
                found, end = rows_after(connection, query, core.codecs.of(collection), after, paging.per_page)
                following = "" if end is None else core.cursors.encode(end, collection, request.filter, request.sort)
                return found, -1, following

            def fetch(by_sets: bool) -> list[Row]:
                sql = query.select(names, limit=paging.per_page, offset=paging.offset, by_sets=by_sets)
                if core.repeatable.is_repeatable(query, sql):
                    return connection.fetch_repeatable(sql)
                return connection.fetch_all(sql)

            rows = core.sizes.best(connection, query, fetch, counting=False)
            if paging.skip_total:
                return rows, -1, None
            # A page that is not full is the last one: its end is the total. (Ids of views may repeat.)
            if not collection.is_view and (0 < len(rows) < paging.per_page or (not rows and paging.page == 1)):
                return rows, paging.offset + len(rows), None
            return rows, core.totals.count(connection, query), None
        except DatabaseError as error:
            raise BadRequestError(cause=str(error)) from error


def _narrowed(record: Mapping[str, object], keys: frozenset[str]) -> dict[str, object]:
    return {key: value for key, value in record.items() if key in keys}


def page_bytes(
    items: object, page: int, per_page: int, total_items: int, total_pages: int, *, next_cursor: str | None = None
) -> bytes:
    """The JSON text of a page; with ``nextCursor`` if pages have cursors, "" on the last one."""
    out = {"items": items, "page": page, "perPage": per_page, "totalItems": total_items, "totalPages": total_pages}
    return dumps(out if next_cursor is None else {**out, "nextCursor": next_cursor})
