"""One log entry, and how a handled request becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from pbhost.errors import JSON
from pbhost.services import RequestLogEntry

DEBUG, INFO, WARN, ERROR = -4, 0, 4, 8

_MAX_URL = 3000
_MAX_HEADER = 2000
#: A message is the decoded URL, and extension code may log anything; neither may fill the disk by one entry.
_MAX_MESSAGE = 3000 + 20
_MAX_DETAILS = 20_000


class LogEntry(NamedTuple):
    """What is stored in ``_logs``; ``created`` is the stored date form."""

    level: int
    message: str
    created: str
    data: Mapping[str, JSON]


def request_entry(request: RequestLogEntry, created: str, *, with_ip: bool, with_auth_id: bool) -> LogEntry:
    """The entry of a handled request; the two flags are the settings ``logIP`` and ``logAuthId``."""
    failed = bool(request.error)
    data: dict[str, JSON] = {
        "auth": request.auth_collection,
        "execTime": int(request.seconds * 1_000_000_000 + 0.5) / 1_000_000,
        "method": request.method,
        "referer": shorten(request.referer, _MAX_HEADER),
        "status": request.status,
        "type": "request",
        "url": shorten(request.url, _MAX_URL),
        "userAgent": shorten(request.user_agent, _MAX_HEADER),
    }
    if with_auth_id:
        data["authId"] = request.auth_id
    if with_ip:
        data["userIP"] = request.ip
        data["remoteIP"] = request.remote_ip
    if request.meta is not None:
        data["meta"] = request.meta
    if failed:
        data["error"] = request.error
        details = request.details
        data["details"] = shorten(details, _MAX_DETAILS) if isinstance(details, str) else details
    message = f"{request.method} {decoded_url(request.url)}"
    return LogEntry(ERROR if failed else INFO, shorten(message, _MAX_MESSAGE), created, data)


def decoded_url(url: str) -> str:
    """The percent-decoded URL; one with malformed escapes or bytes that are no text stays as it was sent."""
    if "%" not in url:
        return url
    try:
        return unquote_to_bytes(url[: 3 * _MAX_URL]).decode()
    except UnicodeDecodeError:
        return url


def shorten(text: str, limit: int) -> str:
    """``text`` cut to ``limit`` characters with ``...`` after it when it is longer."""
    return text if len(text) <= limit else text[:limit] + "..."
