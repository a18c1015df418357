"""The files of ``pb_public`` at ``/``. Source: operations contract, section 18.3."""

from __future__ import annotations

import asyncio
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from aiohttp import hdrs, web

from pbhost.errors import NotFoundError
from pbhost.http.trie import decode_segment
from pbhost.http.types import Route

if TYPE_CHECKING:
    from pbhost.config import Config

Found = Path | Literal["add slash", "remove slash", "missing"]

_TEXT_TYPES: Final = frozenset({"application/javascript", "application/json", "application/xml", "image/svg+xml"})


def static_routes(config: Config) -> list[Route]:
    """The catch-all of GET; it also gets unknown paths below ``/api/``."""
    files = StaticFiles(config.public_dir, index_fallback=config.index_fallback)
    return [Route("GET", "/{path...}", files.handle, log_success=False, summary="Static files")]


class StaticFiles:
    """Files of one directory; nothing outside of it is ever sent, whatever links point to.

    Args:
        root: the directory; it may be missing.
        index_fallback: answer an unknown path with the root's ``index.html``, for applications that route in the browser.
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
        content_type = await asyncio.to_thread(content_type_of, found)
        return web.FileResponse(found, headers={hdrs.CONTENT_TYPE: content_type})

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


def content_type_of(path: Path) -> str:
    """By extension; looked at when that says nothing. Text types name their charset."""
    guessed, encoding = mimetypes.guess_type(path.name)
    if encoding is not None:
        guessed = {"gzip": "application/gzip"}.get(encoding, "application/octet-stream")
    if guessed is None:
        with path.open("rb") as file:
            start = file.read(512)
        guessed = _sniff(start)
    if guessed.startswith("text/") or guessed in _TEXT_TYPES - {"application/json", "image/svg+xml"}:
        return f"{guessed}; charset=utf-8"
    return guessed


def _sniff(start: bytes) -> str:
    if b"\x00" in start:
        return "application/octet-stream"
    lowered = start.lstrip().lower()
    if lowered.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "text/html"
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut by the end of the sample is no sign of binary data.
        if error.start < len(start) - 3:
            return "application/octet-stream"
    return "text/plain"


def _moved(request: web.Request, target: str) -> web.Response:
    # A location that starts with two slashes or a backslash would be another host to a browser.
    location = "/" + target.lstrip("/\\")
    if decode_segment(location[1:2]) == "\\" or location.lower().startswith(("/%5c", "/%2f")):
        location = "/"
    query = request.rel_url.raw_query_string
    return web.Response(status=301, headers={hdrs.LOCATION: f"{location}?{query}" if query else location})
