"""The redirect that ends the browser's part of an OAuth2 sign-in, and what the dashboard asks about providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from builtin_auth.api.requests import load
from builtin_auth.forms import Form
from builtin_auth.service import AuthService
from pbhost.errors import JSON, BadRequestError
from pbhost.http import Route, context_of
from pbhost.model import RequestContext

if TYPE_CHECKING:
    from pbhost.app import App

TOPIC = "@oauth2"
_PAGE = "../_/#/auth/oauth2-redirect-"
_DONE = "Auth completed. You can close this window and go back to the app."
_FAILED = "Failed to authenticate. You can close this window and go back to the app to try again."


class OAuth2Endpoints:
    """Handlers that belong to no collection."""

    def __init__(self, app: App, auth: AuthService) -> None:
        self._app = app
        self._auth = auth

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("GET", "/api/oauth2-redirect", self.redirect, log_success=False),
            Route("POST", "/api/oauth2-redirect", self.redirect, log_success=False),
            Route("GET", "/api/collections/meta/oauth2-providers", self.providers, guard="superuser"),
        ]

    async def redirect(self, request: web.Request) -> web.Response:
        """Hand the code to the realtime client whose id is the state, then send the browser to a closing page."""
        context = context_of(request)
        is_post = context.method == "POST"
        try:
            values = Form(await load(request)) if is_post else Form(context.derive(body=dict(context.query)))
            state, code, error = (values.text(key) for key in ("state", "code", "error"))
            user = values.text("user") if is_post else ""
        except BadRequestError:
            return self._answer(is_post, success=False)
        if user and code and not error:
            await self._auth.apple_names.keep(code, user)
        delivered = await self._deliver(state, code, error, context)
        if user and not delivered:
            await self._auth.apple_names.take(code)
        return self._answer(is_post, success=delivered and bool(code) and not error)

    async def _deliver(self, state: str, code: str, error: str, context: RequestContext) -> bool:
        if not state or not self._app.has("realtime"):
            return False
        data: dict[str, JSON] = {"state": state, "code": code}
        if error:
            data["error"] = error
        return await self._app.realtime.deliver_once(state, TOPIC, data, ip=context.ip)

    def _answer(self, is_post: bool, *, success: bool) -> web.Response:
        if self._app.plugins.get("dashboard") is not None:
            location = _PAGE + ("success" if success else "failure")
            return web.Response(status=303 if is_post else 307, headers={"Location": location})
        if success:
            return web.Response(text=_DONE, content_type="text/html")
        return web.Response(text=_FAILED, content_type="text/plain")

    async def providers(self, request: web.Request) -> object:
        """The known providers in the order in which the dashboard lists them."""
        known = sorted(self._auth.oauth2_providers().values(), key=lambda item: (item.order, item.name))
        return [{"name": item.name, "displayName": item.display_name, "logo": item.logo} for item in known]
