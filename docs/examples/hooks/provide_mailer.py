"""Writes mail to the log instead of sending it; nothing of the built-in is left."""

import logging

from pbhost import hookimpl

log = logging.getLogger("mail")


class LoggingMailer:
    async def send(self, message):
        log.info("to %s: %s", [to.address for to in message.to], message.subject)


@hookimpl
def provide_mailer(app):
    return LoggingMailer()
