"""Keeps mail of a test installation inside the house: every message goes to one address."""

import os

from pbhost import hookimpl
from pbhost.services import MailAddress


@hookimpl
def on_mailer_send(event):
    catch_all = os.environ.get("MAIL_CATCH_ALL")
    if catch_all:
        event.message.subject += f" (for {', '.join(to.address for to in event.message.to)})"
        event.message.to = [MailAddress(catch_all)]
