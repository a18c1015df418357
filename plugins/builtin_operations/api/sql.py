"""``POST /api/sql``: the SQL console."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from aiohttp import web

from builtin_operations.sql_console import SqlConsole, driver_error
from pbhost.errors import BadRequestError, DatabaseError
from pbhost.http import Route, read_body
from pbhost.validation import check, length, required

if TYPE_CHECKING:
    from builtin_operations.service import Operations


_MAX_QUERY = 5000


def routes(operations: Operations) -> list[Route]:
    """The console, for superusers only."""

    async def run(request: web.Request) -> object:
        body = await read_body(request)
        query = body.get("query")
        invalid = check(query, required, length(0, _MAX_QUERY))
        if invalid is not None:
            raise BadRequestError("An error occurred while validating the submitted data.", {"query": invalid})
        if not isinstance(query, str):
            raise BadRequestError("An error occurred while loading the submitted data.")
        begin = perf_counter()
        try:
            result = await SqlConsole(operations.app.db).run(query)
        except DatabaseError as error:
            raise BadRequestError(f"Failed to execute query. Raw error:\n{driver_error(error)}") from error
        return {
            "execTime": round((perf_counter() - begin) * 1000),
            "affectedRows": result.affected_rows,
            "columns": [{"name": name, "type": type_, "nullable": True} for name, type_ in result.columns],
            "rows": result.rows,
        }

    return [Route("POST", "/api/sql", run, guard="superuser", summary="Run SQL as it is")]
