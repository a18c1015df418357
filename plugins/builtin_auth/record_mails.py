"""The five mails to an auth record: template, placeholders, hook, mailer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builtin_auth.mail_page import escape, fill, page, record_placeholders
from builtin_auth.options import OptionsCache, Template
from pbhost.hooks.events import MailerRecordEvent
from pbhost.model import Collection, Record
from pbhost.model.dates import now
from pbhost.model.ids import DIGITS, random_text, record_id
from pbhost.services import MailAddress, MailMessage

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.services.sign_in import MailKind

_HOOKS = {
    "verification": "on_mailer_record_verification_send",
    "password-reset": "on_mailer_record_password_reset_send",
    "email-change": "on_mailer_record_email_change_send",
    "otp": "on_mailer_record_otp_send",
    "login-alert": "on_mailer_record_auth_alert_send",
}


class RecordMails:
    """Each method sends one mail and returns the message that was sent, None if a hook kept it back.

    All raise OSError when the mail could not be delivered to the transport.
    """

    def __init__(self, app: App, options: OptionsCache) -> None:
        self._app = app
        self._options = options

    async def verification(self, record: Record) -> MailMessage | None:
        """Asks to confirm the record's address."""
        token = await self._app.auth.issue_token(record, "verification", claims={"email": record.text("email")})
        template = self._options.of(record.collection).verification_template
        return await self._send("verification", record, template, {"{TOKEN}": token}, {"token": token})

    async def password_reset(self, record: Record) -> MailMessage | None:
        """Lets the owner of the address choose a new password."""
        token = await self._app.auth.issue_token(record, "passwordReset", claims={"email": record.text("email")})
        template = self._options.of(record.collection).reset_password_template
        return await self._send("password-reset", record, template, {"{TOKEN}": token}, {"token": token})

    async def email_change(self, record: Record, new_email: str) -> MailMessage | None:
        """Asks the new address whether it wants to be the record's."""
        claims = {"email": record.text("email"), "newEmail": new_email}
        token = await self._app.auth.issue_token(record, "emailChange", claims={**claims})
        template = self._options.of(record.collection).confirm_email_change_template
        meta = {"token": token, "newEmail": new_email}
        return await self._send("email-change", record, template, {"{TOKEN}": token}, meta, to=new_email)

    async def one_time_password(self, record: Record, otp_id: str, code: str) -> MailMessage | None:
        """Carries a one-time password."""
        template = self._options.of(record.collection).otp_template
        placeholders = {"{OTP}": code, "{OTP_ID}": otp_id}
        return await self._send("otp", record, template, placeholders, {"otpId": otp_id, "password": code})

    async def auth_alert(self, record: Record, info: str) -> MailMessage | None:
        """Tells of a sign-in from a new place."""
        template = self._options.of(record.collection).alert_template
        escaped = escape(info)
        return await self._send("login-alert", record, template, {"{ALERT_INFO}": escaped}, {"info": escaped})

    async def test(self, kind: MailKind, collection: Collection, address: str) -> None:
        """One of the mails about a record that was never stored."""
        record = Record(collection, {"email": address, "tokenKey": random_text(50)})
        record.put("id", record_id())
        match kind:
            case "verification":
                await self.verification(record)
            case "password-reset":
                await self.password_reset(record)
            case "email-change":
                await self.email_change(record, address)
            case "otp":
                await self.one_time_password(record, record_id(), random_text(8, DIGITS))
            case "login-alert":
                await self.auth_alert(record, f"{now()} - 127.0.0.1 test")

    async def _send(
        self,
        kind: str,
        record: Record,
        template: Template,
        placeholders: dict[str, str],
        meta: dict[str, str],
        *,
        to: str = "",
    ) -> MailMessage | None:
        settings = self._app.settings.section("meta")
        values = {
            "{APP_NAME}": str(settings.get("appName") or ""),
            "{APP_URL}": str(settings.get("appURL") or ""),
            **record_placeholders(record),
            **placeholders,
        }
        message = MailMessage(
            to=[MailAddress(to or record.text("email"))],
            subject=fill(template.subject, values),
            html=page(fill(template.body, values)),
            sender=MailAddress(str(settings.get("senderAddress") or ""), str(settings.get("senderName") or "")),
        )
        mailer = self._app.mailer
        chain = self._app.hooks.chain(_HOOKS[kind], record.collection.tags)
        if chain is None:
            await mailer.send(message)
            return message
        event = MailerRecordEvent(
            app=self._app, mailer=mailer, message=message, collection=record.collection, record=record, meta=meta
        )
        sent: list[MailMessage] = []

        async def deliver() -> None:
            await event.mailer.send(event.message)
            sent.append(event.message)

        await chain.run(event, deliver)
        return sent[0] if sent else None
