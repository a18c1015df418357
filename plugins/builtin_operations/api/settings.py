"""``/api/settings``: read, change, test the mail and the S3 settings, make an Apple client secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from aiohttp import web

from builtin_operations.apple_secret import AppleKeyError, check_request, client_secret
from builtin_operations.settings.service import SettingsService
from pbhost.errors import JSON, ApiError, BadRequestError, FieldError, PayloadTooLargeError, ValidationError
from pbhost.hooks.events import SettingsListRequestEvent, SettingsUpdateRequestEvent
from pbhost.http import Route, context_of, read_body
from pbhost.model import SUPERUSERS, BodyValue
from pbhost.model.ids import LOWER_ALPHANUMERIC, random_text
from pbhost.services import MailKind
from pbhost.validation import check, collect, is_email, length, one_of, required

if TYPE_CHECKING:
    from builtin_operations.service import Operations

_LOAD_FAILURE = "An error occurred while loading the submitted data."
_MAIL_KINDS: tuple[MailKind, ...] = ("verification", "password-reset", "email-change", "otp", "login-alert")


def routes(operations: Operations) -> list[Route]:
    """The routes of the settings."""
    handlers = _Handlers(operations)
    return [
        Route("GET", "/api/settings", handlers.view, guard="superuser", summary="The settings, secrets left out"),
        Route("PATCH", "/api/settings", handlers.update, guard="superuser", summary="Change settings"),
        Route("POST", "/api/settings/test/s3", handlers.test_s3, guard="superuser", summary="Try the S3 settings"),
        Route("POST", "/api/settings/test/email", handlers.test_email, guard="superuser", summary="Send a test mail"),
        Route(
            "POST",
            "/api/settings/apple/generate-client-secret",
            handlers.apple_secret,
            guard="superuser",
            summary="Make an Apple client secret",
        ),
    ]


class _Handlers:
    def __init__(self, operations: Operations) -> None:
        self._app = operations.app
        self._operations = operations

    @property
    def _settings(self) -> SettingsService:
        return self._operations.settings

    async def view(self, request: web.Request) -> object:
        public = self._settings.public()
        chain = self._app.hooks.chain("on_settings_list_request")
        if chain is None:
            return public
        event = SettingsListRequestEvent(app=self._app, context=context_of(request), request=request, settings=public)

        async def answer() -> object:
            return event.settings

        return await chain.run(event, answer)

    async def update(self, request: web.Request) -> object:
        old = self._settings.full()
        new = self._settings.merged(await _json_body(request, _LOAD_FAILURE))
        chain = self._app.hooks.chain("on_settings_update_request")
        if chain is None:
            return await self._save(new)
        event = SettingsUpdateRequestEvent(
            app=self._app, context=context_of(request), request=request, old_settings=old, new_settings=new
        )
        return await chain.run(event, lambda: self._save(event.new_settings))

    async def _save(self, values: Mapping[str, JSON]) -> object:
        try:
            await self._settings.save(values)
        except ValidationError as error:
            raise error.named("An error occurred while saving the new settings.") from error
        return self._settings.public()

    async def test_s3(self, request: web.Request) -> object:
        body = await _json_body(request, "Failed to test the S3 filesystem.")
        target = body.get("filesystem")
        invalid = check(target, required, one_of(("storage", "backups")))
        if invalid is not None:
            raise BadRequestError("Failed to test the S3 filesystem.", {"filesystem": invalid})
        section = self._settings.section("s3" if target == "storage" else "backups")
        settings = section if target == "storage" else section.get("s3")
        if not isinstance(settings, Mapping) or settings.get("enabled") is not True:
            raise _raw("Failed to test the S3 filesystem.", "S3 storage filesystem is not enabled")
        key = f"pb_settings_test_{random_text(5, LOWER_ALPHANUMERIC)}/test.txt"
        try:
            storage = self._app.files.open_storage(settings)
            await storage.write(key, b"test", content_type="text/plain")
            await storage.delete(key)
        except OSError as error:
            raise _raw("Failed to test the S3 filesystem.", str(error)) from error
        return None

    async def test_email(self, request: web.Request) -> object:
        failure = "Failed to send the test email."
        body = await _json_body(request, _LOAD_FAILURE)
        collection = self._app.collections.find(str(body.get("collection") or SUPERUSERS))
        invalid = FieldError("validation_invalid_auth_collection", "Must be a valid auth collection id or name.")
        errors = collect(
            {
                "collection": None if collection is not None and collection.is_auth else invalid,
                "email": check(body.get("email"), required, length(1, 255), is_email),
                "template": check(body.get("template"), required, one_of(_MAIL_KINDS)),
            }
        )
        if errors or collection is None:
            raise BadRequestError(failure, errors)
        kind = cast(MailKind, body["template"])
        try:
            await self._app.auth.send_test_mail(kind, collection, str(body["email"]))
        except ApiError:
            raise
        except OSError as error:
            raise _raw(failure, str(error)) from error
        return None

    async def apple_secret(self, request: web.Request) -> object:
        body = await _json_body(request, _LOAD_FAILURE)
        if errors := check_request(body):
            raise BadRequestError("Invalid client secret data.", errors)
        try:
            return {"secret": client_secret(body)}
        except AppleKeyError as error:
            raise _raw("Failed to generate client secret.", str(error)) from error


async def _json_body(request: web.Request, failure: str) -> dict[str, JSON]:
    """The submitted document; uploads in it are ignored.

    Raises:
        BadRequestError: with the message ``failure``, if it cannot be read.
    """
    try:
        body: Mapping[str, BodyValue] = await read_body(request)
    except PayloadTooLargeError:
        raise
    except BadRequestError as error:
        raise BadRequestError(failure, cause=error.cause) from error
    return {key: cast(JSON, value) for key, value in body.items()}


def _raw(message: str, cause: str) -> BadRequestError:
    # Superusers see the reason: it is about their own settings, and they cannot mend what they are not told.
    return BadRequestError(f"{message} Raw error: \n{cause}")
