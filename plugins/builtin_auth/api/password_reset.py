"""``request-password-reset`` and ``confirm-password-reset``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web

from builtin_auth.api.email_token import read_token
from builtin_auth.api.link_mail import LinkMail
from builtin_auth.api.requests import auth_collection, load
from builtin_auth.api.sign_in import PREFIX
from builtin_auth.errors import INVALID_TOKEN, TOKEN_OF_OTHER_COLLECTION, VALIDATING_FAILED, StaleCredentials
from builtin_auth.forms import Form, validate
from builtin_auth.service import AuthService
from builtin_auth.superusers import INSTALLER_EMAIL
from pbhost.errors import BadRequestError, FieldError, ValidationError
from pbhost.hooks.events import RecordEmailRequestEvent
from pbhost.http import Route
from pbhost.model import Collection, Record
from pbhost.validation import check, equal_to, length, required

if TYPE_CHECKING:
    from pbhost.app import App

_MAX_PASSWORD = 255

log = logging.getLogger("pbhost.auth")


class PasswordReset:
    """A new password for who can read the record's mail."""

    def __init__(self, app: App, auth: AuthService) -> None:
        self._app = app
        self._auth = auth
        self._mail = LinkMail(
            app,
            auth,
            name="password reset",
            hook="on_record_request_password_reset_request",
            pause=auth.reset_mails,
            send=auth.mails.password_reset,
            is_due=_is_persons,
            pauses_after_failure=False,
        )

    def routes(self) -> list[Route]:
        """Both routes."""
        return [
            Route("POST", f"{PREFIX}/request-password-reset", self.request, ("requestPasswordReset",)),
            Route("POST", f"{PREFIX}/confirm-password-reset", self.confirm, ("confirmPasswordReset",)),
        ]

    async def request(self, request: web.Request) -> None:
        """Mail a reset link; an unknown address gets the same answer."""
        collection = auth_collection(self._app, request)
        if not self._auth.options(collection).password_enabled:
            raise BadRequestError("The collection is not configured to allow password authentication.")
        await self._mail.request(request, collection)

    async def confirm(self, request: web.Request) -> None:
        """Set the new password of the token's record."""
        collection = auth_collection(self._app, request)
        context = await load(request, name_unsupported=False)
        form = Form(context)
        token, password, again = form.text("token"), form.text("password"), form.text("passwordConfirm")
        found = await self._app.auth.verify_token(token, "passwordReset") if token else None
        validate(
            {
                "token": check(token, required) or self._token_error(found[0] if found else None, collection),
                "password": check(password, required, length(_min_length(collection), _MAX_PASSWORD)),
                "passwordConfirm": check(again, required, equal_to(password)),
            }
        )
        assert found is not None
        record, claims = found
        chain = self._app.hooks.chain("on_record_confirm_password_reset_request", collection.tags)
        email = read_token(claims, "email")
        if chain is None:
            await self._set(record, password, email)
            return
        event = RecordEmailRequestEvent(
            app=self._app, context=context, request=request, collection=collection, record=record
        )
        # The record of the token, whatever a hook makes of the event's.
        await chain.run(event, lambda: self._set(record, password, email))

    def _token_error(self, record: Record | None, collection: Collection) -> FieldError | None:
        if record is None:
            return INVALID_TOKEN
        return None if record.collection.id == collection.id else TOKEN_OF_OTHER_COLLECTION

    async def _set(self, record: Record, password: str, email: str) -> None:
        record["password"] = password
        if not record.get("verified") and record.text("email") == email:
            record["verified"] = True
        try:
            await self._app.records.save(record)
        except StaleCredentials as error:
            raise error.named(VALIDATING_FAILED) from error
        except ValidationError as error:
            raise error.named("Failed to set new password.") from error
        await self._mail.lift_pause(record)


def _min_length(collection: Collection) -> int:
    field = collection.field("password")
    least = field.encode().get("min") if field is not None else 0
    return least if isinstance(least, int) and least > 0 else 1


def _is_persons(record: Record) -> bool:
    """The installer account is nobody's, and so is its address."""
    if not record.collection.is_superusers or record.text("email") != INSTALLER_EMAIL:
        return True
    log.error("a password reset was asked for the installer account; no mail is sent")
    return False
