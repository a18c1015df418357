"""Welcomes a user once the address is verified."""

from pbhost import hookimpl
from pbhost.services import MailAddress, MailMessage


@hookimpl(collections=["users"], wrapper=True)
async def on_record_confirm_verification_request(event):
    yield
    to = MailAddress(event.record.text("email"))
    await event.app.mailer.send(MailMessage(to=[to], subject="Welcome", text="Good to have you here."))
