"""Sign-in: password hashing, identity and tokens, auth methods, OAuth2 providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from pbhost.errors import JSON
from pbhost.model import Collection, Record, RequestContext

#: The mails to auth records, by the names of ``POST /api/settings/test/email``.
MailKind: TypeAlias = Literal["verification", "password-reset", "email-change", "otp", "login-alert"]
TokenType: TypeAlias = Literal["auth", "file", "verification", "passwordReset", "emailChange"]


class PasswordHasher(Protocol):
    """Hashing off the event loop, with bounded concurrency."""

    async def hash(self, password: str, *, cost: int = 0) -> str:
        """The stored form of a password; ``cost`` is the field's option (0 = default)."""
        ...

    async def verify(self, password: str, stored: str) -> bool:
        """Whether it matches; takes the same time when ``stored`` is "" (unknown identity)."""
        ...

    def needs_rehash(self, stored: str) -> bool:
        """Whether a hash that just verified should be replaced."""
        ...


class Auth(Protocol):
    """Identity, tokens and sign-in."""

    def cached_identity(self, token: str) -> Record | None:
        """The record of a token verified before and still valid, from memory; None if unknown (then ask
        :meth:`identify`)."""
        ...

    async def identify(self, token: str) -> Record | None:
        """The auth record of a valid auth token; None for anything else, never an error."""
        ...

    async def issue_token(
        self,
        record: Record,
        type: TokenType = "auth",
        *,
        duration: int = 0,
        refreshable: bool = True,
        claims: Mapping[str, JSON] | None = None,
    ) -> str:
        """A signed token; ``duration`` in seconds, 0 for the collection's."""
        ...

    async def verify_token(self, token: str, type: TokenType) -> tuple[Record, dict[str, JSON]] | None:
        """The record and claims of a valid token of that type, or None."""
        ...

    async def respond(
        self, record: Record, context: RequestContext, *, method: str = "", token: str = "", meta: object = None
    ) -> dict[str, object]:
        """The auth answer (token, record, meta) after auth rule, second factor, hooks and alert.

        Raises:
            ForbiddenError: the auth rule refuses.
            ApiError: 401 with ``mfaId`` when a second factor is needed.
        """
        ...

    async def send_test_mail(self, kind: MailKind, collection: Collection, address: str) -> None:
        """Sends one of the mails to auth records to ``address``, about a record that does not exist.

        Raises:
            OSError: it could not be delivered to the transport.
        """
        ...


class AuthMethod(Protocol):
    """A way to sign in, registered through ``register_auth_methods``."""

    #: Its name in ``_mfas.method``, hooks and ``auth-methods``.
    name: str

    def is_enabled(self, collection: Collection) -> bool:
        """Whether the collection allows it."""
        ...

    def public_info(self, collection: Collection) -> tuple[str, JSON] | None:
        """Key and value in the answer of ``auth-methods``; None to stay out of it."""
        ...

    async def authenticate(self, collection: Collection, context: RequestContext) -> dict[str, object]:
        """Handles ``POST /api/collections/{collection}/auth-with-{name}``; returns the auth answer."""
        ...


class OAuth2Provider(Protocol):
    """One OAuth2 provider, registered through ``register_oauth2_providers``.

    Every address may be replaced by a collection's configuration; one that is empty here must be configured there.
    """

    @property
    def name(self) -> str:
        """Its name in options, ``_externalAuths`` and requests."""
        ...

    @property
    def display_name(self) -> str: ...

    @property
    def order(self) -> int:
        """Sorts the list that the dashboard offers."""
        ...

    @property
    def logo(self) -> str:
        """SVG text."""
        ...

    @property
    def auth_url(self) -> str: ...

    @property
    def token_url(self) -> str: ...

    @property
    def user_info_url(self) -> str: ...

    @property
    def scopes(self) -> tuple[str, ...]: ...

    @property
    def pkce(self) -> bool: ...

    @property
    def response_mode(self) -> str:
        """An extra parameter of the authorization address, "" for none."""
        ...

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Further headers of the user-info request; ``{client_id}`` in a value is filled in."""
        ...

    @property
    def graphql(self) -> str:
        """The query, where user info is the answer to a POSTed one; "" for a plain GET."""
        ...

    def map_user(self, raw: Mapping[str, JSON], token: Mapping[str, JSON]) -> OAuth2User:
        """The normalised user of a user-info answer; ``token`` is the whole token response.

        Raises:
            ValueError: the answer is not an active user of this provider.
        """
        ...


@dataclass(slots=True)
class OAuth2User:
    """A user as an OAuth2 provider describes it, with the tokens of the exchange. An e-mail counts as verified."""

    id: str = ""
    name: str = ""
    username: str = ""
    email: str = ""
    avatar_url: str = ""
    access_token: str = ""
    refresh_token: str = ""
    expiry: str = ""
    raw_user: dict[str, JSON] = field(default_factory=dict)
