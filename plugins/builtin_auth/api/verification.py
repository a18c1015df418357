"""``request-verification`` and ``confirm-verification``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from builtin_auth.api.email_token import read_token, unverified_claim
from builtin_auth.api.link_mail import LinkMail
from builtin_auth.api.requests import auth_collection, load
from builtin_auth.api.sign_in import PREFIX
from builtin_auth.errors import INVALID_TOKEN, TOKEN_OF_OTHER_COLLECTION
from builtin_auth.forms import Form, validate
from builtin_auth.passwords import randomise
from builtin_auth.service import AuthService
from pbhost.errors import JSON, BadRequestError, FieldError, ValidationError
from pbhost.hooks.events import RecordEmailRequestEvent
from pbhost.http import Route
from pbhost.model import Collection, Record
from pbhost.validation import check, required

if TYPE_CHECKING:
    from pbhost.app import App

_NO_EMAIL = FieldError("validation_invalid_token_claims", "Missing email token claim.")
_OTHER_EMAIL = FieldError(
    "validation_token_email_mismatch", "The record email doesn't match with the requested token claims."
)


class Verification:
    """Proof that the record's address is its owner's."""

    def __init__(self, app: App, auth: AuthService) -> None:
        self._app = app
        self._auth = auth
        self._mail = LinkMail(
            app,
            auth,
            name="verification",
            hook="on_record_request_verification_request",
            pause=auth.verification_mails,
            send=auth.mails.verification,
            is_due=lambda record: not record.get("verified"),
            pauses_after_failure=True,
        )

    def routes(self) -> list[Route]:
        """Both routes."""
        return [
            Route("POST", f"{PREFIX}/request-verification", self.request, ("requestVerification",)),
            Route("POST", f"{PREFIX}/confirm-verification", self.confirm, ("confirmVerification",)),
        ]

    async def request(self, request: web.Request) -> None:
        """Mail a verification link; an unknown or already verified address gets the same answer."""
        await self._mail.request(request, self._collection(request))

    def _collection(self, request: web.Request) -> Collection:
        collection = auth_collection(self._app, request)
        if collection.is_superusers:
            raise BadRequestError("All superusers are verified by default.")
        return collection

    async def confirm(self, request: web.Request) -> None:
        """Mark the token's record as verified."""
        collection = self._collection(request)
        context = await load(request)
        token = Form(context).text("token")
        error = check(token, required) or (None if unverified_claim(token, "email") else _NO_EMAIL)
        found = None if error else await self._app.auth.verify_token(token, "verification")
        validate({"token": error or _token_error(found, collection)})
        assert found is not None
        record = found[0]
        chain = self._app.hooks.chain("on_record_confirm_verification_request", collection.tags)
        if chain is None:
            await self._verify(record)
            return
        event = RecordEmailRequestEvent(
            app=self._app, context=context, request=request, collection=collection, record=record
        )
        await chain.run(event, lambda: self._verify(event.record))

    async def _verify(self, record: Record) -> None:
        if record.get("verified"):
            return
        record["verified"] = True
        if not self._auth.options(record.collection).password_enabled:
            await randomise(self._app, record)
        try:
            await self._app.records.save(record)
        except ValidationError as error:
            raise error.named("An error occurred while saving the verified state.") from error


def _token_error(found: tuple[Record, dict[str, JSON]] | None, collection: Collection) -> FieldError | None:
    if found is None:
        return INVALID_TOKEN
    record, claims = found
    if record.collection.id != collection.id:
        return TOKEN_OF_OTHER_COLLECTION
    return None if record.text("email") == read_token(claims, "email") else _OTHER_EMAIL
