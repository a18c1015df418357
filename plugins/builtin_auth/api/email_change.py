"""``request-email-change`` and ``confirm-email-change``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web

from builtin_auth.api.email_token import read_token, unverified_claim
from builtin_auth.api.requests import auth_collection, load
from builtin_auth.api.sign_in import PREFIX
from builtin_auth.errors import INVALID_TOKEN, TOKEN_OF_OTHER_COLLECTION, VALIDATING_FAILED, StaleCredentials
from builtin_auth.forms import Form, validate
from builtin_auth.lookup import password_hash
from builtin_auth.service import AuthService
from pbhost.errors import JSON, BadRequestError, FieldError, PbhostError, UnauthorizedError, ValidationError
from pbhost.hooks.events import RecordEmailChangeRequestEvent
from pbhost.http import Route
from pbhost.model import Collection, Record
from pbhost.validation import check, is_email, length, not_in, required

if TYPE_CHECKING:
    from pbhost.app import App

_TAKEN = FieldError("validation_invalid_new_email", "Invalid new email address.")
_NO_NEW_EMAIL = FieldError("validation_invalid_token_payload", "Invalid token payload - newEmail must be set.")
_TAKEN_SINCE = FieldError("validation_invalid_token_email", "The new email address is invalid.")
_WRONG_PASSWORD = FieldError("validation_invalid_password", "Missing or invalid auth record password.")

log = logging.getLogger("pbhost.auth")


class EmailChange:
    """A new address, once its owner has confirmed it and the record's owner has given the password."""

    def __init__(self, app: App, auth: AuthService) -> None:
        self._app = app
        self._auth = auth

    def routes(self) -> list[Route]:
        """Both routes."""
        return [
            Route(
                "POST",
                f"{PREFIX}/request-email-change",
                self.request,
                ("requestEmailChange",),
                guard="same_collection",
            ),
            Route("POST", f"{PREFIX}/confirm-email-change", self.confirm, ("confirmEmailChange",)),
        ]

    def _collection(self, request: web.Request) -> Collection:
        collection = auth_collection(self._app, request)
        if collection.is_superusers:
            raise BadRequestError("All superusers can change their emails directly.")
        return collection

    async def request(self, request: web.Request) -> None:
        """Mail a confirmation link to the new address."""
        collection = self._collection(request)
        context = await load(request)
        record = context.auth
        if record is None:
            raise UnauthorizedError("The request requires valid record authorization token.")
        email = Form(context).text("newEmail")
        error = check(email, required, length(1, 255), is_email, not_in((record.text("email"),)))
        if error is None:
            holder = await self._auth.lookup.by_email(collection, email)
            error = _TAKEN if holder is not None and holder.id != record.id else None
        validate({"newEmail": error})
        chain = self._app.hooks.chain("on_record_request_email_change_request", collection.tags)
        if chain is None:
            await self._send(record, email)
            return
        event = RecordEmailChangeRequestEvent(
            app=self._app, context=context, request=request, collection=collection, record=record, new_email=email
        )
        await chain.run(event, lambda: self._send(event.record, event.new_email))

    async def _send(self, record: Record, email: str) -> None:
        try:
            await self._auth.mails.email_change(record, email)
        except (OSError, ValueError, PbhostError) as error:
            log.error("the email change mail was not sent: %s", error)
            raise BadRequestError("Failed to request email change.", cause=str(error)) from error

    async def confirm(self, request: web.Request) -> None:
        """Make the token's new address the record's."""
        collection = self._collection(request)
        context = await load(request)
        form = Form(context)
        token, password = form.text("token"), form.text("password")
        error = check(token, required) or (None if unverified_claim(token, "newEmail") else _NO_NEW_EMAIL)
        found = None if error else await self._app.auth.verify_token(token, "emailChange")
        error = error or await self._token_error(found, collection)
        wrong = check(password, required, length(1, 100))
        if wrong is None:
            stored = password_hash(found[0]) if found is not None and error is None else ""
            wrong = None if await self._app.password_hasher.verify(password, stored) else _WRONG_PASSWORD
        validate({"token": error, "password": wrong})
        assert found is not None
        record, claims = found
        email = read_token(claims, "newEmail")
        chain = self._app.hooks.chain("on_record_confirm_email_change_request", collection.tags)
        if chain is None:
            await self._change(record, email)
            return
        event = RecordEmailChangeRequestEvent(
            app=self._app, context=context, request=request, collection=collection, record=record, new_email=email
        )
        await chain.run(event, lambda: self._change(event.record, event.new_email))

    async def _token_error(
        self, found: tuple[Record, dict[str, JSON]] | None, collection: Collection
    ) -> FieldError | None:
        if found is None:
            return INVALID_TOKEN
        record, claims = found
        if record.collection.id != collection.id:
            return TOKEN_OF_OTHER_COLLECTION
        holder = await self._auth.lookup.by_email(collection, read_token(claims, "newEmail"))
        return None if holder is None else _TAKEN_SINCE

    async def _change(self, record: Record, email: str) -> None:
        record["email"] = email
        record["verified"] = True
        try:
            await self._app.records.save(record)
        except StaleCredentials as error:
            raise error.named(VALIDATING_FAILED) from error
        except ValidationError as error:
            raise error.named("Failed to confirm email change.") from error
