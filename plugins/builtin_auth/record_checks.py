"""Who may write which key of an auth record through the API. Source: records contract, section 5.6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builtin_auth.errors import VALUES_MISMATCH
from builtin_auth.lookup import stored_password_hash
from builtin_auth.passwords import put_hash, random_hash
from pbhost.errors import REQUIRED, BadRequestError, ErrorTree, FieldError
from pbhost.model import BodyValue, Record
from pbhost.validation import collect

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.hooks.events import ApiWrite, RecordRequestEvent

#: Key of ``RequestContext.extra``: the password hash of a record that signs up through OAuth2.
SIGN_UP_HASH = "auth.sign_up_hash"

#: The note on a record that keeps the token key which stood beside the password that the caller knew.
CHECKED_KEY = "auth.checked_key"
WRONG_OLD_PASSWORD = FieldError("validation_invalid_old_password", "Missing or invalid old password.")


class RecordChecks:
    """The checks that precede field validation; where one fails only their errors are answered."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def create(self, event: RecordRequestEvent) -> None:
        """Before a record is created.

        Raises:
            BadRequestError: with the errors by key.
        """
        if event.api is None:
            return
        record, body = event.record, event.api.body
        if event.context.context == "oauth2" and "password" not in body:
            # A sign-up through OAuth2 brings no password of its own; the hash was made before its transaction began.
            hashed = event.context.extra.get(SIGN_UP_HASH)
            put_hash(record, hashed if isinstance(hashed, str) else await random_hash(self._app))
            errors: ErrorTree = collect({"verified": _verified_error(record, event.api, before=False)})
        else:
            errors = await self._errors(record, event.api, is_new=True)
        if errors:
            raise BadRequestError("Failed to create record.", errors)

    async def update(self, event: RecordRequestEvent) -> None:
        """Before a record is changed; raises as :meth:`create`."""
        if event.api is None:
            return
        errors = await self._errors(event.record, event.api, is_new=False)
        if errors:
            raise BadRequestError("Failed to update record.", errors)

    async def _errors(self, record: Record, api: ApiWrite, *, is_new: bool) -> ErrorTree:
        password, again, old = (_text(api.body.get(key)) for key in ("password", "passwordConfirm", "oldPassword"))
        checks: dict[str, FieldError | ErrorTree | None] = {}
        if not api.manages:
            checks["email"] = VALUES_MISMATCH if not is_new and record.changed("email") else None
        checks["verified"] = _verified_error(record, api, before=False if is_new else record.original.get("verified"))
        checks["password"] = REQUIRED if not password and (is_new or again or old) else None
        if not again and (is_new or password or old):
            checks["passwordConfirm"] = REQUIRED
        elif again != password:
            checks["passwordConfirm"] = VALUES_MISMATCH
        if not is_new and not api.manages and (password or again):
            checks["oldPassword"] = await self._old_password_error(record, old)
        return collect(checks)

    async def _old_password_error(self, record: Record, old: str) -> FieldError | None:
        if not old:
            return REQUIRED
        stored = stored_password_hash(record)
        if not await self._app.password_hasher.verify(old, stored):
            return WRONG_OLD_PASSWORD
        # The write happens later, maybe on another's change: it is allowed on these credentials only.
        record.notes[CHECKED_KEY] = record.original.get("tokenKey")
        return None


def _verified_error(record: Record, api: ApiWrite, *, before: object) -> FieldError | None:
    return None if api.manages or record.get("verified") == before else VALUES_MISMATCH


def _text(value: BodyValue) -> str:
    """A body value cast to text; null and absent are empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
