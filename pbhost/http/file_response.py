"""A file of the disk as an answer: type, ranges and 304 as aiohttp does them, compressed where it pays."""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web

_TEXT_TYPES: Final = frozenset({"application/javascript", "application/xml"})
_COMPRESSED_TYPES: Final = _TEXT_TYPES | {"application/json", "image/svg+xml", "application/wasm"}
#: Smaller files fit into one packet anyway; larger ones are not worth the memory of the cache.
_SMALLEST: Final = 1024
_LARGEST: Final = 2 * 1024 * 1024
_CACHED_BYTES: Final = 16 * 1024 * 1024


class _GzipCache:
    """Compressed files by path, time and size; the least recently used go first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._size = 0

    def get(self, path: Path, modified: int, size: int) -> bytes:
        """The compressed content; runs in a thread, so two requests may both compress a new file."""
        key = (str(path), modified, size)
        found = self._entries.get(key)
        if found is None:
            found = gzip.compress(path.read_bytes(), compresslevel=6, mtime=0)
            self._entries[key] = found
            self._size += len(found)
            while self._size > _CACHED_BYTES and len(self._entries) > 1:
                _, dropped = self._entries.popitem(last=False)
                self._size -= len(dropped)
        return found


_cache = _GzipCache()


async def file_response(
    request: web.Request, path: Path, headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    """Answers with an existing file.

    Args:
        headers: further ones; a ``Content-Type`` here is taken instead of the detected one.
    """
    found = await asyncio.to_thread(content_type_of, path)
    own = {hdrs.CONTENT_TYPE: found, **(headers or {})}
    kind = own[hdrs.CONTENT_TYPE].partition(";")[0]
    is_plain = not any(
        name in request.headers for name in (hdrs.RANGE, hdrs.IF_MODIFIED_SINCE, hdrs.IF_NONE_MATCH, hdrs.IF_RANGE)
    )
    if kind.startswith("text/") or kind in _COMPRESSED_TYPES:
        own[hdrs.VARY] = "Accept-Encoding"
        if is_plain and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            state = await asyncio.to_thread(path.stat)
            if _SMALLEST <= state.st_size <= _LARGEST:
                body = await asyncio.to_thread(_cache.get, path, state.st_mtime_ns, state.st_size)
                response = web.Response(body=body, headers=own | {hdrs.CONTENT_ENCODING: "gzip"})
                response.last_modified = state.st_mtime
                return response
    return web.FileResponse(path, headers=own)


def content_type_of(path: Path) -> str:
    """By extension; looked at when that says nothing. Text types name their charset."""
    guessed, encoding = mimetypes.guess_type(path.name)
    if encoding is not None:
        guessed = {"gzip": "application/gzip"}.get(encoding, "application/octet-stream")
    if guessed is None:
        with path.open("rb") as file:
            guessed = _sniff(file.read(512))
    return f"{guessed}; charset=utf-8" if guessed.startswith("text/") or guessed in _TEXT_TYPES else guessed


def _sniff(start: bytes) -> str:
    if b"\x00" in start:
        return "application/octet-stream"
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "text/html"
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut by the end of the sample is no sign of binary data.
        if error.start < len(start) - 3:
            return "application/octet-stream"
    return "text/plain"
