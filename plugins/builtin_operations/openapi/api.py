"""``GET /api/openapi.json`` and the page that shows it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from pbhost.errors import ForbiddenError, NotFoundError
from pbhost.http import Route, context_of, dumps, routes_of

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.model import Collection

_DIRECTORY: Final = Path(__file__).parent / "page"
_TYPES: Final = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def routes(app: App) -> list[Route]:
    """The routes; none if the description is switched off."""
    audience = app.options("operations").get("openapi", "superusers")
    if audience == "off":
        return []
    handlers = _Handlers(app, is_public=audience == "public")
    return [
        Route("GET", "/api/openapi.json", handlers.document, summary="This description, as OpenAPI 3.1"),
        Route("GET", "/api/docs", handlers.index, log_success=False, summary="A page that shows this description"),
        Route("GET", "/api/docs/{file}", handlers.file, log_success=False, summary="Files of that page"),
    ]


class _Handlers:
    def __init__(self, app: App, *, is_public: bool) -> None:
        self._app = app
        self._is_public = is_public
        #: By audience: what it was made from, and the encoded document.
        self._known: dict[bool, tuple[tuple[int, tuple[int, ...]], bytes]] = {}

    async def document(self, request: web.Request) -> object:
        is_superuser = context_of(request).is_superuser
        if not is_superuser and not self._is_public:
            raise ForbiddenError("Only superusers can see the description of the server.")
        found = routes_of(request)
        state = (self._app.collections.generation, tuple(map(id, found)))
        known = self._known.get(is_superuser)
        if known is None or known[0] != state:
            collections = list(self._app.collections.all())
            encoded = await asyncio.to_thread(_encoded, found, collections, is_superuser=is_superuser)
            known = self._known[is_superuser] = (state, encoded)
        return known[1]

    async def index(self, _request: web.Request) -> web.StreamResponse:
        return await _file("index.html")

    async def file(self, request: web.Request) -> web.StreamResponse:
        return await _file(request.match_info["file"])


def _encoded(found: list[Route], collections: list[Collection], *, is_superuser: bool) -> bytes:
    from builtin_operations.openapi.document import Document

    return dumps(Document(found, collections, is_superuser=is_superuser).build())


async def _file(name: str) -> web.StreamResponse:
    if name not in ("index.html", "page.js", "page.css"):
        raise NotFoundError("File not found.")
    body = await asyncio.to_thread((_DIRECTORY / name).read_bytes)
    headers = {
        hdrs.CONTENT_TYPE: f"{_TYPES[Path(name).suffix]}; charset=utf-8",
        hdrs.CACHE_CONTROL: "no-cache",
        "Content-Security-Policy": _POLICY,
    }
    return web.Response(body=body, headers=headers)
