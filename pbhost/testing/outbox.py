"""Mail in tests: kept instead of sent."""

from __future__ import annotations

import asyncio

from pbhost.hooks import Skip, hookimpl
from pbhost.hooks.events import MailerEvent
from pbhost.services import MailMessage


class MailOutbox(list[MailMessage]):
    """A plugin that keeps every mail in this list, as the hooks of all other plugins left it, and sends none."""

    NAME = "mail_outbox"

    @hookimpl(trylast=True)
    def on_mailer_send(self, event: MailerEvent) -> None:
        """Takes the mail out of the sending."""
        self.append(event.message)
        raise Skip

    def to(self, address: str) -> list[MailMessage]:
        """The mails to an address."""
        return [mail for mail in self if address in [recipient.address for recipient in mail.to]]

    async def wait_for(self, count: int = 1, *, seconds: float = 5) -> list[MailMessage]:
        """All mails, as soon as there are ``count``; some are sent after the answer to the request.

        Raises:
            TimeoutError: there are fewer after that time.
        """
        async with asyncio.timeout(seconds):
            while len(self) < count:  # noqa: ASYNC110  # hooks may run in other threads
                await asyncio.sleep(0.005)
        return list(self)
