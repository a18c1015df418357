"""Multipart bodies: text parts to form pairs, file parts to uploads in memory or in temp files."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from aiohttp import BodyPartReader, MultipartReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from pbhost.errors import BadRequestError, PayloadTooLargeError
from pbhost.http.forms import Pair
from pbhost.model import UploadedFile

#: Above this a file part lives in a temp file.
MEMORY_LIMIT: Final = 16 * 1024 * 1024
TEXT_LIMIT: Final = 26 * 1024 * 1024
MAX_PARTS: Final = 1000
_CHUNK: Final = 256 * 1024
_PARAMETER: Final = re.compile(r';\s*([A-Za-z0-9_-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;"]*)')
_ESCAPED: Final = re.compile(r'\\(["\\])')


@dataclass(slots=True)
class Multipart:
    """A decoded multipart body: text fields in order, uploads by part name in order."""

    pairs: list[Pair] = field(default_factory=list)
    uploads: list[tuple[str, UploadedFile]] = field(default_factory=list)

    def close(self) -> None:
        """Releases the temp files."""
        for _, upload in self.uploads:
            upload.close()


async def read_multipart(request: web.Request, limit: int) -> Multipart:
    """Reads a multipart body.

    Args:
        request: whose body was not read yet.
        limit: the greatest number of bytes of the body, 0 for none.

    Raises:
        BadRequestError: it is not multipart, or has too many parts or too much text.
        PayloadTooLargeError: more than ``limit`` bytes.
    """
    result = Multipart()
    text_size = parts = 0
    memory = MEMORY_LIMIT
    try:
        reader = MultipartReader(request.headers, request.content)
        while (part := await reader.next()) is not None:
            parts += 1
            if parts > MAX_PARTS:
                raise BadRequestError(cause=f"more than {MAX_PARTS} multipart parts")
            if not isinstance(part, BodyPartReader):
                raise BadRequestError(cause="nested multipart")
            name, filename = _disposition(part)
            if not name:
                await _drain(part, request, limit)
            elif filename:
                upload = await _read_file(part, filename, request, limit, memory)
                result.uploads.append((name, upload))
                memory = max(0, memory - upload.size)
            else:
                text = await _read_text(part, request, limit, TEXT_LIMIT - text_size)
                text_size += len(text) + len(name)
                result.pairs.append((name, text.decode("utf-8", "replace")))
    except (ValueError, LookupError, RuntimeError, EOFError, HttpProcessingError) as error:
        result.close()
        raise BadRequestError(cause=f"malformed multipart body: {type(error).__name__}") from error
    except BaseException:
        result.close()
        raise
    return result


def _disposition(part: BodyPartReader) -> tuple[str, str]:
    """Name and file name of a part, "" for what it has not.

    aiohttp takes a quoted name with more than one semicolon for a malformed header, which would lose the file.
    """
    header = part.headers.get(hdrs.CONTENT_DISPOSITION, "")
    if "*" in header:
        return part.name or "", part.filename or ""
    found = {key.lower(): _unquoted(value.strip()) for key, value in reversed(_PARAMETER.findall(header))}
    return found.get("name", ""), found.get("filename", "")


def _unquoted(value: str) -> str:
    if len(value) < 2 or not value.startswith('"'):
        return value
    # Other backslashes stay: some clients send whole Windows paths.
    return _ESCAPED.sub(r"\1", value[1:-1])


def _check(request: web.Request, limit: int) -> None:
    if limit and request.content.total_bytes > limit:
        raise PayloadTooLargeError


async def _drain(part: BodyPartReader, request: web.Request, limit: int) -> None:
    while await part.read_chunk(_CHUNK):
        _check(request, limit)


async def _read_text(part: BodyPartReader, request: web.Request, limit: int, room: int) -> bytearray:
    text = bytearray()
    while chunk := await part.read_chunk(_CHUNK):
        _check(request, limit)
        text += chunk
        if len(text) > room:
            raise BadRequestError(cause=f"more than {TEXT_LIMIT} bytes of multipart text")
    return text


async def _read_file(
    part: BodyPartReader, filename: str, request: web.Request, limit: int, memory: int
) -> UploadedFile:
    name = base_name(filename)
    content = bytearray()
    while chunk := await part.read_chunk(_CHUNK):
        _check(request, limit)
        content += chunk
        if len(content) > memory:
            return await _spool(part, request, limit, name, content)
    return UploadedFile.from_bytes(bytes(content), name)


async def _spool(part: BodyPartReader, request: web.Request, limit: int, name: str, content: bytearray) -> UploadedFile:
    descriptor, path = tempfile.mkstemp(prefix="pbhost-upload-")
    size = 0
    try:
        with os.fdopen(descriptor, "wb") as file:
            while content:
                await asyncio.to_thread(file.write, content)
                size += len(content)
                content = bytearray()
                while len(content) < 4 * _CHUNK and (chunk := await part.read_chunk(_CHUNK)):
                    _check(request, limit)
                    content += chunk
    except BaseException:
        _unlink(path)
        raise
    return UploadedFile(original_name=name, size=size, open=_opener(path), close=lambda: _unlink(path))


def _opener(path: str) -> Callable[[], BinaryIO]:
    return lambda: Path(path).open("rb") if path else BytesIO()


def _unlink(path: str) -> None:
    Path(path).unlink(missing_ok=True)


def base_name(name: str) -> str:
    """The last part of a client's file name; some clients send whole paths. A backslash stays part of the name."""
    return name.rstrip("/").rpartition("/")[2].replace("\x00", "")
