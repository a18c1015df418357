"""Conditional and range requests (RFC 9110) for a file that has a modification time but no entity tag.

A pure function decides: :func:`decide` takes the request's headers and the file's size and time and says what to send.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

_HTTP_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
_PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Slice:
    """``length`` bytes of the file from ``start``."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        # A slice of no bytes reads "size-(size-1)", as PocketBase sends it for a suffix of 0 bytes.
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send.

    Attributes:
        status: the HTTP status.
        headers: headers to set, over those of the file.
        drop: names of the file's headers that this answer must not have.
        parts: the body in order: pieces of the file and literal bytes.
        length: the body's length in bytes; None where the answer states none (304).
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    parts: tuple[Slice | bytes, ...] = ()
    length: int | None = None


class RangeError(ValueError):
    """The ``Range`` header cannot be satisfied; the text is the answer's body."""


class NoOverlapError(RangeError):
    """All ranges begin behind the end of the file."""


def decide(
    method: str, headers: Mapping[str, str], size: int, modified: float, content_type: str, *, boundary: str = ""
) -> Answer:
    """The answer to a GET or HEAD of a file.

    Args:
        method: the request's method.
        headers: the request's headers; the mapping must be case-insensitive or have the canonical spelling.
        size: the file's length in bytes.
        modified: its modification time in Unix seconds; 0 if unknown.
        content_type: what it would be served as (named in each part of a multipart answer).
        boundary: of a multipart answer; random if empty.
    """
    seconds = int(modified)
    dated = {"Last-Modified": http_date(seconds)} if seconds > 0 else {}
    precondition = _precondition(method, headers, seconds)
    if precondition == 412:
        return Answer(412, {**dated, "Content-Length": "0"}, length=0)
    if precondition == 304:
        return Answer(304, dated, drop=("Content-Type", "Content-Length"))

    range_header = headers.get("Range", "") if _range_applies(headers, seconds) else ""
    accepting = {**dated, "Accept-Ranges": "bytes"}
    try:
        slices = parse_range(range_header, size)
    except NoOverlapError as error:
        # Some clients ask for a range of everything; an empty file has none, and RFC 9110 allows to ignore the header.
        return _unsatisfiable(error, size) if size else _whole(accepting, size)
    except RangeError as error:
        return _unsatisfiable(error, size)
    if not slices or sum(item.length for item in slices) > size:
        return _whole(accepting, size)
    if len(slices) == 1:
        only = slices[0]
        return Answer(
            206,
            {**accepting, "Content-Range": only.content_range(size), "Content-Length": str(only.length)},
            parts=(only,),
            length=only.length,
        )
    return _multipart(accepting, slices, size, content_type, boundary or secrets.token_hex(30))


def parse_range(value: str, size: int) -> list[Slice]:
    """The slices that a ``Range`` header asks for; empty for none.

    Raises:
        NoOverlapError: nothing of it lies within the file.
        RangeError: malformed.
    """
    if not value:
        return []
    if not value.startswith("bytes="):
        raise RangeError("invalid range")
    slices: list[Slice] = []
    missed = False
    for item in value[len("bytes=") :].split(","):
        if not item.strip(" \t"):
            continue
        start_text, dash, end_text = (part.strip(" \t") for part in item.partition("-"))
        if not dash:
            raise RangeError("invalid range")
        if not start_text:
            length = min(_number(end_text), size)
            slices.append(Slice(size - length, length))
            continue
        start = _number(start_text)
        if start >= size:
            missed = True
            continue
        end = min(_number(end_text), size - 1) if end_text else size - 1
        if end_text and _number(end_text) < start:
            raise RangeError("invalid range")
        slices.append(Slice(start, end - start + 1))
    if missed and not slices:
        raise NoOverlapError("invalid range: failed to overlap")
    return slices


def http_date(seconds: int) -> str:
    """Unix seconds as an HTTP date."""
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


def parse_http_date(text: str) -> int | None:
    """Unix seconds of an HTTP date in any of the three forms of RFC 9110, or None."""
    for form in _HTTP_DATES if text else ():
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp())
        except (ValueError, OverflowError):
            continue
    return None


def _precondition(method: str, headers: Mapping[str, str], seconds: int) -> int | None:
    """The status that a conditional header forces, in the order of RFC 9110 §13.2.2. There are no entity tags, so
    a concrete tag never matches and only ``*`` does."""
    if_match = headers.get("If-Match", "")
    if if_match:
        if not _has_star(if_match):
            return 412
    else:
        since = parse_http_date(headers.get("If-Unmodified-Since", ""))
        if since is not None and 0 < since < seconds:
            return 412
    if_none_match = headers.get("If-None-Match", "")
    if if_none_match:
        if not _has_star(if_none_match):
            return None
        return 304 if method in ("GET", "HEAD") else 412
    if method in ("GET", "HEAD") and seconds > 0:
        since = parse_http_date(headers.get("If-Modified-Since", ""))
        if since is not None and seconds <= since:
            return 304
    return None


def _has_star(tags: str) -> bool:
    return any(tag.strip(" \t") == "*" for tag in tags.split(","))


def _range_applies(headers: Mapping[str, str], seconds: int) -> bool:
    if_range = headers.get("If-Range", "")
    return not if_range or (seconds > 0 and parse_http_date(if_range) == seconds)


def _whole(headers: Mapping[str, str], size: int) -> Answer:
    return Answer(200, {**headers, "Content-Length": str(size)}, parts=(Slice(0, size),), length=size)


def _unsatisfiable(error: RangeError, size: int) -> Answer:
    body = f"{error}\n".encode()
    headers = {"Content-Type": _PLAIN, "Content-Length": str(len(body))}
    if isinstance(error, NoOverlapError):
        headers["Content-Range"] = f"bytes */{size}"
    return Answer(416, headers, drop=("Cache-Control",), parts=(body,), length=len(body))


def _multipart(headers: Mapping[str, str], slices: list[Slice], size: int, content_type: str, boundary: str) -> Answer:
    parts: list[Slice | bytes] = []
    for index, item in enumerate(slices):
        lead = "" if index == 0 else "\r\n"
        head = f"Content-Range: {item.content_range(size)}\r\nContent-Type: {content_type}\r\n\r\n"
        parts += [f"{lead}--{boundary}\r\n{head}".encode(), item]
    parts.append(f"\r\n--{boundary}--\r\n".encode())
    length = sum(part.length if isinstance(part, Slice) else len(part) for part in parts)
    return Answer(
        206,
        {**headers, "Content-Type": f"multipart/byteranges; boundary={boundary}", "Content-Length": str(length)},
        parts=tuple(parts),
        length=length,
    )


def _number(text: str) -> int:
    # int() would also take signs, underscores and other scripts' digits, and very long texts cost quadratic time.
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise RangeError("invalid range")
    return int(text)
