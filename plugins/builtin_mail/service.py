"""The mailer service: hooks around the configured transport."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from builtin_mail.encoding import encode, recipients
from builtin_mail.transport import SmtpOptions, send_sendmail, send_smtp
from pbhost.hooks.events import MailerEvent
from pbhost.services import MailAddress, MailMessage

if TYPE_CHECKING:
    from pbhost.app import App

MAX_DELIVERIES = 16

log = logging.getLogger("pbhost.mail")


class Mailer:
    """Sends mail by SMTP when the settings enable it, else by the machine's ``sendmail``.

    In development each mail is shown in the terminal too; where no SMTP server is set up it goes nowhere else.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        # A burst of sign-ups must not open a connection to the mail server each.
        self._slots = asyncio.Semaphore(MAX_DELIVERIES)

    async def send(self, message: MailMessage) -> None:
        """See :class:`pbhost.services.Mailer`. A message without a sender gets the one of the settings."""
        if message.sender is None:
            message.sender = self._default_sender()
        chain = self._app.hooks.chain("on_mailer_send")
        if chain is None:
            await self._deliver(message)
            return
        event = MailerEvent(app=self._app, mailer=self, message=message)
        await chain.run(event, lambda: self._deliver(event.message))

    def _default_sender(self) -> MailAddress:
        meta = self._app.settings.section("meta")
        return MailAddress(str(meta.get("senderAddress") or ""), str(meta.get("senderName") or ""))

    async def _deliver(self, message: MailMessage) -> None:
        mail = encode(message)
        sender = message.sender.address if message.sender else ""
        smtp = self._app.settings.section("smtp")
        if self._app.config.dev:
            text = mail.get_body(("plain",))
            content = text.get_content() if text is not None else ""
            # Warnings are stored in the log of the application, information is not: mails carry tokens.
            log.info("mail to %s: %s\n\n%s", ", ".join(recipients(message)), mail["Subject"], content)
        async with self._slots:
            if smtp.get("enabled") is True:
                await send_smtp(SmtpOptions.of(smtp), mail, sender, recipients(message))
            elif not self._app.config.dev:
                await send_sendmail(mail, sender, recipients(message))
