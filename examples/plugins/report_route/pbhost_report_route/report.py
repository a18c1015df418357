"""The handler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Final

from aiohttp import web

from pbhost import App, Record, RequestContext, TooManyRequestsError
from pbhost.http import context_of
from pbhost_report_route.query import ReportQuery
from pbhost_report_route.table import Table

if TYPE_CHECKING:
    from pbhost.errors import JSON
    from pbhost.model import Collection

#: Records that are in memory at once; each batch is one short read, so a slow client holds no snapshot open.
_BATCH: Final = 500


class Reports:
    """Answers requests for reports of one application."""

    def __init__(self, app: App, options: Mapping[str, JSON]) -> None:
        self._app = app
        self._max_rows = int(str(options["max_rows"]))
        self._client_timeout = float(str(options["client_timeout"]))
        self._escape_formulas = options["escape_formulas"] is True
        self._places = asyncio.Semaphore(int(str(options["at_once"])))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Streams the report.

        Raises:
            NotFoundError: there is no such collection.
            ForbiddenError: the caller may not list it.
            BadRequestError: a parameter cannot be used; nothing was sent then.
            TooManyRequestsError: enough reports are being made.
        """
        context = context_of(request)
        collection = self._app.collections.get(request.match_info["collection"])
        query = ReportQuery.parse(context.query, collection, max_rows=self._max_rows, sees_hidden=context.is_superuser)
        if self._places.locked():
            raise TooManyRequestsError("Other reports are being made. Try again later.")
        async with self._places:
            return await self._stream(request, context, collection, query)

    async def _stream(
        self, request: web.Request, context: RequestContext, collection: Collection, query: ReportQuery
    ) -> web.StreamResponse:
        table = Table(query.columns, query.separator, escape_formulas=self._escape_formulas)
        batches = self._batches(context, collection, query)
        # The first rows are read before the head is sent: what is wrong with the query is still an error answer.
        first: list[Record] = await anext(batches, [])
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/csv; charset=utf-8; header=present",
                "Content-Disposition": f'attachment; filename="{collection.name}.csv"',
                "Cache-Control": "private, no-store",
            }
        )
        await response.prepare(request)
        if request.method == "HEAD":
            await response.write_eof()
            return response
        try:
            await self._send(response, table.head() + table.rows(first))
            async for batch in batches:
                await self._send(response, table.rows(batch))
            await response.write_eof()
        except BaseException:
            # Half a report must not look like a whole one.
            if request.transport is not None:
                request.transport.abort()
            raise
        return response

    async def _send(self, response: web.StreamResponse, data: bytes) -> None:
        async with asyncio.timeout(self._client_timeout):
            await response.write(data)

    async def _batches(
        self, context: RequestContext, collection: Collection, query: ReportQuery
    ) -> AsyncIterator[list[Record]]:
        """The records as their reader sees them, in the end all of them."""
        batch: list[Record] = []
        left = query.limit
        records = self._app.records.iterate(
            collection, query.filter, sort=query.sort, batch=min(_BATCH, left), as_=context, restricted=True
        )
        async for record in records:
            batch.append(record)
            left -= 1
            if len(batch) == _BATCH or not left:
                yield await self._shown(batch, context)
                batch = []
            if not left:
                return
        if batch:
            yield await self._shown(batch, context)

    async def _shown(self, batch: list[Record], context: RequestContext) -> list[Record]:
        await self._app.records.enrich(batch, context)
        return batch
