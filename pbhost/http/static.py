"""The files of ``pb_public`` at ``/``. Source: operations contract, section 18.3."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aiohttp import hdrs, web

from pbhost.errors import NotFoundError
from pbhost.http.file_response import file_response
from pbhost.http.trie import decode_segment
from pbhost.http.types import Route

if TYPE_CHECKING:
    from pbhost.config import Config

Found = Path | Literal["add slash", "remove slash", "missing"]


def static_routes(config: Config) -> list[Route]:
    """The catch-all of GET; it also gets unknown paths below ``/api/``."""
    files = StaticFiles(config.public_dir, index_fallback=config.index_fallback)
    return [Route("GET", "/{path...}", files.handle, log_success=False, summary="Static files")]


class StaticFiles:
    """Files of one directory; nothing outside of it is ever sent, whatever links point to.

    Args:
        root: the directory; it may be missing.
        index_fallback: answer an unknown path with the root's ``index.html``, for applications that route in the
            browser.
    """

    def __init__(self, root: Path, *, index_fallback: bool) -> None:
        self._root = root
        self._index_fallback = index_fallback

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers with a file, a redirect or 404."""
        path = request.match_info.get("path", "")
        raw = request.rel_url.raw_path
        if path.endswith("/index.html") or path == "index.html":
            return _moved(request, raw[: -len("index.html")])
        found = await asyncio.to_thread(self._find, path)
        if found == "add slash":
            return _moved(request, raw + "/")
        if found == "remove slash":
            return _moved(request, raw.rstrip("/"))
        if found == "missing":
            raise NotFoundError("File not found.")
        return await file_response(request, found)

    def _find(self, path: str) -> Found:
        root = self._root.resolve()
        parts = [part for part in path.split("/") if part]
        if "\x00" not in path and not any(part in ("..", ".") or "\\" in part for part in parts):
            target = root.joinpath(*parts).resolve()
            if target == root or root in target.parents:
                is_slashed = path.endswith("/") or not path
                if target.is_dir():
                    if not is_slashed:
                        return "add slash"
                    if (target / "index.html").is_file():
                        return target / "index.html"
                elif target.is_file():
                    return "remove slash" if is_slashed else target
        index = root / "index.html"
        return index if self._index_fallback and index.is_file() else "missing"


def _moved(request: web.Request, target: str) -> web.Response:
    # A location that starts with two slashes or a backslash would be another host to a browser.
    location = "/" + target.lstrip("/\\")
    if decode_segment(location[1:2]) == "\\" or location.lower().startswith(("/%5c", "/%2f")):
        location = "/"
    query = request.rel_url.raw_query_string
    return web.Response(status=301, headers={hdrs.LOCATION: f"{location}?{query}" if query else location})
