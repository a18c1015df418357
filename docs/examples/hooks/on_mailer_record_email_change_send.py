"""Tells the old address that the new one was asked for."""

from pbhost import hookimpl
from pbhost.services import MailAddress, MailMessage


@hookimpl(wrapper=True)
async def on_mailer_record_email_change_send(event):
    yield
    await event.mailer.send(
        MailMessage(
            to=[MailAddress(event.record.text("email"))],
            subject="Your address is about to change",
            text=f"The new one will be {event.meta['newEmail']}.",
        )
    )
