"""``/_/``: the interface, its extensions, and the headers of both."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from aiohttp import hdrs, web

from builtin_dashboard.assets import Asset, Assets, content_type_of
from builtin_dashboard.extensions import Extensions
from pbhost.errors import NotFoundError
from pbhost.http import Route
from pbhost.services import DashboardExtension

if TYPE_CHECKING:
    from pbhost.app import App

#: Source: operations contract, section 18.2.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' http://127.0.0.1:* https://tile.openstreetmap.org data: blob:; "
    "connect-src 'self' http://127.0.0.1:* https://nominatim.openstreetmap.org; "
    "script-src 'self' http://127.0.0.1:*; frame-ancestors 'none'"
)
CACHE_CONTROL = "max-age=1209600, stale-while-revalidate=86400"


def routes(app: App) -> list[Route]:
    """All routes of the interface; successful requests to them are not logged."""
    dashboard = _Dashboard(app)
    return [
        Route("GET", "/_", dashboard.redirect, log_success=False, summary="Leads to the dashboard"),
        Route("GET", "/_/{path...}", dashboard.file, log_success=False, summary="The dashboard"),
        Route("GET", "/_/extensions.js", dashboard.script, log_success=False, summary="Scripts of extensions"),
        Route(
            "GET", "/_/extensions/{name}/{path...}", dashboard.extension, log_success=False, summary="Extension files"
        ),
    ]


class _Dashboard:
    def __init__(self, app: App) -> None:
        self._app = app
        self._assets: Assets | None = None
        self._extensions = Extensions(
            [cast(DashboardExtension, item) for item in app.collect("register_dashboard_extensions")]
        )

    async def redirect(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={hdrs.LOCATION: "/_/"})

    async def file(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info.get("path", "")
        assets = self._assets
        if assets is None or self._app.config.dev:
            # In development the files are read anew, so that a change is seen at once.
            assets = self._assets = await asyncio.to_thread(Assets)
        asset = assets.find(path)
        if asset is None:
            raise NotFoundError("File not found.")
        headers = self._headers(cached=bool(path) and assets.is_versioned(path))
        return _answer(request, asset, headers)

    async def script(self, _request: web.Request) -> web.StreamResponse:
        text = await asyncio.to_thread(self._extensions.script)
        headers = self._headers(cached=False) | {hdrs.CONTENT_TYPE: "text/javascript"}
        return web.Response(body=text.encode(), headers=headers)

    async def extension(self, request: web.Request) -> web.StreamResponse:
        name, path = request.match_info["name"], request.match_info.get("path", "")
        found = await asyncio.to_thread(self._extensions.file, name, path)
        if found is None:
            raise NotFoundError("File not found.")
        headers = self._headers(cached=True) | {hdrs.CONTENT_TYPE: content_type_of(found.name)}
        return web.FileResponse(found, headers=headers)

    def _headers(self, *, cached: bool) -> dict[str, str]:
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        if not self._app.config.dev:
            # What has no version in its address is asked for each time, and answered by 304 while it is the same.
            headers[hdrs.CACHE_CONTROL] = CACHE_CONTROL if cached else "no-cache"
        return headers


def _answer(request: web.Request, asset: Asset, headers: dict[str, str]) -> web.StreamResponse:
    headers |= {hdrs.ETAG: asset.etag, hdrs.VARY: "Accept-Encoding"}
    if request.headers.get(hdrs.IF_NONE_MATCH) == asset.etag:
        return web.Response(status=304, headers=headers)
    headers[hdrs.CONTENT_TYPE] = asset.content_type
    if asset.compressed is not None and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        return web.Response(body=asset.compressed, headers=headers)
    return web.Response(body=asset.content, headers=headers)
