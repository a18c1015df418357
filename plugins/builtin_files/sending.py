"""Sends a stored file: whole or in ranges, from memory where it is small, never blocking the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import BinaryIO, cast

from aiohttp import web

from builtin_files.headers import file_headers
from builtin_files.ranges import Answer, Slice, decide
from builtin_files.storage import Fetching, is_fetching
from pbhost.http import OMITTED_HEADERS
from pbhost.services import FileAttributes, Storage

#: Files up to this size are read at once and sent with the head; what each slow client may hold in memory.
SMALL = 256 * 1024

#: Files may be shown in frames of other sites; what they can do there is bounded by their security policy.
_FRAMEABLE = frozenset(["X-Frame-Options"])


async def send(
    request: web.Request,
    storage: Storage,
    key: str,
    name: str,
    *,
    force_attachment: bool = False,
    preset: Mapping[str, str] | None = None,
    redirect_seconds: int = 0,
) -> web.StreamResponse:
    """The answer to a GET or HEAD of a stored file.

    Args:
        key: what is sent; name: what the client is told it is called.
        force_attachment: let the browser save it whatever it is.
        preset: headers that take the place of the usual ones.
        redirect_seconds: if not 0, send the client to the storage itself, where that has URLs valid for so long.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the storage cannot be reached.
    """
    if redirect_seconds and request.method == "GET":
        answer_elsewhere = await _redirect(storage, key, name, force_attachment, redirect_seconds)
        if answer_elsewhere is not None:
            return answer_elsewhere
    limit = 0 if request.method == "HEAD" else SMALL
    attributes, content = await _fetch(storage, key, limit)
    request[OMITTED_HEADERS] = _FRAMEABLE
    headers = {
        **file_headers(attributes.content_type, key, name, force_attachment=force_attachment),
        **(preset or {}),
    }
    modified = attributes.modified.timestamp()
    answer = decide(request.method, request.headers, attributes.size, modified, headers["Content-Type"])
    for dropped in answer.drop:
        headers.pop(dropped, None)
    headers.update({key: value for key, value in answer.headers.items() if key not in (preset or {})})
    if request.method == "HEAD" or not any(isinstance(part, Slice) for part in answer.parts):
        return _without_file(answer, headers, is_head=request.method == "HEAD")
    if content is not None:
        headers.pop("Content-Length", None)
        return web.Response(status=answer.status, headers=headers, body=_joined(answer, content))
    return await _stream(request, storage, key, answer, headers)


async def _redirect(storage: Storage, key: str, name: str, force_attachment: bool, seconds: int) -> web.Response | None:
    """To a URL of the storage; None where it has none."""
    if storage.local_path(key) is not None:
        return None
    stored = (await storage.attributes(key)).content_type
    headers = file_headers(stored, key, name, force_attachment=force_attachment)
    url = await storage.presigned_url(
        key,
        seconds=seconds,
        content_type=headers["Content-Type"],
        content_disposition=headers["Content-Disposition"],
    )
    if url is None:
        return None
    # Nobody may keep it: it ends soon, and whoever has it needs no token.
    kept_by_nobody = {"Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(status=302, headers=kept_by_nobody)


async def _fetch(storage: Storage, key: str, limit: int) -> tuple[FileAttributes, bytes | None]:
    if limit and is_fetching(type(storage)):
        return await cast(Fetching, storage).fetch(key, limit)
    return await storage.attributes(key), None


def _without_file(answer: Answer, headers: dict[str, str], *, is_head: bool) -> web.Response:
    body = None if is_head else b"".join(part for part in answer.parts if isinstance(part, bytes))
    if not is_head:
        headers.pop("Content-Length", None)
    return web.Response(status=answer.status, headers=headers, body=body)


def _joined(answer: Answer, content: bytes) -> bytes:
    pieces = [
        content[part.start : part.start + part.length] if isinstance(part, Slice) else part for part in answer.parts
    ]
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _stream(
    request: web.Request, storage: Storage, key: str, answer: Answer, headers: Mapping[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=headers)
    path = storage.local_path(key)
    file = await asyncio.to_thread(path.open, "rb") if path is not None else None
    try:
        await response.prepare(request)
        for part in answer.parts:
            if isinstance(part, bytes):
                await response.write(part)
                continue
            sent = None if file is None else await _sendfile(request, file, part)
            if sent is None:
                sent = 0
                async for chunk in storage.read(key, start=part.start, end=part.start + part.length):
                    await response.write(chunk)
                    sent += len(chunk)
            if sent != part.length:
                raise OSError("the file is shorter than it was")
        await response.write_eof()
    except OSError as error:
        if not response.prepared or isinstance(error, ConnectionError):
            raise
        # The head is gone already; only breaking off tells the client that the rest is missing.
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the file could not be read to its end") from error
    finally:
        if file is not None:
            file.close()
    return response


async def _sendfile(request: web.Request, file: BinaryIO, part: Slice) -> int | None:
    """Lets the kernel copy the file to the socket; returns how much, None where the event loop cannot (uvloop)."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client closed the connection")
    if part.length == 0:
        return 0
    loop = asyncio.get_running_loop()
    try:
        return await loop.sendfile(transport, file, part.start, part.length, fallback=False)
    except (NotImplementedError, asyncio.SendfileNotAvailableError):
        return None
