"""Sign-in: password hashing, identity and tokens, auth methods, OAuth2 providers."""

from __future__ import annotations

from collections.abc import Mapping
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
    """One OAuth2 provider, registered through ``register_oauth2_providers``."""

    name: str
    display_name: str
    order: int
    logo: str
