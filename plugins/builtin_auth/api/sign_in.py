"""``auth-methods``, ``auth-with-*``, ``request-otp``, ``auth-refresh`` and ``impersonate``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from builtin_auth.api.requests import auth_collection, load
from builtin_auth.forms import Form, validate
from builtin_auth.jwt_codec import InvalidToken, decode_payload
from builtin_auth.methods.otp import OtpMethod
from builtin_auth.service import AuthService
from pbhost.errors import JSON, ForbiddenError, NotFoundError, UnauthorizedError
from pbhost.hooks.events import RecordAuthRefreshRequestEvent
from pbhost.http import Route, context_of
from pbhost.model import Record
from pbhost.validation import check, minimum

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.services import AuthMethod

PREFIX = "/api/collections/{collection}"
_LABELS = {"oauth2": "OAuth2", "otp": "OTP"}
_TAGS = {"password": "authWithPassword", "oauth2": "authWithOAuth2", "otp": "authWithOTP"}


class SignIn:
    """Handlers that end in an auth answer."""

    def __init__(self, app: App, auth: AuthService, methods: Sequence[AuthMethod]) -> None:
        self._app = app
        self._auth = auth
        # A later registration of the same name replaces the earlier one.
        self._methods = {method.name: method for method in methods}

    def routes(self) -> list[Route]:
        """One route per registered method, and the fixed ones."""
        out = [
            Route("GET", f"{PREFIX}/auth-methods", self.methods, ("listAuthMethods",), summary="Ways to sign in"),
            Route(
                "POST",
                f"{PREFIX}/auth-refresh",
                self.refresh,
                ("authRefresh",),
                guard="same_collection",
                summary="A new token for the caller",
            ),
            Route(
                "POST",
                f"{PREFIX}/impersonate/{{id}}",
                self.impersonate,
                guard="superuser",
                summary="A token of another record, for superusers",
            ),
        ]
        for name, method in self._methods.items():
            tag = _TAGS.get(name, f"authWith{name[:1].upper()}{name[1:]}")
            handler = self._handler(method)
            out.append(Route("POST", f"{PREFIX}/auth-with-{name}", handler, (tag, "auth"), summary=f"Sign in: {name}"))
            if isinstance(method, OtpMethod):
                request_otp = self._otp_request(method)
                out.append(Route("POST", f"{PREFIX}/request-otp", request_otp, ("requestOTP",), summary="Mail a code"))
        return out

    def _handler(self, method: AuthMethod) -> Callable[[web.Request], Awaitable[object]]:
        async def authenticate(request: web.Request) -> object:
            collection = auth_collection(self._app, request)
            if not method.is_enabled(collection):
                raise ForbiddenError(_disabled(method.name))
            return await method.authenticate(collection, await load(request))

        return authenticate

    def _otp_request(self, method: OtpMethod) -> Callable[[web.Request], Awaitable[object]]:
        async def request_otp(request: web.Request) -> object:
            collection = auth_collection(self._app, request)
            if not method.is_enabled(collection):
                raise ForbiddenError(_disabled(method.name))
            return await method.request(collection, await load(request))

        return request_otp

    async def methods(self, request: web.Request) -> object:
        """What a client needs to know to offer the ways to sign in."""
        collection = auth_collection(self._app, request)
        options = self._auth.options(collection)
        answer: dict[str, JSON] = {
            "mfa": {"enabled": options.mfa_enabled, "duration": options.mfa_duration if options.mfa_enabled else 0},
        }
        for method in self._methods.values():
            info = method.public_info(collection)
            if info is not None:
                answer[info[0]] = info[1]
        return {**answer, **_legacy(answer)}

    async def refresh(self, request: web.Request) -> object:
        """A new token; a static one is returned as it is, so that it cannot be extended."""
        context = context_of(request)
        record = context.auth
        if record is None:
            raise UnauthorizedError("The request requires valid record authorization token.")
        # The guard of the route has made sure that it is the collection of the path.
        collection = record.collection
        chain = self._app.hooks.chain("on_record_auth_refresh_request", collection.tags)
        if chain is None:
            return await self._refreshed(request, record)
        event = RecordAuthRefreshRequestEvent(
            app=self._app, context=context, request=request, collection=collection, record=record
        )
        return await chain.run(event, lambda: self._refreshed(request, event.record))

    async def _refreshed(self, request: web.Request, record: Record) -> dict[str, object]:
        context = context_of(request)
        refreshable = self._auth.identities.is_refreshable(context.token)
        if refreshable is None:
            refreshable = _is_refreshable(context.token)
        token = "" if refreshable else context.token
        return await self._app.auth.respond(record, context, token=token)

    async def impersonate(self, request: web.Request) -> object:
        """A static token of another record."""
        collection = self._app.collections.find(request.match_info["collection"])
        if collection is None or not collection.is_auth:
            raise NotFoundError("Missing or invalid auth collection context.")
        record = await self._app.records.get(collection, request.match_info["id"])
        context = await load(request, name_unsupported=False)
        duration = Form(context).integer("duration")
        validate({"duration": check(duration, minimum(0))})
        token = await self._app.auth.issue_token(record, duration=duration, refreshable=False)
        return await self._app.auth.respond(record, context, token=token)


def _disabled(method: str) -> str:
    return f"The collection is not configured to allow {_LABELS.get(method, method)} authentication."


def _is_refreshable(token: str) -> bool:
    """Read from a token that the pipeline has verified already."""
    try:
        return bool(decode_payload(token).get("refreshable"))
    except InvalidToken:
        return False


def _legacy(answer: dict[str, JSON]) -> dict[str, JSON]:
    """The keys that clients from before the present form read."""
    password, oauth2 = answer.get("password"), answer.get("oauth2")
    identities = password.get("identityFields") if isinstance(password, dict) else None
    fields = identities if isinstance(identities, list) else []
    providers: JSON = None
    if isinstance(oauth2, dict) and oauth2.get("enabled") is True and isinstance(oauth2.get("providers"), list):
        listed = oauth2["providers"]
        providers = [
            {**item, "logo": ""} for item in (listed if isinstance(listed, list) else []) if isinstance(item, dict)
        ]
    return {
        "authProviders": providers,
        "usernamePassword": "username" in fields,
        "emailPassword": "email" in fields,
    }
