"""The second factor of an authenticator app. Never a first one: it needs the ``mfaId`` of a half-done sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builtin_auth.forms import Form, validate
from builtin_auth.references import MFAS, age
from builtin_auth.second_factor import read_mfa_id
from builtin_auth.service import AuthService
from pbhost.errors import JSON, BadRequestError
from pbhost.model import Collection, RequestContext
from pbhost.validation import check, length, required

if TYPE_CHECKING:
    from pbhost.app import App


class TotpMethod:
    """See :class:`pbhost.services.AuthMethod`."""

    name = "totp"

    def __init__(self, app: App, auth: AuthService) -> None:
        self._app = app
        self._auth = auth

    def is_enabled(self, collection: Collection) -> bool:
        """Wherever the collection asks for two factors."""
        return self._auth.options(collection).mfa_enabled

    def public_info(self, collection: Collection) -> tuple[str, JSON] | None:
        """Whether it can be used."""
        return "totp", {"enabled": self.is_enabled(collection)}

    async def authenticate(self, collection: Collection, context: RequestContext) -> dict[str, object]:
        """The auth answer for the ``code`` of an app, or a recovery code, and an ``mfaId``.

        Raises:
            ValidationError: the form is not valid.
            BadRequestError: the half-done sign-in or the code is no good.
            TooManyRequestsError: too many guesses.
        """
        code = Form(context).text("code")
        validate({"code": check(code, required, length(1, 64))})
        mfa_id = read_mfa_id(context)
        session = await self._app.records.find(MFAS, mfa_id) if mfa_id else None
        record = None
        if (
            session is not None
            and session.text("collectionRef") == collection.id
            and age(session) <= self._auth.options(collection).mfa_duration
            and session.text("method") != self.name
        ):
            record = await self._app.records.find(collection, session.text("recordRef"))
        if record is None:
            raise BadRequestError("Invalid or expired MFA session.")
        await self._auth.totp.use(record, code)
        return await self._app.auth.respond(record, context, method=self.name)
