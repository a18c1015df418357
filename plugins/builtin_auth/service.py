"""The auth service: identity, tokens and the answer to a sign-in, put together from their parts."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, cast

from builtin_auth.answer import AuthAnswer
from builtin_auth.attempts import SharedAttempts
from builtin_auth.identities import IdentityCache
from builtin_auth.jwt_codec import MAX_TOKEN_LENGTH
from builtin_auth.lookup import Lookup
from builtin_auth.oauth2.apple_names import AppleNames
from builtin_auth.options import AuthOptions, OptionsCache
from builtin_auth.origins import Origins
from builtin_auth.pretended_codes import PretendedCodes
from builtin_auth.record_mails import RecordMails
from builtin_auth.second_factor import SecondFactor
from builtin_auth.tokens import Tokens
from builtin_auth.totp import Totp
from pbhost.errors import JSON
from pbhost.model import Collection, Record, RequestContext

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.services import AuthMethod, OAuth2Provider, TokenType
    from pbhost.services.sign_in import MailKind

_OWN_METHODS = frozenset(("password", "oauth2", "otp", "totp"))
_MAIL_PAUSE = 120.0
_OTP_ATTEMPTS = 5
_OTP_WINDOW = 180.0
# How long changes of other processes are gathered before they are read: one read for many writes.
_GATHER = 0.05


class AuthService:
    """See :class:`pbhost.services.Auth`. The parts are public for the endpoints and hooks of this plugin."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._options = OptionsCache()
        self.identities = IdentityCache()
        self.tokens = Tokens(app, self._options)
        self.lookup = Lookup(app)
        self.mails = RecordMails(app, self._options)
        self.second_factor = SecondFactor(app, self._options)
        self.origins = Origins(app, self.mails)
        self.answer = AuthAnswer(app, self)
        self.reset_mails = SharedAttempts(app, "password reset mail", 1, _MAIL_PAUSE)
        self.verification_mails = SharedAttempts(app, "verification mail", 1, _MAIL_PAUSE)
        self.otp_attempts = SharedAttempts(app, "otp", _OTP_ATTEMPTS, _OTP_WINDOW)
        self.pretended_codes = PretendedCodes(app)
        self.totp = Totp(app)
        self.apple_names = AppleNames(app)
        self._providers: dict[str, OAuth2Provider] = {}
        self._providers_of = -1
        #: Ways to sign in that others may tie accounts of elsewhere to, besides the OAuth2 providers.
        self._methods: frozenset[str] = frozenset()
        self._watcher: asyncio.Task[object] | None = None

    async def start(self) -> None:
        """Begin to follow the changes that other processes make to auth records."""
        self.app.settings.on_change(self.otp_attempts.reset)
        self.know_methods(cast("list[AuthMethod]", self.app.collect("register_auth_methods")))
        self._watcher = self.app.background(self._follow_changes(), name="auth: follow changes")

    async def stop(self) -> None:
        """End that."""
        if self._watcher is not None:
            self._watcher.cancel()

    def options(self, collection: Collection) -> AuthOptions:
        """The typed options of an auth collection."""
        return self._options.of(collection)

    def oauth2_providers(self) -> Mapping[str, OAuth2Provider]:
        """The registered OAuth2 providers by name."""
        generation = self.app.hooks.generation
        if self._providers_of != generation:
            found = cast("list[OAuth2Provider]", self.app.collect("register_oauth2_providers"))
            self._providers = {provider.name: provider for provider in found}
            self._providers_of = generation
        return self._providers

    def know_methods(self, methods: Iterable[AuthMethod]) -> None:
        """What :meth:`link_providers` knows from now on."""
        self._methods = frozenset(method.name for method in methods) - _OWN_METHODS

    def link_providers(self) -> Container[str]:
        """What ``provider`` of a linked account may be: OAuth2 providers, and ways to sign in of other plugins."""
        return self._methods | self.oauth2_providers().keys()

    def cached_identity(self, token: str) -> Record | None:
        """See :class:`pbhost.services.Auth`."""
        return self.identities.get(token, self.app.collections.generation)

    async def identify(self, token: str) -> Record | None:
        """See :class:`pbhost.services.Auth`."""
        if not token or len(token) > MAX_TOKEN_LENGTH:
            return None
        generation = self.app.collections.generation
        known = self.identities.get(token, generation)
        if known is not None:
            return known
        epoch = self.identities.epoch
        verified = await self.tokens.verify(token, "auth")
        if verified is None:
            return None
        record, claims = verified
        expires = claims.get("exp")
        self.identities.put(
            token,
            record,
            generation,
            float(expires) if isinstance(expires, int | float) else None,
            epoch,
            refreshable=bool(claims.get("refreshable")),
        )
        return record

    async def issue_token(
        self,
        record: Record,
        type: TokenType = "auth",
        *,
        duration: int = 0,
        refreshable: bool = True,
        claims: Mapping[str, JSON] | None = None,
    ) -> str:
        """See :class:`pbhost.services.Auth`."""
        return self.tokens.issue(record, type, duration=duration, refreshable=refreshable, claims=claims)

    async def verify_token(self, token: str, type: TokenType) -> tuple[Record, dict[str, JSON]] | None:
        """See :class:`pbhost.services.Auth`."""
        return await self.tokens.verify(token, type)

    async def respond(
        self, record: Record, context: RequestContext, *, method: str = "", token: str = "", meta: object = None
    ) -> dict[str, object]:
        """See :class:`pbhost.services.Auth`."""
        return await self.answer.make(record, context, method=method, token=token, meta=meta)

    async def send_test_mail(self, kind: MailKind, collection: Collection, address: str) -> None:
        """See :class:`pbhost.services.Auth`."""
        await self.mails.test(kind, collection, address)

    async def _follow_changes(self) -> None:
        """This process forgets its own changed records in the commit; those of other processes come by the feed."""
        db = self.app.db
        _, seen = await db.last_change()
        async for newest in db.watch_changes():
            if newest <= seen:
                continue
            await asyncio.sleep(_GATHER)
            if not len(self.identities):
                _, seen = await db.last_change()
                continue
            oldest, _ = await db.last_change()
            if oldest > seen + 1:
                self.identities.clear()
            while changes := await db.changes(seen):
                for change in changes:
                    collection = self.app.collections.find(change.collection_id)
                    if collection is None or collection.is_auth:
                        self.identities.forget(change.collection_id, change.record_id)
                seen = changes[-1].seq
