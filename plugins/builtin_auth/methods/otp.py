"""Sign-in with a one-time password sent by mail."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from builtin_auth.forms import Form, validate
from builtin_auth.lookup import password_hash
from builtin_auth.passwords import randomise
from builtin_auth.references import OTPS, OWNED, age, owner
from builtin_auth.service import AuthService
from pbhost.errors import JSON, BadRequestError, NotFoundError, PbhostError, TooManyRequestsError
from pbhost.hooks.events import RecordAuthWithOTPRequestEvent, RecordRequestOTPRequestEvent
from pbhost.model import Collection, Record, RequestContext
from pbhost.model.ids import DIGITS, random_text, record_id
from pbhost.validation import check, is_email, length, required

if TYPE_CHECKING:
    from pbhost.app import App

_MAX_LIVE = 10

log = logging.getLogger("pbhost.auth")


class OtpMethod:
    """See :class:`pbhost.services.AuthMethod`."""

    name = "otp"

    def __init__(self, app: App, auth: AuthService) -> None:
        self._app = app
        self._auth = auth

    def is_enabled(self, collection: Collection) -> bool:
        """Whether the collection allows it."""
        return self._auth.options(collection).otp_enabled

    def public_info(self, collection: Collection) -> tuple[str, JSON] | None:
        """How long a code is good."""
        options = self._auth.options(collection)
        return "otp", {"enabled": options.otp_enabled, "duration": options.otp_duration if options.otp_enabled else 0}

    # -- asking for a code ---------------------------------------------------------------------------------------------

    async def request(self, collection: Collection, context: RequestContext) -> dict[str, object]:
        """Mail a code to ``email``; the answer is the same for an address that nobody has.

        Raises:
            ValidationError: the form is not valid.
        """
        email = Form(context).text("email")
        validate({"email": check(email, required, length(1, 255), is_email)})
        record = await self._auth.lookup.by_email(collection, email)
        code = random_text(self._auth.options(collection).otp_length, DIGITS)
        chain = self._app.hooks.chain("on_record_request_otp_request", collection.tags)
        if chain is None:
            return await self._create(collection, record, email, code)
        event = RecordRequestOTPRequestEvent(
            app=self._app, context=context, collection=collection, record=record, password=code
        )
        return await chain.run(event, lambda: self._create(collection, event.record, email, event.password))

    async def _create(self, collection: Collection, record: Record | None, email: str, code: str) -> dict[str, object]:
        records, hasher = self._app.records, self._app.password_hasher
        duration = self._auth.options(collection).otp_duration
        most = _MAX_LIVE if not self._app.config.dev else sys.maxsize
        owned = owner(record) if record is not None else {"collection": collection.id, "record": ""}
        existing = await records.find_many(OTPS, OWNED, owned, sort="-created", limit=_MAX_LIVE)
        # Without a new code the answer costs the same as with one: a hash, and a row that is written.
        if record is None:
            await hasher.hash(code)
            return {"otpId": await self._auth.pretended_codes.issue(collection, email, seconds=duration, most=most)}
        live = [otp for otp in existing if age(otp) <= duration]
        if len(live) >= most:
            await hasher.hash(code)
            await self._auth.otp_attempts.allow(collection.id, "", record_id())
            return {"otpId": live[0].id}
        values = {"collectionRef": record.collection.id, "recordRef": record.id, "password": code}
        otp = await records.create(OTPS, values)
        self._app.background(self._mail(record, otp, code), name="auth: one-time password mail")
        return {"otpId": otp.id}

    async def _mail(self, record: Record, otp: Record, code: str) -> None:
        try:
            message = await self._auth.mails.one_time_password(record, otp.id, code)
        except (OSError, PbhostError) as error:
            log.error("the one-time password mail was not sent: %s", error)
            await self._app.records.delete(otp)
            return
        stored = await self._app.records.find(OTPS, otp.id)
        if message is not None and message.to and stored is not None and not stored.text("sentTo"):
            stored["sentTo"] = message.to[0].address
            await self._app.records.save(stored)

    # -- using it ------------------------------------------------------------------------------------------------------

    async def authenticate(self, collection: Collection, context: RequestContext) -> dict[str, object]:
        """The auth answer for ``otpId`` and ``password``.

        Raises:
            ValidationError: the form is not valid.
            BadRequestError: the code is unknown, expired, or wrong.
            TooManyRequestsError: too many guesses for this record from this address.
        """
        form = Form(context)
        otp_id, code = form.text("otpId"), form.text("password")
        validate(
            {
                "otpId": check(otp_id, required, length(1, 255)),
                "password": check(code, required, length(1, 71)),
            }
        )
        invalid = BadRequestError("Invalid or expired OTP.")
        too_many = TooManyRequestsError("Too many attempts, please try again later with a new OTP.")
        otp = await self._app.records.find(OTPS, otp_id)
        record, whose = None, ""
        if otp is not None:
            record = await self._app.records.find(collection, otp.text("recordRef"))
        else:
            whose = await self._auth.pretended_codes.whose(collection, otp_id)
        if (
            otp is None
            or record is None
            or otp.text("collectionRef") != collection.id
            or age(otp) > self._auth.options(collection).otp_duration
        ):
            # An id that was given out for nobody is counted and verified like another's: the answer must not tell it.
            if not await self._auth.otp_attempts.allow(collection.id, whose, context.ip) and whose:
                raise too_many
            await self._app.password_hasher.verify(code, "")
            raise invalid
        if not await self._auth.otp_attempts.allow(collection.id, record.id, context.ip):
            raise too_many
        if not await self._app.password_hasher.verify(code, password_hash(otp)):
            raise invalid
        context.context = "otp"
        chain = self._app.hooks.chain("on_record_auth_with_otp_request", collection.tags)
        if chain is None:
            return await self._consume(record, otp, context)
        event = RecordAuthWithOTPRequestEvent(
            app=self._app, context=context, collection=collection, record=record, otp=otp
        )
        return await chain.run(event, lambda: self._consume(event.record, otp, context))

    async def _consume(self, record: Record, otp: Record, context: RequestContext) -> dict[str, object]:
        try:
            await self._app.records.delete(otp)
        except NotFoundError as error:
            # Another request has used it since it was read: of several at once one succeeds.
            raise BadRequestError("Invalid or expired OTP.", cause="used meanwhile") from error
        except PbhostError:
            log.error("a used one-time password was not deleted", exc_info=True)
        sent_to = otp.text("sentTo")
        if not record.get("verified") and sent_to and sent_to == record.text("email"):
            record = await self._verify(record)
        return await self._app.auth.respond(record, context, method=self.name)

    async def _verify(self, record: Record) -> Record:
        """The mail reached its owner. Whoever signed up with this address before may not have owned it, so the
        password goes, unless it stays one of two factors."""
        changed = record.copy()
        changed["verified"] = True
        if not self._auth.options(record.collection).mfa_enabled:
            await randomise(self._app, changed)
        try:
            return await self._app.records.save(changed)
        except PbhostError:
            log.error("an owner of a mailbox was not marked as verified", exc_info=True)
            return record
