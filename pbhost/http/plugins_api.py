"""``GET /api/plugins``: what is loaded, for superusers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from pbhost.http.types import Route

if TYPE_CHECKING:
    from pbhost.app import App


def plugins_route(app: App) -> Route:
    """The route; times are those of the worker that answers."""

    async def handler(_request: web.Request) -> object:
        return {"plugins": app.plugins.describe(app.hooks)}

    return Route("GET", "/api/plugins", handler, guard="superuser", summary="The loaded plugins, their hooks and times")
