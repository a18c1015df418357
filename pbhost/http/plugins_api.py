"""``GET /api/plugins`` and ``GET /api/plugins/metrics``: what is loaded and what it costs, for superusers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from pbhost.http.types import Route, RouteSchema
from pbhost.plugins.description import metrics

if TYPE_CHECKING:
    from pbhost.app import App

_TEXT_FORMAT = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}


def plugin_routes(app: App) -> list[Route]:
    """The routes; the numbers are those of the worker that answers."""

    async def listed(_request: web.Request) -> object:
        return {"plugins": app.plugins.describe(app.hooks), "worker": app.config.worker}

    async def measured(_request: web.Request) -> object:
        return web.Response(text=metrics(app.plugins, app.hooks, app.config.worker), headers=_TEXT_FORMAT)

    return [
        Route("GET", "/api/plugins", listed, guard="superuser", summary="The loaded plugins, their hooks and times"),
        Route(
            "GET",
            "/api/plugins/metrics",
            measured,
            guard="superuser",
            summary="Calls, times and failures of hooks, for Prometheus",
            schema=RouteSchema(content_type="text/plain", answer={"type": "string"}),
        ),
    ]
