"""Cross-origin answers: which origin may read a response, and what a preflight gets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

ALLOWED_METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE"


class Cors:
    """The CORS policy of a server.

    Args:
        origins: exact origins, ``*``, patterns with ``*`` and ``?``, or sub-domain patterns ``https://*.example.com``.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = tuple(origin.strip().rstrip("/") for origin in origins if origin.strip())
        self.allows_all = "*" in self._origins
        self._patterns = [_pattern(origin) for origin in self._origins if origin != "*"]
        # The same few origins come again and again; the bound keeps a hostile caller from growing it.
        self._match = lru_cache(maxsize=256)(self._match_patterns)

    def allowed_origin(self, origin: str) -> str:
        """The value of ``Access-Control-Allow-Origin`` for an ``Origin`` header, "" when it is not allowed."""
        if not origin:
            return ""
        if self.allows_all:
            return "*"
        return origin if len(origin) <= 253 + 16 and self._match(origin) else ""

    def headers(self, origin: str) -> dict[str, str]:
        """The headers of an ordinary response."""
        allowed = self.allowed_origin(origin)
        return {"Vary": "Origin", "Access-Control-Allow-Origin": allowed} if allowed else {"Vary": "Origin"}

    def preflight(self, origin: str, requested_headers: str) -> dict[str, str]:
        """The headers of the 204 that answers any ``OPTIONS``."""
        if not origin:
            return {"Vary": "Origin"}
        headers = {"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
        allowed = self.allowed_origin(origin)
        if allowed:
            headers["Access-Control-Allow-Origin"] = allowed
            headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
            if requested_headers:
                headers["Access-Control-Allow-Headers"] = requested_headers
        return headers

    def _match_patterns(self, origin: str) -> bool:
        return any(pattern.fullmatch(origin) for pattern in self._patterns)


def _pattern(origin: str) -> re.Pattern[str]:
    scheme, separator, host = origin.partition("://")
    if separator and host.startswith("*.") and "*" not in host[2:] and "?" not in host:
        # One or more labels below the domain, never the bare domain and never another host that ends alike.
        return re.compile(re.escape(scheme) + r"://(?:[A-Za-z0-9_-]+\.)+" + re.escape(host[2:]))
    return re.compile(re.escape(origin).replace(r"\*", ".*").replace(r"\?", "."))
