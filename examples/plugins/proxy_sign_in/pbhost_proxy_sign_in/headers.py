"""The gate that identity headers pass: only the proxy's, only whole, and under one spelling.

A proxy overwrites ``X-Forwarded-User``, but passes on ``X_Forwarded_User`` of a client, which is the same name in rules
(``@request.headers.x_forwarded_user``) and for many servers. So every other spelling goes, whoever sends it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from aiohttp import web

from pbhost import RequestContext
from pbhost.http import context_of, without_headers
from pbhost.validation import valid_email
from pbhost_proxy_sign_in.options import Options

_IDENTITY: Final = "proxy_sign_in.identity"
_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")
_LONGEST: Final = 255


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the proxy says it is. The proxy answers for the e-mail, "" if it gave none; the name is only a name."""

    user: str
    email: str = ""
    name: str = ""


def identity_of(context: RequestContext) -> Identity | None:
    """Whom the proxy of this very request named, if it is the proxy's."""
    found = context.extra.get(_IDENTITY)
    return found if isinstance(found, Identity) else None


class HeaderGate:
    """A middleware."""

    def __init__(self, options: Options) -> None:
        self._options = options
        spelled = (options.user_header, options.email_header, options.name_header, options.secret_header)
        #: Name as rules have it → the one spelling that the proxy uses.
        self._guarded = {_plain(name): name.lower() for name in spelled}

    async def call(
        self, request: web.Request, following: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Drops what is not to be believed, notes whom the proxy named, and goes on."""
        found = [name for name in request.headers if _plain(name) in self._guarded]
        if not found:
            return await following(request)
        identity = self._identity(request, found)
        if identity is not None:
            context_of(request).extra[_IDENTITY] = identity
            found = [name for name in found if _plain(name) == _plain(self._options.secret_header)]
        return await following(without_headers(request, found))

    def _identity(self, request: web.Request, found: list[str]) -> Identity | None:
        options = self._options
        if not options.is_proxy(context_of(request).remote_ip):
            return None
        if any(name.lower() != self._guarded[_plain(name)] for name in found):
            return None  # a second spelling: nobody knows whose
        if options.secret and not hmac.compare_digest(
            _single(request, options.secret_header).encode("utf-8", "replace"), options.secret.encode()
        ):
            return None
        user = _single(request, options.user_header)
        if not user:
            return None
        email = _single(request, options.email_header)
        return Identity(user, email if valid_email(email) else "", _single(request, options.name_header))


def _single(request: web.Request, name: str) -> str:
    """The value of a header that is there once and is printable; "" otherwise."""
    values = request.headers.getall(name, [])
    value = values[0].strip() if len(values) == 1 else ""
    return value if value.isprintable() and len(value) <= _LONGEST else ""


@lru_cache(maxsize=1024)
def _plain(name: str) -> str:
    return _SEPARATORS.sub("_", name.lower()).strip("_")
