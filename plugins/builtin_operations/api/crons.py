"""``/api/crons``: the scheduled jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from pbhost.http import Route

if TYPE_CHECKING:
    from builtin_operations.service import Operations


def routes(operations: Operations) -> list[Route]:
    """List, and run now."""

    async def list_jobs(_request: web.Request) -> object:
        return [{"id": job.id, "expression": job.expression} for job in operations.app.cron.jobs()]

    async def run_job(request: web.Request) -> object:
        await operations.app.cron.run(request.match_info["id"])
        return None

    return [
        Route("GET", "/api/crons", list_jobs, guard="superuser", summary="The scheduled jobs"),
        Route("POST", "/api/crons/{id}", run_job, guard="superuser", summary="Run a job in the background"),
    ]
