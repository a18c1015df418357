"""``totp`` and ``totp/*``: the caller's own authenticator app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from builtin_auth.api.requests import load
from builtin_auth.api.sign_in import PREFIX
from builtin_auth.forms import Form, validate
from builtin_auth.service import AuthService
from pbhost.errors import UnauthorizedError
from pbhost.http import Guard, Route, context_of
from pbhost.model import Record
from pbhost.validation import check, length, required

if TYPE_CHECKING:
    from pbhost.app import App


class TotpEndpoints:
    """Enrolment, confirmation and removal; there is no way to read a secret back."""

    def __init__(self, app: App, auth: AuthService) -> None:
        self._app = app
        self._auth = auth

    def routes(self) -> list[Route]:
        """All routes, only for records of the collection."""
        own: Guard = "same_collection"
        return [
            Route("GET", f"{PREFIX}/totp", self.state, ("totp",), guard=own, summary="The own authenticator app"),
            Route("POST", f"{PREFIX}/totp/enrol", self.enrol, ("totp",), guard=own, summary="A new secret"),
            Route("POST", f"{PREFIX}/totp/confirm", self.confirm, ("totp",), guard=own, summary="Make it count"),
            Route("POST", f"{PREFIX}/totp/disable", self.disable, ("totp",), guard=own, summary="Forget the app"),
        ]

    async def state(self, request: web.Request) -> object:
        """Whether there is an app, and how many recovery codes are left."""
        enabled, left = await self._auth.totp.state(_caller(request))
        return {"enabled": enabled, "recoveryCodes": left}

    async def enrol(self, request: web.Request) -> object:
        """The secret, this once."""
        secret, url = await self._auth.totp.enrol(_caller(request))
        return {"secret": secret, "url": url}

    async def confirm(self, request: web.Request) -> object:
        """The recovery codes, this once."""
        return {"recoveryCodes": await self._auth.totp.confirm(_caller(request), await _code(request))}

    async def disable(self, request: web.Request) -> None:
        """Needs a code: a stolen token alone does not take the second factor away."""
        await self._auth.totp.disable(_caller(request), await _code(request))


def _caller(request: web.Request) -> Record:
    record = context_of(request).auth
    if record is None:
        raise UnauthorizedError("The request requires valid record authorization token.")
    return record


async def _code(request: web.Request) -> str:
    code = Form(await load(request)).text("code")
    validate({"code": check(code, required, length(1, 64))})
    return code
