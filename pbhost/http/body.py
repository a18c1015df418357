"""``read_body``: the decoded body of a request, whatever its content type. Source: records contract, section 3."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import ClientPayloadError, hdrs, web

from pbhost.errors import JSON, BadRequestError, PayloadTooLargeError
from pbhost.http.forms import form_body, json_object, parse_pairs
from pbhost.http.types import DEFAULT_BODY_LIMIT, context_of
from pbhost.http.uploads import Multipart, read_multipart
from pbhost.model import BodyValue, UploadedFile

READ_TIMEOUT: Final = 300.0

BODY: Final = web.RequestKey("pbhost_body", dict)
BODY_LIMIT: Final = web.RequestKey("pbhost_body_limit", int)
_MULTIPART_TYPE: Final = "multipart/form-data"
MULTIPART: Final = web.RequestKey("pbhost_multipart", Multipart)


async def read_body(request: web.Request) -> Mapping[str, BodyValue]:
    """The body as a mapping; also put into the context. Repeated calls give the same object.

    Form values are inferred and joined with the query parameters, ``@jsonPayload`` is merged, uploads stand under
    their part names after the text values of the same key.

    Raises:
        BadRequestError: malformed, or a content type that is not supported.
        PayloadTooLargeError: more bytes than the route admits.
    """
    done: dict[str, BodyValue] | None = request.get(BODY)
    if done is not None:
        return done
    body = await _decode(request)
    request[BODY] = body
    context_of(request).body = body
    return body


async def read_raw(request: web.Request, limit: int | None = None) -> bytes:
    """The bytes of the body.

    Args:
        limit: the greatest size; None for the route's limit, 0 for no limit.

    Raises:
        PayloadTooLargeError: more than that.
        BadRequestError: the client broke off, sent broken chunks, or took longer than five minutes.
    """
    if limit is None:
        limit = request.get(BODY_LIMIT, DEFAULT_BODY_LIMIT)
    content = request.content
    data = bytearray()
    try:
        if content.is_eof():
            # All of it came with the head, as small bodies do: there is nothing to wait for.
            whole = content.read_nowait()
            if limit and len(whole) > limit:
                raise PayloadTooLargeError
            return whole
        async with asyncio.timeout(READ_TIMEOUT):
            while chunk := await content.readany():
                data += chunk
                if limit and len(data) > limit:
                    raise PayloadTooLargeError
    except (TimeoutError, ClientPayloadError, web.RequestPayloadError) as error:
        raise BadRequestError(cause=f"the body could not be read: {type(error).__name__}") from error
    return bytes(data)


def has_body(request: web.Request) -> bool:
    """Whether a body comes with the request. One that is said to have no bytes has none."""
    return request.body_exists


def is_multipart(request: web.Request) -> bool:
    """Whether the body is said to be a multipart one: only such leave something to be closed."""
    return request.body_exists and request.headers.get(hdrs.CONTENT_TYPE, "").startswith(_MULTIPART_TYPE)


async def _decode(request: web.Request) -> dict[str, BodyValue]:
    if not has_body(request):
        return {}
    content_type = request.headers.get(hdrs.CONTENT_TYPE, "")
    if content_type.startswith("application/json"):
        return {**json_object(await read_raw(request))}
    if content_type.startswith(_MULTIPART_TYPE):
        return await _decode_multipart(request)
    if content_type.startswith("application/x-www-form-urlencoded"):
        pairs = parse_pairs(await read_raw(request)) + _query_pairs(request)
        return {**form_body(pairs)}
    if content_type.startswith(("text/xml", "application/xml")):
        raise BadRequestError(cause="XML cannot fill a body")
    raise BadRequestError("Unsupported Content-Type.")


async def _decode_multipart(request: web.Request) -> dict[str, BodyValue]:
    limit = request.get(BODY_LIMIT, DEFAULT_BODY_LIMIT)
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            decoded = await read_multipart(request, limit)
    except (TimeoutError, ClientPayloadError, web.RequestPayloadError) as error:
        raise BadRequestError(cause=f"the body could not be read: {type(error).__name__}") from error
    # The pipeline closes it when the request is over.
    request[MULTIPART] = decoded
    body: dict[str, BodyValue] = {**form_body(_query_pairs(request) + decoded.pairs)}
    for name, upload in decoded.uploads:
        body[name] = _with_upload(body.get(name), upload)
    return body


def _with_upload(value: BodyValue, upload: UploadedFile) -> BodyValue:
    if value is None or value == "":
        return upload
    items: list[JSON | UploadedFile] = list(value) if isinstance(value, list) else [value]
    return [*items, upload]


def _query_pairs(request: web.Request) -> list[tuple[str, str]]:
    return [(key, value) for key, value in request.query.items()]
