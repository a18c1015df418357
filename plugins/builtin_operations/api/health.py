"""``GET /api/health``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from pbhost.errors import JSON
from pbhost.http import Route, context_of

if TYPE_CHECKING:
    from builtin_operations.service import Operations

#: Headers of well-known proxies, reported to superusers as a hint that a proxy should be trusted.
_PROXY_HEADERS = ("CF-Connecting-IP", "Fly-Client-IP")
_GUEST_ANSWER = b'{"message":"API is healthy.","code":200,"data":{}}\n'


def routes(operations: Operations) -> list[Route]:
    """The health check."""

    async def health(request: web.Request) -> object:
        context = context_of(request)
        if not context.is_superuser:
            return _GUEST_ANSWER
        proxy = operations.app.settings.section("trustedProxy").get("headers")
        trusted = [name for name in proxy if isinstance(name, str)] if isinstance(proxy, list) else []
        found = next((name for name in (*trusted, *_PROXY_HEADERS) if request.headers.get(name)), "")
        data: dict[str, JSON] = {
            "canBackup": not operations.backups.is_busy,
            "possibleProxyHeader": found,
            "realIP": context.ip,
        }
        return {"message": "API is healthy.", "code": 200, "data": data}

    return [Route("GET", "/api/health", health, summary="Whether the server works")]
